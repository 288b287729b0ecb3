#!/usr/bin/python3 -I
"""Another process of the group, which keeps to no contract: looks at an object and writes into it.

    raw_note.py NAME

Prints the object's bytes as it finds them, then puts its standard input at their beginning.
"""

import os
import sys


def main(name):
    """Look first, then write; never make an object."""
    with os.fdopen(os.open(f"/dev/shm{name}", os.O_RDWR), "r+b") as file:
        sys.stdout.buffer.write(file.read())
        file.seek(0)
        file.write(sys.stdin.buffer.read())


main(*sys.argv[1:])
