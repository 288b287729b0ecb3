#!/usr/bin/python3 -I
"""Looks into the memory of a `measure memory` that runs, and spoils what it finds there: as root.

    spoiler.py PID BLOCK SEED

Prints `copied` when parts of the pattern come to other places again and again, else `same`. Then it changes all parts
of the pattern that are in the process's memory, each in another way, and prints `spoiled`: who compares one with
another finds a difference now, unless it was just between two blocks. Prints `ended` when there is no such process.
"""

import os
import re
import signal
import sys
import time
from pathlib import Path

LINE, SHIFTS = 64, 61
MASK = (1 << 64) - 1
MARK_BYTES = 32
RUN_S, PATIENCE_S = 0.002, 1.0
CHANGES = 5
"""More than there are when it makes the pattern and fills its buffers for the first time."""


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
        os.kill(self.pid, signal.SIGCONT)
        time.sleep(RUN_S)
        os.kill(self.pid, signal.SIGSTOP)
        while self._lines("stat").rpartition(") ")[2][0] not in "TZX":
            time.sleep(RUN_S / 10)
        ranges = re.findall(r"^(\w+)-(\w+) rw", self._lines("maps"), re.MULTILINE)
        return [(int(begin, 16), os.pread(self.file, int(end, 16) - int(begin, 16), int(begin, 16)))
                for begin, end in ranges]  # fmt: skip

    def write(self, at, data):
        """Put other bytes there."""
        os.pwrite(self.file, data, at)

    def go_on(self):
        """It runs."""
        os.kill(self.pid, signal.SIGCONT)

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


def spoil(memory, parts, whole, at):
    """Change everything around each mark that is the pattern's."""
    mark, number = whole[at : at + MARK_BYTES], 0
    for begin, data in parts:
        for found in re.finditer(re.escape(mark), data):
            here, number = found.start(), number + 1
            before = longest(min(here, at), lambda n, d=data, h=here: d[h - n : h] == whole[at - n : at])
            after = longest(min(len(data) - here, len(whole) - at),
                            lambda n, d=data, h=here: d[h : h + n] == whole[at : at + n])  # fmt: skip
            bad = bytes(byte ^ (1 + number % 255) for byte in data[here - before : here + after])
            memory.write(begin + here - before, bad)


def main(pid, block, seed):
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
    spoil(memory, parts, whole, at)
    memory.go_on()
    print("spoiled", flush=True)


try:
    main(*map(int, sys.argv[1:]))
except (FileNotFoundError, ProcessLookupError):
    print("ended")
