"""Neighbours: which of the processes in sight are programs, and which only hold the place up.

Kernel threads, the first process of the PID namespace, other containers' first processes and agents, and this agent are
infrastructure. What a program does does not belong here.
"""

from __future__ import annotations

import os

import proc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from proc import Stat

PAUSE = b"/usr/lib/ipclab/pause"
AGENT = b"/usr/lib/ipclab/agent"


class Neighbours:
    """Tells infrastructure from programs, and remembers it: a fact must not read every agent's arguments again."""

    def __init__(self) -> None:
        """Know nobody but ourselves."""
        self._own_pid = os.getpid()
        self._known: dict[int, int] = {}

    def is_infrastructure(self, stat: Stat) -> bool:
        """Whether a process is in no fact unless it is asked for."""
        if stat.pid in (1, self._own_pid) or stat.flags & proc.PF_KTHREAD:
            return True
        if stat.ppid != 0:
            return False
        # No parent in this namespace: it was put here from outside, by the engine. No program can become such a one.
        if self._known.get(stat.pid) != stat.start:
            argv = proc.argv(stat.pid)
            if argv[:1] != [PAUSE] and AGENT not in argv:
                return False
            self._known[stat.pid] = stat.start
        return True
