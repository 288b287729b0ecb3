#!/usr/bin/python3 -I
"""Looks into the memory of a `measure memory` that runs, and spoils what it finds there: as root.

    spoiler.py PID BLOCK SEED PART

Prints `copied` when parts of the pattern come to other places again and again, else `same`. Then it lets the process
run and changes all that is the pattern's in its memory meanwhile, each in another way, again and again: who compares
one with another finds a difference. Not the whole of a block is changed but a piece in its first, middle or last third:
PART is 0, 1 or 2. Prints `spoiled` when the process has ended or has had chances enough, `ended` when there was none.

The process is not stopped for that: who makes a system call for each block is nearly always stopped between two blocks.
"""

import os
import random
import re
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

LINE, SHIFTS = 64, 61
MASK = (1 << 64) - 1
MARK_BYTES, STAMP = 32, 16
RUN_S, PATIENCE_S = 0.002, 4.0
CHANGES = 5
"""More than there are when it makes the pattern and fills its buffers for the first time."""
CHANCES, PARTS, PIECE = 40, 3, 1 / 8


def pattern(seed, size):
    """What the blocks are cut out of."""
    made = bytearray()
    for _ in range(size):
        seed = (seed * 6364136223846793005 + 1442695040888963407) & MASK
        made.append(seed >> 56)
    return bytes(made)


class Memory:
    """What a process has in its writable memory."""

    def __init__(self, pid):
        self.pid = pid
        self.file = os.open(f"/proc/{pid}/mem", os.O_RDWR)

    def look(self):
        """Let it run for a moment, and stop it; each part of its memory: where it begins, and its bytes."""
        self.go_on()
        time.sleep(RUN_S)
        os.kill(self.pid, signal.SIGSTOP)
        while self._lines("stat").rpartition(") ")[2][0] not in "TZX":
            time.sleep(RUN_S / 10)
        ranges = re.findall(r"^(\w+)-(\w+) rw", self._lines("maps"), re.MULTILINE)
        return [(int(begin, 16), self.read(int(begin, 16), int(end, 16) - int(begin, 16))) for begin, end in ranges]

    def go_on(self):
        """It runs."""
        os.kill(self.pid, signal.SIGCONT)

    def read(self, at, size):
        """So many bytes, or as many as there are."""
        return os.pread(self.file, size, at)

    def change(self, at, size, mask):
        """Put other bytes there: those that it has, each with the same bits turned."""
        os.pwrite(self.file, bytes(byte ^ mask for byte in self.read(at, size)), at)

    def _lines(self, name):
        return Path(f"/proc/{self.pid}/{name}").read_text(encoding="latin-1")


def places(parts, mark):
    """Where the mark is."""
    return [begin + found.start() for begin, data in parts for found in re.finditer(re.escape(mark), data)]


def longest(most, same):
    """The largest length for which two things are the same; they are for all smaller ones."""
    least = 0
    while least < most:
        middle = (least + most + 1) // 2
        least, most = (middle, most) if same(middle) else (least, middle - 1)
    return least


def stretches(parts, whole, at):
    """Around each mark, where all that is the pattern's begins, and its size."""
    mark = whole[at : at + MARK_BYTES]
    for begin, data in parts:
        for found in re.finditer(re.escape(mark), data):
            here = found.start()
            before = longest(min(here, at), lambda n, d=data, h=here: d[h - n : h] == whole[at - n : at])
            after = longest(min(len(data) - here, len(whole) - at),
                            lambda n, d=data, h=here: d[h : h + n] == whole[at : at + n])  # fmt: skip
            yield begin + here - before, before + after


def spoil(memory, places, share):
    """Change a piece of these places, after that share of each, again and again while it runs, until it ends."""
    memory.go_on()
    for _ in range(CHANCES):
        for number, (begin, size) in enumerate(places):
            memory.change(begin + int(share * size), int(PIECE * size), 1 + number % 255)
        time.sleep(random.uniform(0, RUN_S))


def main(pid, block, seed, part):
    """Look, spoil."""
    whole = pattern(seed, block + (SHIFTS - 1) * LINE)
    at = len(whole) // 2  # in every block
    memory = Memory(pid)
    deadline, changes, before = time.monotonic() + PATIENCE_S, 0, []
    while changes < CHANGES and time.monotonic() < deadline:
        parts = memory.look()
        now = places(parts, whole[at : at + MARK_BYTES])
        changes += now != before
        before = now
    print("copied" if changes >= CHANGES else "same", flush=True)
    # Not the buffer in which it was stopped: a part of that is of another block.
    found = [one for one in stretches(parts, whole, at) if one[1] >= block - STAMP]
    with suppress(OSError):  # it ends, that is what it is to do
        spoil(memory, found, random.uniform(part / PARTS, (part + 1) / PARTS - PIECE))
    print("spoiled", flush=True)


try:
    main(*map(int, sys.argv[1:]))
except (FileNotFoundError, ProcessLookupError):
    print("ended")
