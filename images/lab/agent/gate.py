"""The gate: system calls that an engine's filter lets through, that lead out of a container, and that no lab needs.

AF_VSOCK sockets (vsock(7)) belong to no namespace: they reach the machine below a virtual one. io_uring(7) does what
other calls do without being seen by a filter. Engine 25 refuses both, older ones neither. See seccomp(2).
"""

from __future__ import annotations

import errno
import os
import struct

import libc

AF_VSOCK = 40
IO_URING_SETUP = 425
FOREIGN_CALLS = 0x40000000
"""From here on the numbers are those of x32; aarch64 has none that high."""
MACHINES = {"x86_64": (0xC000003E, 41), "aarch64": (0xC00000B7, 198)}
"""AUDIT_ARCH of linux/audit.h, and the number of socket(2)."""

# linux/bpf_common.h, linux/seccomp.h
LOAD, JUMP_IF_EQUAL, JUMP_IF_GREATER_OR_EQUAL, RETURN = 0x20, 0x15, 0x35, 0x06
ALLOW, REFUSE = 0x7FFF0000, 0x00050000
NUMBER_AT, MACHINE_AT, FIRST_ARGUMENT_AT = 0, 4, 16


def _program(machine: int, socket: int) -> bytes:
    """The filter, as instructions `code, jump if true, jump if false, value` of classic BPF."""
    instructions = (
        (LOAD, 0, 0, MACHINE_AT),
        (JUMP_IF_EQUAL, 0, 7, machine),
        (LOAD, 0, 0, NUMBER_AT),
        (JUMP_IF_GREATER_OR_EQUAL, 5, 0, FOREIGN_CALLS),
        (JUMP_IF_EQUAL, 4, 0, IO_URING_SETUP),
        (JUMP_IF_EQUAL, 0, 2, socket),
        (LOAD, 0, 0, FIRST_ARGUMENT_AT),
        (JUMP_IF_EQUAL, 2, 0, AF_VSOCK),
        (RETURN, 0, 0, ALLOW),
        (RETURN, 0, 0, REFUSE | errno.ENOSYS),
        (RETURN, 0, 0, REFUSE | errno.EAFNOSUPPORT),
    )
    return b"".join(struct.pack("=HBBI", *one) for one in instructions)


_OURS = MACHINES.get(os.uname().machine)
_FILTER = None if _OURS is None else _program(*_OURS)


def close() -> None:
    """Close the gate for this process and all that it becomes and forks; it can't be opened again.

    It must have given up gaining privileges before. On a machine that we do not know, and on a kernel without filters,
    it stays open: what a program can do there is what the engine lets it.
    """
    if _FILTER is None:
        return
    try:
        libc.filter_calls(_FILTER)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise
