#!/usr/bin/python3 -I
"""Makes System V segments and attaches them, as it is told on its standard input, one command a line.

make KEY BYTES MODE    prints `id ID`
give ID UID            makes somebody else the owner
attach ID, detach ID
write ID TEXT, read ID BYTES (of an attached one; prints `text TEXT`)
remove ID
"""

import ctypes
import os
import sys

IPC_RMID, IPC_SET, IPC_STAT = 0, 1, 2
IPC_CREAT, IPC_EXCL = 0o1000, 0o2000
STATUS_BYTES = 256
libc = ctypes.CDLL(None, use_errno=True)
libc.shmat.restype = ctypes.c_void_p
libc.shmdt.argtypes = [ctypes.c_void_p]
attached = {}


def checked(result):
    """A call's result; ends the program when it is -1."""
    if result in (-1, ctypes.c_void_p(-1).value):
        sys.exit(os.strerror(ctypes.get_errno()))
    return result


def make(key, size, mode):
    """A new segment."""
    print("id", checked(libc.shmget(int(key), ctypes.c_size_t(int(size)), IPC_CREAT | IPC_EXCL | int(mode, 8))))


def give(number, uid):
    """Another owner; the rest of its status as it is. The first field is the key, the second the owner: ipc_perm."""
    status = ctypes.create_string_buffer(STATUS_BYTES)
    checked(libc.shmctl(int(number), IPC_STAT, status))
    ctypes.c_uint.from_buffer(status, 4).value = int(uid)
    checked(libc.shmctl(int(number), IPC_SET, status))


def attach(number):
    """Attach it once."""
    attached[number] = checked(libc.shmat(int(number), None, 0))


def detach(number):
    """Detach it."""
    checked(libc.shmdt(attached.pop(number)))


def write(number, text):
    """Put a text at its beginning."""
    ctypes.memmove(attached[number], text.encode(), len(text))


def read(number, size):
    """Print what is at its beginning."""
    print("text", ctypes.string_at(attached[number], int(size)).decode())


def remove(number):
    """Remove it."""
    checked(libc.shmctl(int(number), IPC_RMID, None))


commands = {one.__name__: one for one in (make, give, attach, detach, write, read, remove)}
for line in sys.stdin:
    name, *words = line.split()
    commands[name](*words)
    print("done", name, flush=True)
