#!/usr/bin/python3 -I
"""Another process of the group, which looks into a ring and keeps to no contract.

raw_ring.py NAME look          prints state, capacity, size, in, out, and the values of free, filled and lock
raw_ring.py NAME lie LENGTH    sends a message that says that it has LENGTH bytes
"""

import ctypes
import mmap
import os
import sys

FREE, FILLED, LOCK, LENGTHS = 32, 64, 96, 128
libc = ctypes.CDLL(None, use_errno=True)


class Ring:
    """The object, byte for byte."""

    def __init__(self, name):
        self.memory = mmap.mmap(os.open(f"/dev/shm{name}", os.O_RDWR), 0)

    def number(self, at):
        """The 32 bits there."""
        return ctypes.c_uint32.from_buffer(self.memory, at)

    def call(self, function, at, *more):
        """A function of the C library on the semaphore there."""
        semaphore = (ctypes.c_char * 32).from_buffer(self.memory, at)
        if getattr(libc, function)(ctypes.byref(semaphore), *more) == -1:
            sys.exit(f"{function}: {os.strerror(ctypes.get_errno())}")

    def value(self, at):
        """What the semaphore there stands at."""
        value = ctypes.c_int()
        self.call("sem_getvalue", at, ctypes.byref(value))
        return value.value

    def look(self):
        """All of the head."""
        print(*(self.number(at).value for at in range(0, 20, 4)), *map(self.value, (FREE, FILLED, LOCK)))

    def lie(self, length):
        """Fill a buffer, without having to wait for one."""
        self.call("sem_trywait", FREE)
        self.call("sem_wait", LOCK)
        capacity, into = self.number(4).value, self.number(12)
        self.number(LENGTHS + 4 * into.value).value = int(length)
        into.value = (into.value + 1) % capacity
        self.call("sem_post", LOCK)
        self.call("sem_post", FILLED)


name, command, *words = sys.argv[1:]
getattr(Ring(name), command)(*words)
