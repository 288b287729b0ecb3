"""Culls: killing processes that do not want to die, with all that they fork in the meantime, until none is left.

First everything is stopped, so that nothing forks any more; then everything is killed. A process that does nothing but
fork and exit is always one process ahead of us. What ends it is that its dead are not waited for while we stop things:
they show that there is more to look for, and fill the container's pids limit until it can't fork any more.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from loop import Loop
    from proc import Stat
    from reaper import Reaper

    Targets = Callable[[], Iterable[Stat]]
    Done = Callable[[int, list[int]], None]

STOPPING_S = 1.0
PATIENCE_S = 5.0
FIRST_PAUSE_S = 0.0002
LONGEST_PAUSE_S = 0.005


class Cull:
    """One killing of all that `targets` gives, dead or alive, now and as long as it gives something alive."""

    def __init__(self, loop: Loop, reaper: Reaper, targets: Targets, done: Done) -> None:
        """Call `done` with how many were killed, and with those that could not be within 5 s."""
        self._loop = loop
        self._reaper = reaper
        self._targets = targets
        self._done = done
        self._begun = time.monotonic()
        self._pause_s = FIRST_PAUSE_S
        self._killed: set[tuple[int, int]] = set()

    def start(self) -> None:
        """Stop and kill; look again after a while, unless nothing was there."""
        self._reaper.hold()
        try:
            left, _ = send_to_all(self._targets, signal.SIGSTOP)
        finally:
            self._reaper.release()
        for stat in left:
            _send(stat, signal.SIGKILL)
        self._killed.update(stat.key for stat in left if stat.alive)
        self._reaper.reap()
        if not left or time.monotonic() - self._begun > PATIENCE_S:
            self._done(len(self._killed), [stat.pid for stat in left])
            return
        self._loop.after(self._pause_s, self.start)
        self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)


def send_to_all(targets: Targets, number: int) -> tuple[list[Stat], int]:
    """Send SIGSTOP or SIGKILL until nobody new is found, dead or alive; those that are alive then, and how many got it.

    When new ones do not cease to come, it gives all that were found last: whoever they came from is alive.
    """
    end = time.monotonic() + STOPPING_S
    known: set[tuple[int, int]] = set()
    while True:
        found = []
        fresh = False
        for stat in targets():
            found.append(stat)
            if stat.key not in known:
                known.add(stat.key)
                fresh = True
                _send(stat, number)
        if not fresh:
            return [stat for stat in found if stat.alive], len(known)
        if time.monotonic() > end:
            return found, len(known)


def _send(stat: Stat, number: int) -> None:
    """Send a signal to a process and its group, which forking can't outrun.

    A group never leaves its session, and every program begins with a session of its own: it is all of one program.
    """
    with contextlib.suppress(ProcessLookupError):
        os.killpg(stat.pgid, number)
