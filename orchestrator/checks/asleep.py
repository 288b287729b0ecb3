"""Whether a program sleeps in the kernel until something comes, or wakes up to look whether it has come."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Final

from orchestrator.agent.facts import Process
from orchestrator.checks.outcome import Unexpected

SETTLE_S: Final = 0.05
"""Nothing has happened for so long: what came before is done with."""
PATIENCE_S: Final = 2.0
"""To get there, on an idle machine."""
CPU_SHARE: Final = 0.1
"""Of one processor: times are told in hundredths of a second."""
MOST_WAKES: Final = 1
"""A program that waits without a limit does not wake at all; one may be the end of what it did before."""

BUSY: Final = "RD"
"""States of who computes, or waits for its own pages."""

Look = Callable[[], Sequence[Process]]
"""Gives the processes of a program as they are now."""


def see_asleep(
    look: Look, for_s: float, patience_s: float = PATIENCE_S, *, pause: Callable[[float], None] = time.sleep
) -> None:
    """See that a program's processes, all threads of each, do nothing for `for_s` seconds once they have settled.

    They have `patience_s` for that.

    Each look from time to time is a wake-up, however short: the kernel counts voluntary context switches, proc(5).
    Looks that are further apart than `for_s` are not found.

    Raises:
        Unexpected: They woke up, or computed, or all have ended.
    """
    before = _settled(look, patience_s, pause)
    pause(for_s)
    now = _seen(look)
    woke, took_s = _wakes(now) - _wakes(before), _cpu_s(now) - _cpu_s(before)
    if took_s > CPU_SHARE * for_s or any(one.state == "R" for one in now):
        raise _looks_again(f"it took {took_s:.2f} s of processor time within {for_s:g} s")
    if woke > MOST_WAKES:
        raise _looks_again(f"it woke up {woke} times within {for_s:g} s")


def _settled(look: Look, patience_s: float, pause: Callable[[float], None]) -> Sequence[Process]:
    before = _seen(look)
    for _ in range(int(patience_s / SETTLE_S)):
        pause(SETTLE_S)
        now = _seen(look)
        if _wakes(now) == _wakes(before) and all(one.state not in BUSY for one in now):
            return now
        before = now
    raise _looks_again(f"it does not come to rest within {patience_s:.3g} s")


def _seen(look: Look) -> Sequence[Process]:
    """Who is there; who has ended does not sleep."""
    if found := look():
        return found
    raise Unexpected("it to sleep in the kernel until something comes", "it has ended")


def _looks_again(observed: str) -> Unexpected:
    return Unexpected("it to sleep in the kernel until something comes", f"{observed}, and nothing had come")


def _wakes(processes: Sequence[Process]) -> int:
    return sum(one.voluntary_switches for one in processes)


def _cpu_s(processes: Sequence[Process]) -> float:
    return sum(one.cpu_s for one in processes)
