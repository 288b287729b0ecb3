"""System V shared memory segments, semaphore sets and message queues, as /proc/sysvipc shows them.

Their key names them within an IPC namespace, their id within its life. See sysvipc(7), proc(5).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from orchestrator.agent.fact import Converters, Fact, Identity, Owner, counted, in_octal


@dataclass(frozen=True, slots=True)
class _SysvObject(Fact):
    """What all three have."""

    noun: ClassVar[str]
    key: int
    """As the kernel prints it, signed; 0 is IPC_PRIVATE, also of a segment that is marked for removal."""
    id: int
    mode: int
    uid: int
    gid: int
    cuid: int
    cgid: int
    ctime: int

    @property
    def identity(self) -> Identity:
        """Kind, id and key: an id alone is used again after a removal."""
        return (self.kind, self.id, self.key)

    @property
    def owner(self) -> Owner:
        """User and group that it belongs to now (IPC_SET can change them)."""
        return (self.uid, self.gid)

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

    def describe(self) -> str:
        """Key, size, mode, attachments and creator."""
        text = f"{self.title}, {counted(self.size, 'byte')}, {in_octal(self.mode)}, {self.nattch} attached"
        return f"{text}, made by pid {self.cpid}" + (", marked for removal" if self.dest else "")


@dataclass(frozen=True, slots=True)
class SysvSem(_SysvObject):
    """A set of semaphores."""

    kind: ClassVar[str] = "sysv_sem"
    noun: ClassVar[str] = "semaphore set"
    nsems: int
    otime: int = 0

    def describe(self) -> str:
        """Key, number of semaphores and mode."""
        return f"{self.title}, {counted(self.nsems, 'semaphore')}, {in_octal(self.mode)}"


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

    def describe(self) -> str:
        """Key, what is in it, and mode."""
        return f"{self.title}, {counted(self.qnum, 'message')} of {counted(self.cbytes, 'byte')}, {in_octal(self.mode)}"
