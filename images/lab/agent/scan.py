"""Scans: one look at /proc, for one answer. Each thing is read at most once, and only when it is asked for.

What the answer is made of does not belong here.
"""

from __future__ import annotations

import os
import time
from functools import cached_property

import descriptors
import mappings
import proc
import walk

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeVar

    from descriptors import Descriptor
    from family import Family
    from mappings import Mapping
    from neighbours import Neighbours
    from proc import Stat
    from walk import SpecialFile

    Found = TypeVar("Found")

QUEUES = "/dev/mqueue"
PATIENCE_S = 1.0
"""The longest that one scan waits for processes' memory. The kernel reads a process's mappings and arguments under a
lock that fork(2) holds: of 46 processes that did nothing but fork, the mappings took 1.5 s, all else 2 ms a kind."""


class Vantage:
    """What stays the same from one scan to the next: where we look from."""

    def __init__(self, family: Family, neighbours: Neighbours, folders: tuple[str, ...]) -> None:
        """Look for FIFOs and socket files below `folders`."""
        self.family = family
        self.neighbours = neighbours
        self.folders = folders
        self.mnt = proc.namespace("self", "mnt")
        self.ipc = proc.namespace("self", "ipc")
        self.queues_dev = _queues_dev()


class Scan:
    """What there is at one moment, as far as somebody wants to know."""

    def __init__(self, vantage: Vantage) -> None:
        """Have read nothing yet."""
        self.vantage = vantage
        self.truncated = False
        """Whether something was too long to be read to its end."""
        self._patience_s = PATIENCE_S
        self._stats: dict[int, Stat | None] = {}
        self._programs: dict[int, int | None] = {}
        self._descriptors: dict[int, list[Descriptor]] = {}
        self._mappings: dict[int, list[Mapping]] = {}

    @cached_property
    def programs(self) -> list[Stat]:
        """All processes but infrastructure, also those that have ended and were not waited for."""
        return sorted(self.each_program(), key=lambda stat: stat.pid)

    def each_program(self) -> Iterator[Stat]:
        """The same, each as soon as it is found; the newest first, as it may be gone soonest."""
        neighbours = self.vantage.neighbours
        for pid in sorted(set(proc.pids()) - neighbours.known(), reverse=True):
            stat = self.stat(pid)
            if stat is not None and not neighbours.is_infrastructure(stat):
                yield stat

    @cached_property
    def live(self) -> list[int]:
        """The process ids of those that have not ended: who can hold or map something."""
        return [stat.pid for stat in self.programs if stat.alive]

    def stat(self, pid: int) -> Stat | None:
        """A process; None when there is none with this id."""
        if pid not in self._stats:
            self._stats[pid] = proc.stat(pid)
        return self._stats[pid]

    def program_of(self, pid: int) -> int | None:
        """The number of the program that a process comes from, 0 if that can't be told, None if it is not ours."""
        return self.vantage.family.program_of(pid, self.stat, self._programs)

    def descriptors(self, pid: int) -> list[Descriptor]:
        """What a process holds open."""
        if pid not in self._descriptors:
            found = descriptors.of(pid, self.vantage.queues_dev)
            self._note(len(found) >= descriptors.MOST)
            self._descriptors[pid] = found
        return self._descriptors[pid]

    def mappings(self, pid: int) -> list[Mapping]:
        """What memory a process shares; nothing once our patience has ended."""
        if pid not in self._mappings:
            found = self._patiently(lambda: mappings.of(pid))
            self._note(len(found) >= mappings.MOST)
            self._mappings[pid] = found
        return self._mappings[pid]

    def argv(self, pid: int, limit_bytes: int = 4096) -> list[bytes]:
        """A process's arguments; none once our patience has ended."""
        return self._patiently(lambda: proc.argv(pid, limit_bytes))

    @cached_property
    def socket_holders(self) -> dict[int, list[int]]:
        """The processes that hold each socket, by its inode."""
        holders: dict[int, list[int]] = {}
        for pid in self.live:
            for ino in {one.ino for one in self.descriptors(pid) if one.kind == "socket"}:
                holders.setdefault(ino, []).append(pid)
        return holders

    @cached_property
    def special_files(self) -> list[SpecialFile]:
        """The FIFOs and socket files below the folders of the vantage."""
        found, whole = walk.special_files(self.vantage.folders)
        self._note(not whole)
        return found

    def sockets_in_use(self, *labels: bytes) -> int:
        """How many sockets of our network namespace the kernel counts in these lines of /proc/net/sockstat."""
        return sum(self._socket_counts.get(label, 0) for label in labels)

    @cached_property
    def _socket_counts(self) -> dict[bytes, int]:
        """`TCP: inuse 1 orphan 0 tw 3 alloc 5 mem 131`: what is in use, and what waits in TIME-WAIT."""
        counts = {}
        for file in ("sockstat", "sockstat6"):
            for line in proc.read(f"/proc/net/{file}").split(b"\n"):
                words = line.split()
                numbers = dict(zip(words[1::2], words[2::2], strict=False))
                counts[line.partition(b" ")[0]] = int(numbers.get(b"inuse", 0)) + int(numbers.get(b"tw", 0))
        return counts

    def _patiently(self, look: Callable[[], list[Found]]) -> list[Found]:
        """What a look at a process's memory finds, which that process may make us wait for; nothing after too long."""
        if self._patience_s <= 0:
            self._note(True)
            return []
        begun = time.monotonic()
        found = look()
        self._patience_s -= time.monotonic() - begun
        return found

    def _note(self, truncated: bool) -> None:
        """Remember that something was cut off."""
        self.truncated = self.truncated or truncated


def _queues_dev() -> int:
    """The device of the file system of POSIX message queues; 0 when it is not mounted."""
    try:
        dev = os.stat(QUEUES).st_dev
        return dev if dev != os.stat("/dev").st_dev else 0
    except FileNotFoundError:
        return 0
