"""What ends a command before it is done, and leaves no more behind than Ctrl-C does."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from types import FrameType

ENDINGS = (signal.SIGTERM, signal.SIGHUP)
"""A CI job is cancelled; a terminal is closed."""
ALL = (signal.SIGINT, *ENDINGS)


def interrupted_by_all() -> None:
    """Let these signals do what SIGINT does: raise KeyboardInterrupt. One that is ignored, as by nohup(1), stays so."""
    _answer(ENDINGS, signal.default_int_handler)


@contextmanager
def interrupted_once() -> Iterator[None]:
    """Let the first signal that comes within the block interrupt it, and none after that: it clears away in peace."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        ignore_all()
        raise KeyboardInterrupt

    with as_before():
        _answer(ALL, interrupt)
        yield


@contextmanager
def held_back() -> Iterator[None]:
    """Let a signal that comes within the block do what it does when the block is over."""
    came: list[int] = []
    with as_before():
        _answer(ALL, lambda number, _: came.append(number))
        yield
    for first in came[:1]:
        signal.raise_signal(first)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let no signal interrupt the block: it is short, and it clears away."""
    with as_before():
        ignore_all()
        yield


def ignore_all() -> None:
    """Let no such signal end the process any more: it is about to end with an exit code that says why."""
    for number in ALL:
        signal.signal(number, signal.SIG_IGN)


def _answer(numbers: Iterable[signal.Signals], handler: Callable[[int, FrameType | None], object]) -> None:
    """Let the handler answer these signals, but for those that are ignored."""
    for number in numbers:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, handler)


@contextmanager
def as_before() -> Iterator[None]:
    """Let the signals do after the block what they did before it."""
    kept = {number: signal.getsignal(number) for number in ALL}
    try:
        yield
    finally:
        for number, handler in kept.items():
            signal.signal(number, handler)
