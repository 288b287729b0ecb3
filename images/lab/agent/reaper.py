"""The reaper: waits for the agent's children, those that it forked and those that it adopted. See wait4(2).

What the end of a child means does not belong here.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    import resource
    from collections.abc import Callable

    from family import Family

    Ended = Callable[[int, resource.struct_rusage], None]
    OrphanEnded = Callable[[int, resource.struct_rusage], None]


class Reaper:
    """Waits for whoever has ended, and tells who expects it."""

    def __init__(self, family: Family) -> None:
        """Wait for nobody in particular yet."""
        self._family = family
        self._expected: dict[int, Ended] = {}
        self._holds = 0
        self.orphan_ended: OrphanEnded = lambda _number, _used: None
        """Hears of the end of whoever a program has left to us: the number of that program, and the resources used."""

    def expect(self, pid: int, ended: Ended) -> None:
        """Call with the wait status and the resources used, once this child has ended."""
        self._expected[pid] = ended

    def hold(self) -> None:
        """Leave the dead alone until `release`: as long as nobody waits for them, they count against the pids limit."""
        self._holds += 1

    def release(self) -> None:
        """Undo one `hold`."""
        self._holds -= 1

    def reap(self) -> None:
        """Wait for all that have ended by now."""
        while not self._holds:
            try:
                first = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:  # there is no child at all
                return
            if first is None:
                return
            self._wait_for(first.si_pid)

    def _wait_for(self, pid: int) -> None:
        """Wait for one that has ended. Which program an orphan came from can be told as long as it is there."""
        number = None if pid in self._expected else self._family.program_of_orphan(pid)
        _, status, used = os.wait4(pid, 0)
        self._family.forget(pid)
        ended = self._expected.pop(pid, None)
        if ended is not None:
            ended(status, used)
        elif number is not None:
            self.orphan_ended(number, used)

    def has_children(self) -> bool:
        """Whether anybody is left to wait for."""
        try:
            os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            return False
        return True
