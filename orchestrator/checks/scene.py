"""One place at one moment as a diagnosis sees it: its facts, who is who in it, and who holds which end of what."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from orchestrator.agent.facts import Fifo, Pipe, Process, Snapshot, Tcp, Udp, UnixSocket
from orchestrator.display import printable


@dataclass(frozen=True, slots=True)
class Scene:
    """Facts of one place, and the names of the programs in it."""

    snapshot: Snapshot
    names: Mapping[int, str] = field(default_factory=dict)
    """Process id to the program's name."""

    def __post_init__(self) -> None:
        """Index the processes."""
        object.__setattr__(self, "_by_pid", {process.pid: process for process in self.snapshot.process})

    _by_pid: dict[int, Process] = field(init=False, repr=False, compare=False)

    def programs(self) -> Iterator[Process]:
        """The named programs, what descends from them, and what outlived one; by process id."""
        for process in sorted(self.snapshot.process, key=lambda one: one.pid):
            if self._ancestor(process) is not None or (process.ours and process.proc is None):
                yield process

    def process(self, pid: int) -> Process | None:
        """The process with this id."""
        return self._by_pid.get(pid)

    def who(self, pid: int) -> str:
        """What reports call a process: `server`, `child 12 of server`, or its id and command."""
        if pid in self.names:
            return printable(self.names[pid], 60)
        process = self.process(pid)
        if process is None:
            return f"process {pid}"
        ancestor = self._ancestor(process)
        if ancestor is None:
            return f"process {pid} `{process.command}`"
        kinship = "child" if process.ppid == ancestor else "descendant"
        return f"{kinship} {pid} of {printable(self.names[ancestor], 60)}"

    def all_of(self, pids: Iterable[int]) -> str:
        """`client`, `client and server`, `a, b and c`."""
        named = [self.who(pid) for pid in sorted(set(pids))]
        return " and ".join((", ".join(named[:-1]), named[-1])) if len(named) > 1 else "".join(named)

    def others(self, process: Process) -> list[Process]:
        """Programs in this place, beside one, that have not ended."""
        return [one for one in self.programs() if one.pid != process.pid and not one.zombie]

    def children(self, process: Process) -> list[Process]:
        """Its child processes, ended ones too."""
        return [one for one in self.snapshot.process if one.ppid == process.pid]

    def fifo(self, path: str | None, waiting: int = 0) -> Fifo | None:
        """The FIFO in whose open() process `waiting` waits, or the one at a path."""
        for one in self.snapshot.fifo:
            if waiting in one.waiting:
                return one
        return next((one for one in self.snapshot.fifo if one.path == path), None)

    def pipe(self, ino: int) -> Pipe | None:
        """The unnamed pipe with an inode."""
        return next((one for one in self.snapshot.pipe if one.ino == ino), None)

    def unix_socket(self, ino: int | None) -> UnixSocket | None:
        """The Unix socket with an inode."""
        return next((one for one in self.snapshot.unix_socket if one.ino == ino), None)

    def internet_socket(self, ino: int) -> Tcp | Udp | None:
        """The TCP or UDP socket with an inode."""
        sockets: tuple[Tcp | Udp, ...] = (*self.snapshot.tcp, *self.snapshot.udp)
        return next((one for one in sockets if one.ino == ino), None)

    def peer_of(self, connection: Tcp | Udp) -> Tcp | None:
        """The other end of a TCP connection, when it is in this place's network namespace."""
        ends = (connection.remote, connection.local)
        return next((one for one in self.snapshot.tcp if (one.local, one.remote) == ends and one.ino), None)

    def _ancestor(self, process: Process) -> int | None:
        """The nearest named process that it is or descends from."""
        seen: set[int] = set()
        one: Process | None = process
        while one is not None and one.pid not in seen:
            if one.pid in self.names:
                return one.pid
            seen.add(one.pid)
            one = self.process(one.ppid)
        return None
