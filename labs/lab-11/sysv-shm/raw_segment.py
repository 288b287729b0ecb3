#!/usr/bin/python3 -I
"""Another process of the group, which keeps to no contract: looks at a segment and writes into it.

    raw_segment.py KEY SIZE

Prints the segment's first SIZE bytes as it finds them, then puts its standard input at their beginning.
"""

import ctypes
import os
import sys

FAILED = ctypes.c_void_p(-1).value


def attach(key, size):
    """Where the segment under `key` is attached."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.shmat.restype = ctypes.c_void_p
    shmid = libc.shmget(key, ctypes.c_size_t(size), 0)
    address = libc.shmat(shmid, None, 0)
    if address == FAILED:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return address


def main(key, size):
    """Look first, then write."""
    text = sys.stdin.buffer.read(size)
    address = attach(key, size)
    sys.stdout.buffer.write(ctypes.string_at(address, size))
    ctypes.memmove(address, text, len(text))


main(*map(int, sys.argv[1:]))
