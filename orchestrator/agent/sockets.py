"""Unix, TCP and UDP sockets, as the kernel's socket diagnosis shows them in the container's network namespace.

See unix(7), tcp(7), udp(7), sock_diag(7).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from orchestrator.agent.fact import Converters, Fact, Identity, Owner, counted, pids
from orchestrator.display import printable


@dataclass(frozen=True, slots=True)
class Permissions:
    """Who may use a file."""

    mode: int
    uid: int
    gid: int

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any] | None) -> Self | None:
        """The permissions in the agent's object; None stays None."""
        return None if fields is None else cls(fields["mode"], fields["uid"], fields["gid"])


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An address and a port; port 0 when there is none."""

    ip: str
    port: int

    @classmethod
    def from_fields(cls, fields: Mapping[str, Any]) -> Self:
        """The endpoint in the agent's object."""
        return cls(fields["ip"], fields["port"])

    def __str__(self) -> str:
        """`10.11.0.2:5678`, `[fd00:11::2]:5678`."""
        return f"[{self.ip}]:{self.port}" if ":" in self.ip else f"{self.ip}:{self.port}"


@dataclass(frozen=True, slots=True)
class UnixSocket(Fact):
    """One Unix socket: an end of a connection, or a listening or unconnected one."""

    kind: ClassVar[str] = "unix_socket"
    converters: ClassVar[Converters] = {"pids": tuple, "file": Permissions.from_fields}
    path: str
    """The name it is bound to, `@name` in the abstract name space, empty when it has none."""
    ino: int
    type: str
    """`stream`, `dgram` or `seqpacket`."""
    state: str
    """`listen`, `established` or `unconnected`."""
    peer: int | None
    """The inode of the socket at the other end."""
    pids: tuple[int, ...] = ()
    backlog: int | None = None
    """How many connections may wait for accept()."""
    uid: int = 0
    send_queue: int = 0
    recv_queue: int = 0
    """Bytes that wait to be read; of a listening socket connections that wait for accept()."""
    file: Permissions | None = None
    """What the file at `path` says, when it exists."""

    @property
    def listening(self) -> bool:
        """Whether it takes connections."""
        return self.state == "listen"

    @property
    def identity(self) -> Identity:
        """Its inode."""
        return (self.kind, self.ino)

    def describe(self) -> str:
        """Type, name, state and who holds it."""
        name = f" {printable(self.path)}" if self.path else ""
        return f"Unix {self.type} socket{name}, {self.state}, held by {pids(self.pids)}"


@dataclass(frozen=True, slots=True)
class _InternetSocket(Fact):
    """What TCP and UDP sockets have."""

    noun: ClassVar[str]
    converters: ClassVar[Converters] = {
        "pids": tuple,
        "local": Endpoint.from_fields,
        "remote": Endpoint.from_fields,
    }
    family: int
    """4 or 6."""
    local: Endpoint
    remote: Endpoint
    state: str
    """`listen`, `established`, `syn_sent`, `time_wait`…; of UDP `established` (connected) or `unconnected`."""
    ino: int
    """0 when no process holds it any more, as in TIME-WAIT."""
    uid: int
    recv_queue: int = 0
    send_queue: int = 0
    backlog: int | None = None
    pids: tuple[int, ...] = ()

    @property
    def listening(self) -> bool:
        """Whether it takes connections."""
        return self.state == "listen"

    @property
    def identity(self) -> Identity:
        """Addresses and inode."""
        return (self.kind, self.family, self.local, self.remote, self.ino)

    @property
    def owner(self) -> Owner | None:
        """A socket has a user and no group, so nothing that could own a file."""
        return None

    def describe(self) -> str:
        """Addresses, state and who holds it."""
        if self.listening or not self.remote.port:
            return f"{self.noun} socket {self.local}, {self.state}, held by {pids(self.pids)}"
        queued = counted(self.recv_queue, "byte")
        return f"{self.noun} {self.local} to {self.remote}, {self.state}, {queued} unread, held by {pids(self.pids)}"


@dataclass(frozen=True, slots=True)
class Tcp(_InternetSocket):
    """A TCP socket."""

    kind: ClassVar[str] = "tcp"
    noun: ClassVar[str] = "TCP"


@dataclass(frozen=True, slots=True)
class Udp(_InternetSocket):
    """A UDP socket."""

    kind: ClassVar[str] = "udp"
    noun: ClassVar[str] = "UDP"
