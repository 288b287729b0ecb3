#!/usr/bin/python3 -I
"""Another process of the group, which keeps to no contract.

raw_board.py NAME put          puts its standard input into the object, from byte 64 on
raw_board.py NAME grow SEEN    returns as soon as the first number is more than SEEN
raw_board.py NAME keep         has the kernel's lock on the object's file, says `kept`, until its standard input ends
"""

import fcntl
import os
import sys
import time
from struct import unpack

NUMBERS_AT, EACH = 64, 8


def main(name, command, seen=0):
    """Never make an object."""
    with os.fdopen(os.open(f"/dev/shm{name}", os.O_RDWR), "r+b") as file:
        if command == "put":
            file.seek(NUMBERS_AT)
            file.write(sys.stdin.buffer.read())
        elif command == "grow":
            while unpack("=Q", os.pread(file.fileno(), EACH, NUMBERS_AT))[0] <= int(seen):
                time.sleep(0.001)
        else:
            fcntl.flock(file, fcntl.LOCK_EX)
            print("kept", flush=True)
            sys.stdin.read()


main(*sys.argv[1:])
