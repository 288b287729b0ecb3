"""System calls for which Python has no function of its own, through the C library.

What they are good for does not belong here.
"""

from __future__ import annotations

import ctypes
import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

# linux/prctl.h
PR_SET_PDEATHSIG = 1
PR_SET_KEEPCAPS = 8
PR_SET_SECCOMP = 22
PR_CAPBSET_DROP = 24
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_RAISE = 2
SECCOMP_MODE_FILTER = 2
FILTER_INSTRUCTION_BYTES = 8
IPC_RMID = 0
_CAPABILITY_VERSION_3 = 0x20080522

_LIBC = ctypes.CDLL(None, use_errno=True)


class _CapabilityHeader(ctypes.Structure):
    """`struct __user_cap_header_struct`."""

    _fields_ = (("version", ctypes.c_uint32), ("pid", ctypes.c_int))


class _FilterProgram(ctypes.Structure):
    """`struct sock_fprog`."""

    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


class QueueAttributes(ctypes.Structure):
    """`struct mq_attr`."""

    _fields_ = (
        ("flags", ctypes.c_long),
        ("maxmsg", ctypes.c_long),
        ("msgsize", ctypes.c_long),
        ("curmsgs", ctypes.c_long),
        ("reserved", ctypes.c_long * 4),
    )


def _checked(result: int, call: str) -> int:
    """A call's result. Raises OSError when it is -1."""
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{call}: {os.strerror(number)}")
    return result


def prctl(option: int, argument: int = 0, second: int = 0) -> int:
    """prctl(2) with one or two arguments."""
    unused, given = ctypes.c_ulong(0), (ctypes.c_ulong(argument), ctypes.c_ulong(second))
    return _checked(int(_LIBC.prctl(option, *given, unused, unused)), "prctl")


def filter_calls(instructions: bytes) -> None:
    """Have this process's system calls filtered from now on. See PR_SET_SECCOMP in prctl(2)."""
    program = _FilterProgram(len(instructions) // FILTER_INSTRUCTION_BYTES, instructions)
    mode, unused = ctypes.c_ulong(SECCOMP_MODE_FILTER), ctypes.c_ulong(0)
    _checked(int(_LIBC.prctl(PR_SET_SECCOMP, mode, ctypes.byref(program), unused, unused)), "prctl")


def set_capabilities(mask: int) -> None:
    """Make `mask`, of the first 32, the effective, permitted and inheritable set. See capset(2)."""
    header = _CapabilityHeader(_CAPABILITY_VERSION_3, 0)
    sets = (ctypes.c_uint32 * 6)(mask, mask, mask)
    _checked(_LIBC.capset(ctypes.byref(header), ctypes.byref(sets)), "capset")


SYSV_REMOVALS: dict[str, Callable[[int], int]] = {
    "sysv_shm": lambda number: int(_LIBC.shmctl(number, IPC_RMID, None)),
    "sysv_sem": lambda number: int(_LIBC.semctl(number, 0, IPC_RMID)),
    "sysv_msg": lambda number: int(_LIBC.msgctl(number, IPC_RMID, None)),
}


def remove_sysv(kind: str, number: int) -> None:
    """Remove the System V object with this id: shmctl(2), semctl(2) or msgctl(2) with IPC_RMID."""
    _checked(SYSV_REMOVALS[kind](number), kind)


def queue_attributes(fd: int) -> QueueAttributes:
    """What mq_getattr(3) says of an open POSIX message queue."""
    attributes = QueueAttributes()
    _checked(_LIBC.mq_getattr(fd, ctypes.byref(attributes)), "mq_getattr")
    return attributes
