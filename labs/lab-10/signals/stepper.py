#!/usr/bin/python3 -I
"""Sends a process signals at the worst moment: right before a system call, when it has just looked for one.

    stepper.py PID

For each line I:VALUE:VALUE of its standard input it sends SIGRTMIN with the first value, and SIGRTMIN with the second
one before the call of index I, from 1, that the process makes for the first. Prints `sent 2`, or `sent 1` when the
process sleeps before it has made so many calls.
"""

import contextlib
import ctypes
import os
import pathlib
import platform
import signal
import sys
import time

SEIZE, INTERRUPT, SYSCALL, DETACH, GETREGS, SETREGS, GET_SYSCALL_INFO = 0x4206, 0x4207, 24, 17, 12, 13, 0x420E
TRACESYSGOOD, SYSGOOD, WALL = 1, 0x80, 0x40000000
SYSCALL_INFO_BYTES, ENTRY = 88, 1
# struct user_regs_struct of x86_64
REGISTERS, RAX, ORIG_RAX, RIP = 27, 10, 15, 16
NO_CALL = 2**64 - 1
SYSCALL_BYTES = 2
libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
libc.ptrace.restype = ctypes.c_long


class Traced:
    """A process that stops at each of its system calls; ptrace(2)."""

    def __init__(self, pid):
        self.pid = pid
        self._ptrace(SEIZE, 0, TRACESYSGOOD)
        self._ptrace(INTERRUPT)
        os.waitpid(pid, WALL)

    def go_on(self, number=0):
        """Let it run to its next stop, and give it the signal that it stopped for."""
        self._ptrace(SYSCALL, 0, number)

    def stop(self):
        """Its next stop, a wait status; None when it sleeps or has ended."""
        while True:
            pid, status = os.waitpid(self.pid, WALL | os.WNOHANG)
            if pid:
                return status if os.WIFSTOPPED(status) else None
            if state(self.pid) == "S":
                return None
            time.sleep(0.0002)

    def about_to_call(self, status):
        """Whether it has stopped at the beginning of a call."""
        about = ctypes.create_string_buffer(SYSCALL_INFO_BYTES)
        if os.WSTOPSIG(status) != signal.SIGTRAP | SYSGOOD:
            return False
        self._ptrace(GET_SYSCALL_INFO, len(about), ctypes.addressof(about))
        return about.raw[0] == ENTRY

    def take_back(self):
        """Let it be before the call that it has begun: the next thing that it does is to make it."""
        registers = (ctypes.c_ulong * REGISTERS)()
        self._ptrace(GETREGS, 0, ctypes.addressof(registers))
        call, after = registers[ORIG_RAX], registers[RIP]
        registers[ORIG_RAX] = NO_CALL
        self._ptrace(SETREGS, 0, ctypes.addressof(registers))
        self.go_on()
        os.waitpid(self.pid, WALL)
        registers[RAX], registers[RIP] = call, after - SYSCALL_BYTES
        self._ptrace(SETREGS, 0, ctypes.addressof(registers))

    def leave(self, number=0):
        """Trace it no more."""
        self._ptrace(DETACH, 0, number)

    def interrupt_and_leave(self):
        """The same when it does not stand still."""
        with contextlib.suppress(OSError):  # it has ended
            self._ptrace(INTERRUPT)
            _, status = os.waitpid(self.pid, WALL)
            self.leave(signal_of(status))

    def _ptrace(self, request, address=0, data=0):
        if libc.ptrace(request, self.pid, address, data) == -1:
            raise OSError(ctypes.get_errno(), "ptrace")


def state(pid):
    """The letter of proc(5)."""
    return pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="latin-1").rpartition(") ")[2][0]


def signal_of(status):
    """The signal that a process has stopped for; 0 when it stopped for its tracer."""
    number = os.WSTOPSIG(status)
    return 0 if status >> 16 or number == signal.SIGTRAP | SYSGOOD else number


def post(pid, value):
    """Send SIGRTMIN with a value."""
    # union sigval has the size of a pointer, and the int is its first half.
    if libc.sigqueue(pid, signal.SIGRTMIN, ctypes.c_void_p(value)) == -1:
        raise OSError(ctypes.get_errno(), "sigqueue")


def before_call(pid, index, first, second):
    """How many of two signals were sent, the second one right before a call."""
    traced = Traced(pid)
    post(pid, first)
    traced.go_on()
    while (status := traced.stop()) is not None:
        if traced.about_to_call(status):
            index -= 1
            if index == 0:
                traced.take_back()
                post(pid, second)
                traced.leave()
                return 2
        traced.go_on(signal_of(status))
    traced.interrupt_and_leave()
    return 1


def one_by_one(pid, _index, first, second):
    """The same where we can't take a call back: the second signal comes while the first is dealt with, by chance."""
    post(pid, first)
    post(pid, second)
    return 2


def main(pid):
    """Until standard input ends."""
    send = before_call if platform.machine() == "x86_64" else one_by_one
    print("tracing", flush=True)
    for line in sys.stdin:
        print("sent", send(int(pid), *map(int, line.split(":"))), flush=True)


main(*sys.argv[1:])
