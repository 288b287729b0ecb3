"""Files that are a channel, or are asked for by name: FIFOs, socket files, unnamed pipes, any path.

See fifo(7), pipe(7), unix(7), inode(7).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from orchestrator.agent.fact import Converters, Fact, Identity, Owner, counted, in_octal, pids
from orchestrator.display import printable


@dataclass(frozen=True, slots=True)
class Fifo(Fact):
    """A named pipe below /ipc, /tmp or /dev/shm, and who holds which end of it."""

    kind: ClassVar[str] = "fifo"
    converters: ClassVar[Converters] = {"readers": tuple, "writers": tuple, "waiting": tuple}
    path: str
    dev: int
    ino: int
    mode: int
    uid: int
    gid: int
    readers: tuple[int, ...] = ()
    writers: tuple[int, ...] = ()
    waiting: tuple[int, ...] = ()
    """Processes blocked in open() of it, until the other end is opened."""

    @property
    def identity(self) -> Identity:
        """Path, device and inode: a FIFO that was removed and made again is another one."""
        return (self.kind, self.path, self.dev, self.ino)

    @property
    def owner(self) -> Owner:
        """User and group of the file."""
        return (self.uid, self.gid)

    @property
    def handle(self) -> str:
        """Its path."""
        return self.path

    def describe(self) -> str:
        """Path, mode and who holds which end."""
        text = f"FIFO {printable(self.path)}, {in_octal(self.mode)}, read by {pids(self.readers)}"
        text = f"{text}, written by {pids(self.writers)}"
        return f"{text}, {pids(self.waiting)} waiting in open()" if self.waiting else text


@dataclass(frozen=True, slots=True)
class Pipe(Fact):
    """An unnamed pipe: it has no name, and lives as long as a process holds an end."""

    kind: ClassVar[str] = "pipe"
    converters: ClassVar[Converters] = {"readers": tuple, "writers": tuple}
    ino: int
    readers: tuple[int, ...] = ()
    writers: tuple[int, ...] = ()

    @property
    def identity(self) -> Identity:
        """Its inode: one file system holds all pipes of a kernel."""
        return (self.kind, self.ino)

    def describe(self) -> str:
        """Inode and who holds which end."""
        return f"pipe {self.ino}, read by {pids(self.readers)}, written by {pids(self.writers)}"


@dataclass(frozen=True, slots=True)
class SocketFile(Fact):
    """A file of type socket below /ipc, /tmp or /dev/shm, with or without a socket that is bound to it."""

    kind: ClassVar[str] = "socket_file"
    path: str
    mode: int
    uid: int
    gid: int
    bound: bool
    """Whether a socket of this network namespace is bound to the path."""
    dev: int
    ino: int

    @property
    def identity(self) -> Identity:
        """Path, device and inode."""
        return (self.kind, self.path, self.dev, self.ino)

    @property
    def owner(self) -> Owner:
        """User and group of the file."""
        return (self.uid, self.gid)

    @property
    def handle(self) -> str:
        """Its path."""
        return self.path

    def describe(self) -> str:
        """Path, mode and whether a socket is behind it."""
        text = f"socket file {printable(self.path)}, {in_octal(self.mode)}"
        return text if self.bound else f"{text}, no socket is bound to it"


@dataclass(frozen=True, slots=True)
class Entry(Fact):
    """Whatever stands directly in /ipc, /tmp or /dev/shm, of any type; a folder there with what is in it."""

    kind: ClassVar[str] = "entry"
    path: str
    mode: int
    uid: int
    gid: int
    dev: int
    ino: int

    @property
    def identity(self) -> Identity:
        """Path, device and inode."""
        return (self.kind, self.path, self.dev, self.ino)

    @property
    def owner(self) -> Owner:
        """User and group of the entry."""
        return (self.uid, self.gid)

    @property
    def handle(self) -> str:
        """Its path."""
        return self.path

    def describe(self) -> str:
        """Path and mode."""
        return f"{printable(self.path)}, {in_octal(self.mode)}"


@dataclass(frozen=True, slots=True)
class File(Fact):
    """Any path that was asked for, links not followed; there is no such fact when the path does not exist."""

    kind: ClassVar[str] = "file"
    path: str
    type: str
    """`file`, `dir`, `link`, `fifo`, `socket`, `char` or `block`."""
    size: int
    mode: int
    uid: int
    gid: int
    dev: int
    ino: int
    mtime: float = 0.0
    target: str | None = None
    """Where a link leads."""

    @property
    def identity(self) -> Identity:
        """Path, device and inode."""
        return (self.kind, self.path, self.dev, self.ino)

    @property
    def owner(self) -> Owner:
        """User and group of the file."""
        return (self.uid, self.gid)

    @property
    def handle(self) -> str:
        """Its path; a folder goes with what is in it."""
        return self.path

    def describe(self) -> str:
        """Path, type, size and mode."""
        return f"{self.type} {printable(self.path)}, {counted(self.size, 'byte')}, {in_octal(self.mode)}"
