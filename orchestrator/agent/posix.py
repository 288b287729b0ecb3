"""POSIX shared memory and named semaphores (files in /dev/shm) and message queues (files in /dev/mqueue).

See shm_overview(7), sem_overview(7), mq_overview(7).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from orchestrator.agent.fact import Converters, Identity, counted, pids
from orchestrator.agent.owned import Owned
from orchestrator.display import printable


@dataclass(frozen=True, slots=True)
class _PosixObject(Owned):
    """What all three have: a name that starts with a slash, and a file behind it."""

    noun: ClassVar[str]
    converters: ClassVar[Converters] = {"mapped": tuple, "open": tuple}
    name: str
    dev: int
    ino: int

    @property
    def identity(self) -> Identity:
        """Device, inode and name."""
        return (self.kind, self.dev, self.ino, self.name)

    @property
    def handle(self) -> str:
        """Its name."""
        return self.name

    @property
    def title(self) -> str:
        """`POSIX shared memory /lab`."""
        return f"POSIX {self.noun} {printable(self.name)}"


@dataclass(frozen=True, slots=True)
class PosixShm(_PosixObject):
    """A shared memory object."""

    kind: ClassVar[str] = "posix_shm"
    noun: ClassVar[str] = "shared memory"
    size: int
    nlink: int
    mapped: tuple[int, ...] = ()
    open: tuple[int, ...] = ()

    @property
    def contents(self) -> str:
        """Its size."""
        return counted(self.size, "byte")

    @property
    def users(self) -> tuple[str, ...]:
        """Who maps it."""
        return (f"mapped by {pids(self.mapped)}",)


@dataclass(frozen=True, slots=True)
class PosixSem(_PosixObject):
    """A named semaphore."""

    kind: ClassVar[str] = "posix_sem"
    noun: ClassVar[str] = "semaphore"
    value: int | None
    """None when the file is too short to hold a semaphore."""
    waiters: int | None = None
    """How many sleep in sem_wait() on it."""
    size: int = 0
    nlink: int = 1
    mapped: tuple[int, ...] = ()
    open: tuple[int, ...] = ()

    @property
    def contents(self) -> str:
        """Its value."""
        return "no value" if self.value is None else f"value {self.value}"

    @property
    def users(self) -> tuple[str, ...]:
        """Who maps it."""
        return (f"mapped by {pids(self.mapped)}",)


@dataclass(frozen=True, slots=True)
class PosixMq(_PosixObject):
    """A message queue. QSIZE and the NOTIFY fields are what its file in /dev/mqueue says."""

    kind: ClassVar[str] = "posix_mq"
    noun: ClassVar[str] = "message queue"
    qsize: int
    """Bytes of all messages in it now."""
    notify: int = 0
    signo: int = 0
    notify_pid: int = 0
    maxmsg: int | None = None
    msgsize: int | None = None
    curmsgs: int | None = None
    """Messages in it now."""
    open: tuple[int, ...] = ()

    @property
    def contents(self) -> str:
        """What is in it."""
        return f"{counted(self.qsize, 'byte')} queued"

    @property
    def users(self) -> tuple[str, ...]:
        """Who has it open."""
        return (f"open in {pids(self.open)}",)
