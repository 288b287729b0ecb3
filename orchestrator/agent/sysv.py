"""System V shared memory segments, semaphore sets and message queues, as /proc/sysvipc shows them.

Their key names them within an IPC namespace, their id within its life. See sysvipc(7), proc(5).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from orchestrator.agent.fact import Converters, Identity, counted
from orchestrator.agent.owned import Owned


@dataclass(frozen=True, slots=True)
class _SysvObject(Owned):
    """What all three have."""

    noun: ClassVar[str]
    key: int
    """As the kernel prints it, signed; 0 is IPC_PRIVATE, also of a segment that is marked for removal."""
    id: int
    cuid: int
    cgid: int
    ctime: int

    @property
    def identity(self) -> Identity:
        """Kind, id and key: an id alone is used again after a removal."""
        return (self.kind, self.id, self.key)

    @property
    def handle(self) -> int:
        """Its id."""
        return self.id

    @property
    def title(self) -> str:
        """`System V segment key 0x162e (5678)`."""
        key = f"key 0x{self.key & 0xFFFFFFFF:x} ({self.key})" if self.key else f"id {self.id} without a key"
        return f"System V {self.noun} {key}"


@dataclass(frozen=True, slots=True)
class SysvShm(_SysvObject):
    """A shared memory segment."""

    kind: ClassVar[str] = "sysv_shm"
    noun: ClassVar[str] = "segment"
    converters: ClassVar[Converters] = {"attached": tuple}
    size: int
    """Bytes that were asked for; the kernel rounds up to pages."""
    nattch: int
    """How often it is attached now, by processes of any PID namespace."""
    cpid: int
    lpid: int
    dest: bool = False
    """Marked for removal (IPC_RMID): it goes when the last process detaches."""
    locked: bool = False
    rss: int = 0
    swap: int = 0
    atime: int = 0
    dtime: int = 0
    attached: tuple[int, ...] = ()
    """Processes whose mappings show it."""

    @property
    def contents(self) -> str:
        """Its size."""
        return counted(self.size, "byte")

    @property
    def users(self) -> tuple[str, ...]:
        """How often it is attached, and its creator."""
        told = (f"{self.nattch} attached", f"made by pid {self.cpid}")
        return (*told, "marked for removal") if self.dest else told


@dataclass(frozen=True, slots=True)
class SysvSem(_SysvObject):
    """A set of semaphores."""

    kind: ClassVar[str] = "sysv_sem"
    noun: ClassVar[str] = "semaphore set"
    nsems: int
    otime: int = 0

    @property
    def contents(self) -> str:
        """How many semaphores."""
        return counted(self.nsems, "semaphore")


@dataclass(frozen=True, slots=True)
class SysvMsg(_SysvObject):
    """A message queue."""

    kind: ClassVar[str] = "sysv_msg"
    noun: ClassVar[str] = "message queue"
    qnum: int
    """Messages in it now."""
    cbytes: int
    """Bytes of all messages in it now."""
    lspid: int
    lrpid: int
    stime: int = 0
    rtime: int = 0

    @property
    def contents(self) -> str:
        """What is in it."""
        return f"{counted(self.qnum, 'message')} of {counted(self.cbytes, 'byte')}"
