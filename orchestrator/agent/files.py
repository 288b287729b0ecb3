"""Files that are a channel, or are asked for by name: FIFOs, socket files, unnamed pipes, any path.

See fifo(7), pipe(7), unix(7), inode(7).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from orchestrator.agent.fact import Converters, Fact, Identity, counted, pids
from orchestrator.agent.owned import Owned
from orchestrator.display import printable

NOUNS: Mapping[str, str] = {"dir": "folder", "char": "character device", "block": "block device"}
"""What types of files are called, where the agent's word for one is not what people say."""


@dataclass(frozen=True, slots=True)
class _Path(Owned):
    """What stands at a path."""

    noun: ClassVar[str]
    path: str
    dev: int
    ino: int

    @property
    def identity(self) -> Identity:
        """Path, device and inode: what was removed and made again is another one."""
        return (self.kind, self.path, self.dev, self.ino)

    @property
    def handle(self) -> str:
        """Its path; a folder goes with what is in it."""
        return self.path

    @property
    def title(self) -> str:
        """`FIFO /ipc/lines`."""
        return f"{self.noun} {printable(self.path)}"


@dataclass(frozen=True, slots=True)
class Fifo(_Path):
    """A named pipe below /ipc, /tmp or /dev/shm, and who holds which end of it."""

    kind: ClassVar[str] = "fifo"
    noun: ClassVar[str] = "FIFO"
    converters: ClassVar[Converters] = {"readers": tuple, "writers": tuple, "waiting": tuple}
    readers: tuple[int, ...] = ()
    writers: tuple[int, ...] = ()
    waiting: tuple[int, ...] = ()
    """Processes blocked in open() of it, until the other end is opened."""

    @property
    def users(self) -> tuple[str, ...]:
        """Who holds which end, and who waits for somebody to do so."""
        told = (f"read by {pids(self.readers)}", f"written by {pids(self.writers)}")
        return (*told, f"{pids(self.waiting)} waiting in open()") if self.waiting else told


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
class SocketFile(_Path):
    """A file of type socket below /ipc, /tmp or /dev/shm, with or without a socket that is bound to it."""

    kind: ClassVar[str] = "socket_file"
    noun: ClassVar[str] = "socket file"
    bound: bool
    """Whether a socket of this network namespace is bound to the path."""

    @property
    def users(self) -> tuple[str, ...]:
        """Nothing, unless no socket is behind it."""
        return () if self.bound else ("no socket is bound to it",)


@dataclass(frozen=True, slots=True)
class _TypedPath(_Path):
    """What stands at a path, of whatever type."""

    type: str
    """`file`, `dir`, `link`, `fifo`, `socket`, `char` or `block`."""

    @property
    def title(self) -> str:
        """`folder /tmp/tree`."""
        return f"{NOUNS.get(self.type, self.type)} {printable(self.path)}"


@dataclass(frozen=True, slots=True)
class Entry(_TypedPath):
    """Whatever stands directly in /ipc, /tmp or /dev/shm, of any type; a folder there with what is in it."""

    kind: ClassVar[str] = "entry"


@dataclass(frozen=True, slots=True)
class File(_TypedPath):
    """Any path that was asked for, links not followed; there is no such fact when the path does not exist."""

    kind: ClassVar[str] = "file"
    size: int
    mtime: float = 0.0
    target: str | None = None
    """Where a link leads."""

    @property
    def contents(self) -> str:
        """Its size."""
        return counted(self.size, "byte")
