"""Neighbours: which of the processes in sight are programs, and which only hold the place up.

Kernel threads, the first process of the PID namespace, other containers' first processes and agents, and this agent are
infrastructure. What a program does does not belong here.
"""

from __future__ import annotations

import os
import select

import proc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from proc import Stat

PAUSE = b"/usr/lib/ipclab/pause"
AGENT = b"/usr/lib/ipclab/agent"
FIRST_PID = 1


class Neighbours:
    """Tells infrastructure from programs, and remembers it: on a host with two containers it is five processes.

    A process that was found to be infrastructure is held by a pidfd, which tells when its process id may be another's.
    """

    def __init__(self) -> None:
        """Know nobody but ourselves and the first process, which outlives us."""
        self._known = {FIRST_PID, os.getpid()}
        self._pids: dict[int, int] = {}
        self._ends = select.epoll()

    def known(self) -> set[int]:
        """The processes that are known to be infrastructure, still."""
        for pidfd, _events in self._ends.poll(0):
            self._known.discard(self._pids.pop(pidfd))
            os.close(pidfd)  # which takes it out of the epoll set
        return self._known

    def is_infrastructure(self, stat: Stat) -> bool:
        """Whether a process is in no fact unless it is asked for."""
        if stat.pid in self._known or stat.flags & proc.PF_KTHREAD:
            return True
        # Without a parent in this namespace, it was put here from outside, by the engine. No program can become such.
        if stat.ppid != 0:
            return False
        argv = proc.argv(stat.pid)
        if argv[:1] != [PAUSE] and AGENT not in argv:
            return False
        self._remember(stat)
        return True

    def _remember(self, stat: Stat) -> None:
        """Hold on to a process, if it still is the one that we looked at and the kernel (5.3) has pidfds."""
        try:
            pidfd = os.pidfd_open(stat.pid)
        except OSError:  # it ended, or the kernel is too old: we shall look at it again
            return
        now = proc.stat(stat.pid)
        if now is None or now.key != stat.key:
            os.close(pidfd)
            return
        self._ends.register(pidfd, select.EPOLLIN)
        self._pids[pidfd] = stat.pid
        self._known.add(stat.pid)
