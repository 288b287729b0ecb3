"""Which signals end a command, and how often."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Iterator

import pytest

from orchestrator.interruption import (
    ALL,
    ENDINGS,
    as_before,
    held_back,
    interrupted_by_all,
    interrupted_once,
    uninterrupted,
)


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    with as_before():
        for number in ALL:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
        yield


def send(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)


@pytest.mark.parametrize("number", ENDINGS)
def test_what_ends_a_command_interrupts_it(number: signal.Signals) -> None:
    interrupted_by_all()
    with pytest.raises(KeyboardInterrupt):
        send(number)


def test_what_is_ignored_stays_so() -> None:
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    interrupted_by_all()
    send(signal.SIGHUP)
    with interrupted_once():
        send(signal.SIGHUP)


@pytest.mark.parametrize("second", ALL)
def test_only_the_first_one_interrupts(second: signal.Signals) -> None:
    interrupted_by_all()
    with interrupted_once():
        with pytest.raises(KeyboardInterrupt):
            send(signal.SIGTERM)
        send(second)
    with pytest.raises(KeyboardInterrupt):
        send(second)


def test_none_interrupts_what_clears_away() -> None:
    interrupted_by_all()
    with uninterrupted():
        for number in ALL:
            send(number)
    with pytest.raises(KeyboardInterrupt):
        send(signal.SIGINT)


def test_what_is_held_back_interrupts_afterwards() -> None:
    interrupted_by_all()
    done = False
    with pytest.raises(KeyboardInterrupt), held_back():
        # From another thread, too, which has a mask of its own.
        other = threading.Thread(target=send, args=(signal.SIGTERM,))
        other.start()
        other.join()
        send(signal.SIGINT)
        done = True
    assert done
    with held_back():
        pass
