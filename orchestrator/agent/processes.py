"""Processes and their namespaces, as /proc shows them in the container's PID namespace. See proc(5)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from orchestrator.agent.fact import Converters, Fact, Identity, Owner
from orchestrator.display import printable

STATES: Mapping[str, str] = {
    "R": "running",
    "S": "sleeping",
    "D": "in uninterruptible sleep",
    "T": "stopped",
    "t": "stopped by a tracer",
    "Z": "ended, not waited for",
    "X": "ended",
    "I": "idle",
}
"""The letters of /proc/PID/stat in words."""


@dataclass(frozen=True, slots=True)
class Syscall:
    """The system call that a process sleeps in, and what the agent could tell of its arguments."""

    name: str
    number: int
    args: tuple[int, ...] = ()
    path: str | None = None
    fd: int | None = None
    target: str | None = None
    """What `fd` refers to: `pipe:[123]`, `socket:[456]`, a path."""

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any] | None) -> Self | None:
        """The call in the agent's object; None (it runs, or can't be read) stays None."""
        if fields is None:
            return None
        get = fields.get
        return cls(fields["name"], fields["number"], tuple(get("args", ())), get("path"), get("fd"), get("target"))


@dataclass(frozen=True, slots=True)
class Descriptor:
    """One open file descriptor."""

    fd: int
    target: str
    mode: str
    """`r`, `w` or `rw`; empty when it was opened for its path alone."""
    kind: str
    """`file`, `dir`, `fifo`, `pipe`, `socket`, `mqueue`, `char`, `block` or `anon`."""
    ino: int = 0
    dev: int = 0

    @classmethod
    def each(cls, listed: Iterable[Mapping[str, Any]]) -> tuple[Self, ...]:
        """The descriptors in the agent's list."""
        return tuple(
            cls(one["fd"], one["target"], one["mode"], one["kind"], one.get("ino", 0), one.get("dev", 0))
            for one in listed
        )


@dataclass(frozen=True, slots=True)
class SharedMapping:
    """Memory that a process shares with others (`s` in the permissions of its maps)."""

    target: str
    perms: str
    dev: int
    ino: int
    """Of a System V segment its id."""
    start: int
    size: int

    @classmethod
    def each(cls, listed: Iterable[Mapping[str, Any]]) -> tuple[Self, ...]:
        """The mappings in the agent's list."""
        return tuple(
            cls(one["target"], one["perms"], one["dev"], one["ino"], one["start"], one["size"]) for one in listed
        )

    def __contains__(self, address: int) -> bool:
        """Whether an address lies in it."""
        return self.start <= address < self.start + self.size


@dataclass(frozen=True, slots=True)
class Signals:
    """Signal numbers by what happens to them in a process."""

    pending: tuple[int, ...]
    blocked: tuple[int, ...]
    ignored: tuple[int, ...]
    caught: tuple[int, ...]

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any] | None) -> Self | None:
        """The sets in the agent's object; None (it can't be read) stays None."""
        if fields is None:
            return None
        return cls(*(tuple(fields[name]) for name in ("pending", "blocked", "ignored", "caught")))


@dataclass(frozen=True, slots=True)
class Process(Fact):
    """A process, by what the kernel knows of it."""

    kind: ClassVar[str] = "process"
    converters: ClassVar[Converters] = {
        "argv": tuple,
        "syscall": Syscall.from_fields,
        "fds": Descriptor.each,
        "maps": SharedMapping.each,
        "sig": Signals.from_fields,
    }
    pid: int
    ppid: int
    pgid: int
    sid: int
    uid: int
    gid: int
    comm: str
    argv: tuple[str, ...]
    exe: str | None
    state: str
    """The letter of /proc/PID/stat; `STATES` has the words."""
    threads: int
    utime_s: float
    stime_s: float
    start_ticks: int
    voluntary_switches: int = 0
    involuntary_switches: int = 0
    wchan: str | None = None
    syscall: Syscall | None = None
    """Of its main thread; None while it runs."""
    fds: tuple[Descriptor, ...] = ()
    maps: tuple[SharedMapping, ...] = ()
    sig: Signals | None = None
    proc: int | None = None
    """The agent's number for a program that it started; None for everything else."""
    ours: bool = False
    """Whether it descends from the agent."""
    here: bool = True
    """Whether it has this container's mount namespace, so that its paths are ours."""

    @property
    def cpu_s(self) -> float:
        """Processor time that it used, in user mode and in the kernel."""
        return self.utime_s + self.stime_s

    @property
    def zombie(self) -> bool:
        """Whether it has ended and its parent has not waited for it: all of its threads, not only the first."""
        return self.state == "Z" and self.threads <= 1

    @property
    def identity(self) -> Identity:
        """Process id and start: an id is used again."""
        return (self.kind, self.pid, self.start_ticks)

    @property
    def owner(self) -> Owner:
        """Its user and group."""
        return (self.uid, self.gid)

    @property
    def command(self) -> str:
        """What it was started as, safe to print: its arguments, or its name when it has none any more."""
        return printable(" ".join(self.argv) if any(self.argv) else f"[{self.comm}]", 80)

    def describe(self) -> str:
        """Process id, command, state and parent."""
        state = STATES.get(self.state, self.state)
        if self.state == "Z" and not self.zombie:
            state = "its first thread has ended, others have not"
        return f"process {self.pid} `{self.command}`, {state}, child of {self.ppid}"

    def descriptor(self, fd: int) -> Descriptor | None:
        """What one of its descriptors refers to."""
        return next((one for one in self.fds if one.fd == fd), None)


@dataclass(frozen=True, slots=True)
class Namespaces(Fact):
    """The namespaces that a process is in, by the kernel's numbers; None where they can't be read."""

    kind: ClassVar[str] = "namespaces"
    pid: int
    ipc: int | None
    net: int | None
    pid_ns: int | None
    mnt: int | None
    uts: int | None = None
    user: int | None = None
    cgroup: int | None = None

    @property
    def identity(self) -> Identity:
        """All of it."""
        return (self.kind, self.pid, self.ipc, self.net, self.pid_ns, self.mnt, self.uts, self.user, self.cgroup)

    def describe(self) -> str:
        """The process and its namespaces."""
        return f"pid {self.pid} in ipc:[{self.ipc}] net:[{self.net}] pid:[{self.pid_ns}] mnt:[{self.mnt}]"
