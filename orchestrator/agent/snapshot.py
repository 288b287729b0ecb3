"""All facts of one container at one moment, and what is in it that was not there before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

from orchestrator.agent.fact import Fact
from orchestrator.agent.files import Entry, Fifo, File, Pipe, SocketFile
from orchestrator.agent.limits import Limits
from orchestrator.agent.posix import PosixMq, PosixSem, PosixShm
from orchestrator.agent.processes import Namespaces, Process
from orchestrator.agent.sockets import Tcp, Udp, UnixSocket
from orchestrator.agent.sysv import SysvMsg, SysvSem, SysvShm

AnyFact = TypeVar("AnyFact", bound=Fact)
_CLASSES: tuple[type[Fact], ...] = (
    SysvShm,
    SysvSem,
    SysvMsg,
    PosixShm,
    PosixSem,
    PosixMq,
    Fifo,
    Pipe,
    UnixSocket,
    SocketFile,
    Entry,
    Tcp,
    Udp,
    Process,
    File,
    Namespaces,
    Limits,
)
KINDS: Mapping[str, type[Fact]] = {one.kind: one for one in _CLASSES}
"""The agent's word for each kind, and its class."""
SEEN: tuple[str, ...] = tuple(kind for kind in KINDS if kind != File.kind)
"""The kinds in a snapshot; a `file` is seen only when its path is asked for."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Every kind of fact, in attributes named like the kinds. A kind that was not asked for is empty."""

    sysv_shm: tuple[SysvShm, ...] = ()
    sysv_sem: tuple[SysvSem, ...] = ()
    sysv_msg: tuple[SysvMsg, ...] = ()
    posix_shm: tuple[PosixShm, ...] = ()
    posix_sem: tuple[PosixSem, ...] = ()
    posix_mq: tuple[PosixMq, ...] = ()
    fifo: tuple[Fifo, ...] = ()
    pipe: tuple[Pipe, ...] = ()
    unix_socket: tuple[UnixSocket, ...] = ()
    socket_file: tuple[SocketFile, ...] = ()
    entry: tuple[Entry, ...] = ()
    tcp: tuple[Tcp, ...] = ()
    udp: tuple[Udp, ...] = ()
    process: tuple[Process, ...] = ()
    namespaces: tuple[Namespaces, ...] = ()
    limits: tuple[Limits, ...] = ()
    truncated: frozenset[str] = frozenset()
    """Kinds of which there were more facts than an answer can hold."""
    unavailable: Mapping[str, str] = field(default_factory=dict)
    """Kinds that the kernel would not tell of, and why."""

    @classmethod
    def from_fields(cls, kinds: Mapping[str, Iterable[Mapping[str, Any]]]) -> Self:
        """The snapshot in the agent's object: kind → list of facts; kinds that we do not know are ignored.

        Raises:
            TypeError: A fact lacks a field.
            ValueError: The same.
        """
        return cls(**_facts(kinds))

    @classmethod
    def from_answer(cls, answer: Mapping[str, Any]) -> Self:
        """The snapshot in the agent's answer to `snapshot`, with what is missing from it.

        Raises:
            TypeError, ValueError, KeyError: It is not such an answer.
        """
        truncated, unavailable = frozenset(answer["truncated"]), dict(answer["unavailable"])
        return cls(**_facts(answer["facts"]), truncated=truncated, unavailable=unavailable)

    def __iter__(self) -> Iterator[Fact]:
        """All facts, kind by kind."""
        for kind in SEEN:
            yield from getattr(self, kind)

    def of(self, kind: type[AnyFact]) -> tuple[AnyFact, ...]:
        """The facts of one kind."""
        found: tuple[AnyFact, ...] = getattr(self, kind.kind)
        return found

    def by_pid(self, pid: int) -> Process | None:
        """The process with this id."""
        return next((one for one in self.process if one.pid == pid), None)

    def new_since(self, baseline: Snapshot) -> tuple[Fact, ...]:
        """What is here now, was not in `baseline`, and outlives or occupies something: what a program left behind.

        System V and POSIX objects, FIFO and socket files, processes that descend from the agent, and the sockets that
        these listen on or have bound. Not connections, pipes and unbound sockets: they go with their process. Nor files
        that are no channel: `files_since` has those.
        """
        known = {fact.identity for fact in baseline}
        programs = {process.pid for process in self.process if process.ours}
        return tuple(fact for fact in self if _lasts(fact, programs) and fact.identity not in known)

    def files_since(self, baseline: Snapshot) -> tuple[Entry, ...]:
        """Ordinary files, folders and links that stand where nothing stood in `baseline`, and are no other fact.

        They stand directly in the folders that programs may write in. What was there and was written anew, as many
        programs write a file, is not among them.
        """
        known = {entry.path for entry in baseline.entry}
        others: tuple[Fifo | SocketFile | PosixShm | PosixSem, ...]
        others = (*self.fifo, *self.socket_file, *self.posix_shm, *self.posix_sem)
        told = {(other.dev, other.ino) for other in others}
        return tuple(one for one in self.entry if one.path not in known and (one.dev, one.ino) not in told)

    def entries_since(self, baseline: Snapshot) -> tuple[Entry, ...]:
        """What stands in the folders that programs may write in and was not there in `baseline`."""
        known = {entry.identity for entry in baseline.entry}
        return tuple(entry for entry in self.entry if entry.identity not in known)


def _facts(kinds: Mapping[str, Iterable[Mapping[str, Any]]]) -> dict[str, Any]:
    return {kind: tuple(map(KINDS[kind].from_fields, found)) for kind, found in kinds.items() if kind in SEEN}


def _lasts(fact: Fact, programs: set[int]) -> bool:
    """Whether it is a leftover if nobody removed it."""
    match fact:
        case Process():
            return fact.ours
        case UnixSocket():
            return bool(fact.path) and fact.state != "established" and not programs.isdisjoint(fact.pids)
        case Tcp() | Udp():
            return not fact.remote.port and not programs.isdisjoint(fact.pids)
        case Pipe() | Entry() | Namespaces() | Limits():
            return False
    return True
