#!/usr/bin/python3 -I
"""Stops a program right before one of its system calls: a program of its own, which runs in a container as root.

    stepper.py PID

Its commands, one a line of its standard input, and what it prints then:

hold       `held` when the program stands still, which was asleep, or busy for a second
call N     lets it go on until right before the system call of index N, from 1, that it is to make, the one that it
           slept in among them if that begins anew. `there` when it stands still there; `asleep` when it sleeps before
           it has made so many, or has ended: it is traced no more
release    `released` when it goes on and is traced no more

Of a program with threads the first one is stopped. ptrace(2) stops a process when it has begun a call, which is too
late: its registers are put back to before the call. That is known for x86_64; elsewhere every call N is `asleep`.

Nothing of the project is imported here.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import platform
import signal
import sys
import time
from pathlib import Path

SEIZE, INTERRUPT, SYSCALL, DETACH, GETREGS, SETREGS, GET_SYSCALL_INFO = 0x4206, 0x4207, 24, 17, 12, 13, 0x420E
TRACESYSGOOD, AT_A_CALL, WALL = 1, signal.SIGTRAP | 0x80, 0x40000000
SYSCALL_INFO_BYTES, ENTRY = 88, 1
# struct user_regs_struct
REGISTERS, RAX, ORIG_RAX, RIP = 27, 10, 15, 16
NO_CALL = 2**64 - 1
CALL_BYTES = 2
"""The length of the instruction `syscall`."""
LOOK_EVERY_S = 0.0002
ASLEEP_WITHIN_S = 3.0
"""One that computes is stopped where it is then."""
KNOWN = platform.machine() == "x86_64"
"""Whether a call can be taken back here."""
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


class Traced:
    """A process that stops at each of its system calls."""

    def __init__(self, pid: int) -> None:
        """Stop it when it is asleep."""
        self.pid = pid
        deadline = time.monotonic() + ASLEEP_WITHIN_S
        while _state(pid) != "S" and time.monotonic() < deadline:
            time.sleep(LOOK_EVERY_S)
        self._ptrace(SEIZE, 0, TRACESYSGOOD)
        self._interrupt()

    def run_to(self, index: int) -> bool:
        """Whether it stands still right before a call; it may be asleep, or have ended, before it comes to that."""
        number = 0
        while KNOWN:
            self._go_on(number)
            status = self._stop()
            if status is None:
                break
            index -= self._begins_a_call(status)
            if index == 0:
                self._take_back()
                return True
            number = _signal_of(status)
        return False

    def leave(self) -> None:
        """Trace it no more; it stands still."""
        self._ptrace(DETACH)

    def interrupt_and_leave(self) -> None:
        """Trace it no more, whatever it does."""
        with contextlib.suppress(OSError):  # it has ended
            self._ptrace(DETACH, 0, _signal_of(self._interrupt()))

    def _interrupt(self) -> int:
        self._ptrace(INTERRUPT)
        return os.waitpid(self.pid, WALL)[1]

    def _go_on(self, number: int = 0) -> None:
        """Let it run to its next stop, and give it the signal that it stopped for."""
        self._ptrace(SYSCALL, 0, number)

    def _stop(self) -> int | None:
        """Its next stop, a wait status; None when it sleeps, or has ended."""
        while True:
            pid, status = os.waitpid(self.pid, WALL | os.WNOHANG)
            if pid:
                return status if os.WIFSTOPPED(status) else None
            if _state(self.pid) == "S":
                return None
            time.sleep(LOOK_EVERY_S)

    def _begins_a_call(self, status: int) -> bool:
        if os.WSTOPSIG(status) != AT_A_CALL:
            return False
        about = ctypes.create_string_buffer(SYSCALL_INFO_BYTES)
        self._ptrace(GET_SYSCALL_INFO, len(about), ctypes.addressof(about))
        return about.raw[0] == ENTRY

    def _take_back(self) -> None:
        """Undo the call that it has begun: to make it is what it does next."""
        registers = (ctypes.c_ulong * REGISTERS)()
        self._ptrace(GETREGS, 0, ctypes.addressof(registers))
        call, after = registers[ORIG_RAX], registers[RIP]
        registers[ORIG_RAX] = NO_CALL
        self._ptrace(SETREGS, 0, ctypes.addressof(registers))
        self._go_on()
        os.waitpid(self.pid, WALL)
        registers[RAX], registers[RIP] = call, after - CALL_BYTES
        self._ptrace(SETREGS, 0, ctypes.addressof(registers))

    def _ptrace(self, request: int, address: int = 0, data: int = 0) -> None:
        if libc.ptrace(request, self.pid, address, data) == -1:
            raise OSError(ctypes.get_errno(), "ptrace")


def _state(pid: int) -> str:
    """The letter of proc(5)."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="latin-1").rpartition(") ")[2][0]


def _signal_of(status: int) -> int:
    """The signal that a process has stopped for; 0 when it stopped for its tracer."""
    number = os.WSTOPSIG(status)
    return 0 if status >> 16 or number == AT_A_CALL else number


def _obey(traced: Traced, command: str, index: int) -> str:
    """Do what a command says; what to answer."""
    if command == "release":
        traced.leave()
        return "released"
    if traced.run_to(index):
        return "there"
    traced.interrupt_and_leave()
    return "asleep"


def main(pid: int) -> None:
    """Until standard input ends."""
    print("stepping", flush=True)
    traced = None
    for line in sys.stdin:
        command, _, index = line.strip().partition(" ")
        if command == "hold":
            traced = Traced(pid)
            answer = "held"
        else:
            assert traced is not None
            answer = _obey(traced, command, int(index or 0))
        print(answer, flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]))
