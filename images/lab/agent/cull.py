"""Culls: killing processes that do not want to die, with all that they fork in the meantime, until none is left.

First everything is stopped, so that nothing forks any more; then everything is killed. A process that does nothing but
fork and exit is always one process ahead of us. What ends it is that its dead are not waited for while we stop things:
they fill the container's pids limit, until it can't fork and stays where we find it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from loop import Loop
    from proc import Stat
    from reaper import Reaper

    Targets = Callable[[], list[Stat]]
    Done = Callable[[int, list[int]], None]

STOPPING_S = 2.0
PATIENCE_S = 5.0
FIRST_PAUSE_S = 0.0002
LONGEST_PAUSE_S = 0.005


class Cull:
    """One killing of all that `targets` gives, now and as long as it gives something."""

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
        """Stop and kill; the waiting is done by the loop."""
        self._reaper.hold()
        try:
            self._stop_all()
        finally:
            self._reaper.release()
        self._kill()

    def _stop_all(self) -> None:
        """Send SIGSTOP until there is nobody whom it was not sent to."""
        stopped: set[tuple[int, int]] = set()
        while fresh := [stat for stat in self._targets() if stat.key not in stopped]:
            for stat in fresh:
                _send(stat.pid, signal.SIGSTOP)
                stopped.add(stat.key)
            if time.monotonic() - self._begun > STOPPING_S:
                return

    def _kill(self) -> None:
        """Send SIGKILL to all that is left; look again after a while, unless nothing is."""
        self._reaper.reap()
        left = self._targets()
        if not left:
            self._reaper.reap()  # those that ended since; all the dead are our children by now
            self._done(len(self._killed), [])
        elif time.monotonic() - self._begun > PATIENCE_S:
            self._done(len(self._killed), [stat.pid for stat in left])
        else:
            for stat in left:
                _send(stat.pid, signal.SIGKILL)
                self._killed.add(stat.key)
            self._loop.after(self._pause_s, self._kill)
            self._pause_s = min(self._pause_s * 2, LONGEST_PAUSE_S)


def _send(pid: int, number: int) -> None:
    """Send a signal to whoever is still there."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
