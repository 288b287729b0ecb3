"""Family: which processes descend from the agent, and from which of its programs.

The agent is a child subreaper (prctl(2)): whoever loses his parent becomes its child, so everything that a program
forked leads back to it. Killing them does not belong here.
"""

from __future__ import annotations

import os

import libc
import proc
from mark import Marks

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from proc import Stat

    Stats = Callable[[int], Stat | None]

UNKNOWN = 0
"""The program of an orphan whose mark was tampered with."""
REMEMBERED = 4096
DEEPEST = 100_000
"""More generations than there are processes: a chain read while process ids were used again may go in a circle."""


class Family:
    """The agent's descendants."""

    def __init__(self) -> None:
        """Adopt orphans from now on."""
        self.marks = Marks()
        self._own_pid = os.getpid()
        self._programs: dict[int, int] = {}
        self._last_number = 0
        self._hands: set[int] = set()
        self._orphans: dict[tuple[int, int], int] = {}
        libc.prctl(libc.PR_SET_CHILD_SUBREAPER, 1)

    def add_program(self, pid: int, number: int) -> None:
        """Remember a program's first process until it is reaped."""
        self._programs[pid] = number
        self._last_number = number

    def add_hand(self, pid: int) -> None:
        """Remember a process that does something for the agent itself: it is nobody's program."""
        self._hands.add(pid)

    def forget(self, pid: int) -> None:
        """A child was reaped; its process id may be used again."""
        self._programs.pop(pid, None)
        self._hands.discard(pid)

    def program_of(self, pid: int, stats: Stats, found: dict[int, int | None]) -> int | None:
        """The number of the program that a process comes from, `UNKNOWN`, or None when it is no descendant.

        What is learned about its ancestors is added to `found`, which may hold what is known from the same moment.
        """
        chain: list[int] = []
        while pid not in found and len(chain) < DEEPEST:
            stat = stats(pid)
            if stat is None or pid == self._own_pid:
                found[pid] = None
            elif stat.ppid == self._own_pid:
                found[pid] = self._child(stat)
            else:
                chain.append(pid)
                pid = stat.ppid
        number = found.get(pid)
        for member in chain:
            found[member] = number
        return number

    def program_of_orphan(self, pid: int) -> int | None:
        """The number of the program that a dead child came from, or `UNKNOWN`; None when no program runs any more."""
        stat = proc.stat(pid) if self._programs else None
        return None if stat is None else self._child(stat)

    def _child(self, stat: Stat) -> int | None:
        """The program of a child of ours: its first process, or an orphan, by its mark."""
        if stat.pid in self._hands:
            return None
        number = self._programs.get(stat.pid)
        if number is not None:
            return number
        known = self._orphans.get(stat.key)
        if known is None:
            if len(self._orphans) >= REMEMBERED:
                self._orphans.clear()
            number = self.marks.read(proc.read(f"/proc/{stat.pid}/limits"))
            known = number if number is not None and number <= self._last_number else UNKNOWN
            self._orphans[stat.key] = known
        return known
