#!/usr/bin/python3 -I
"""A sender that does what it is told, byte by byte.

    raw_sender.py MECHANISM PLACE BLOCK SEED

Joins the receiver at PLACE, says `joined`, and then reads commands, a line each. Each answer ends with `at N`, N
nanoseconds of CLOCK_MONOTONIC.

block INDEX AGE     the block of this number, that says it was sent AGE nanoseconds ago, is in hand
whole FROM TO       the blocks of these numbers are sent, without that of TO
spoil AT            one byte of the block in hand is wrong
send FROM TO        these bytes of the block in hand are sent; through shared memory only all of them can be
wait MILLISECONDS    nothing
"""

import ctypes
import mmap
import os
import socket
import struct
import sys
import time

LINE, SHIFTS = 64, 61
FREE, FILLED, BUFFERS_AT = 32, 64, 4096
MASK = (1 << 64) - 1
libc = ctypes.CDLL(None, use_errno=True)


def pattern(seed, size):
    """What the blocks are cut out of."""
    made = bytearray()
    for _ in range(size):
        seed = (seed * 6364136223846793005 + 1442695040888963407) & MASK
        made.append(seed >> 56)
    return bytes(made)


class Stream:
    """What has a descriptor."""

    def __init__(self, fd):
        self.fd = fd

    def send(self, data):
        """All of it."""
        while data:
            data = data[os.write(self.fd, data) :]


class Ring:
    """The shared memory object, byte for byte."""

    def __init__(self, place, block):
        self.memory = mmap.mmap(os.open(f"/dev/shm{place}", os.O_RDWR), 0)
        state, size, self.buffers = struct.unpack_from("III", self.memory)
        if (state, size) != (1, block) or len(self.memory) != BUFFERS_AT + self.buffers * block:
            sys.exit(f"state {state}, blocks of {size}, {self.buffers} of them, {len(self.memory)} bytes in all")
        self.turn = 0

    def call(self, function, at):
        """A function of the C library on the semaphore there."""
        semaphore = (ctypes.c_char * 32).from_buffer(self.memory, at)
        if getattr(libc, function)(ctypes.byref(semaphore)) == -1:
            sys.exit(f"{function}: {os.strerror(ctypes.get_errno())}")

    def send(self, data):
        """As the block that is next."""
        self.call("sem_wait", FREE)
        at = BUFFERS_AT + self.turn * len(data)
        self.memory[at : at + len(data)] = data
        self.turn = (self.turn + 1) % self.buffers
        self.call("sem_post", FILLED)


def connected(family, address):
    """A connection to a socket."""
    end = socket.socket(family, socket.SOCK_STREAM)
    end.connect(address)
    if family == socket.AF_INET:
        end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return Stream(end.detach())


def tcp(place):
    """A connection to ADDRESS:PORT."""
    host, _, port = place.partition(":")
    return connected(socket.AF_INET, (host, int(port)))


mechanism, place, block, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
bytes_of_all = pattern(seed, block + (SHIFTS - 1) * LINE)
end = {
    "pipe": lambda: Stream(os.open(place, os.O_WRONLY)),
    "fifo": lambda: Stream(os.open(place, os.O_WRONLY)),
    "unix": lambda: connected(socket.AF_UNIX, place),
    "tcp": lambda: tcp(place),
    "shm": lambda: Ring(place, block),
}[mechanism]()
print("joined", flush=True)


def block_of(index, age=0):
    """A block as it should be."""
    begin = index % SHIFTS * LINE
    stamp = struct.pack("QQ", index, time.monotonic_ns() - age)
    return bytearray(stamp + bytes_of_all[begin + len(stamp) : begin + block])


for line in sys.stdin:
    command, *words = line.split()
    numbers = [int(word) for word in words]
    if command == "block":
        data = block_of(*numbers)
    elif command == "whole":
        for index in range(*numbers):
            end.send(bytes(block_of(index)))
    elif command == "spoil":
        data[numbers[0]] ^= 1
    elif command == "wait":
        time.sleep(numbers[0] / 1000)
    elif command == "send":
        end.send(bytes(data[numbers[0] : numbers[1]]))
    print("at", time.monotonic_ns(), flush=True)
