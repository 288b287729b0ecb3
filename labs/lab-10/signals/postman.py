#!/usr/bin/python3 -I
"""Reads a log that it has made, a FIFO, and sends signals: both, so that it can do one as soon as the other is done.

    postman.py LOG

Prints each line of the log after `| `. Its commands, one a line of its standard input, and what it prints then:

send PID WORD...    `sent N`; a word is `usr1`, or K:VALUE for SIGRTMIN+K with a value
stop                `full` when no byte goes into the log any more; what it holds is read no more
go                  `going`: reads on
"""

import contextlib
import ctypes
import os
import select
import signal
import sys

STUDENTS = 1000
FILLER = b"." * 4095 + b"\n"
libc = ctypes.CDLL(None, use_errno=True)


def post(pid, word):
    """Send one signal."""
    if word == "usr1":
        os.kill(pid, signal.SIGUSR1)
        return
    number, value = word.split(":")
    # union sigval has the size of a pointer, and the int is its first half.
    if libc.sigqueue(pid, signal.SIGRTMIN + int(number), ctypes.c_void_p(int(value) & 0xFFFFFFFF)) == -1:
        raise OSError(ctypes.get_errno(), f"sigqueue {word}")


class Log:
    """The FIFO, read line by line."""

    def __init__(self, path):
        os.umask(0)
        os.mkfifo(path, 0o660)
        os.chown(path, 0, STUDENTS)
        self.fd = os.open(path, os.O_RDWR | os.O_NONBLOCK)  # both ends: it is never at its end
        self.rest = b""
        self.wanted = True

    def lines(self):
        """The whole lines that it holds now."""
        with contextlib.suppress(BlockingIOError):
            self.rest += os.read(self.fd, 1 << 16)
        *whole, self.rest = self.rest.split(b"\n")
        return [line for line in whole if line + b"\n" != FILLER]

    def fill(self):
        """Leave no room for a byte."""
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(self.fd, FILLER)


def say(text):
    """Print it at once."""
    print(text, flush=True)


def obey(log, command, words):
    """Do what a command says."""
    if command == "send":
        for word in words[1:]:
            post(int(words[0]), word)
        say(f"sent {len(words) - 1}")
    elif command == "stop":
        log.wanted = False
        log.fill()
        say("full")
    elif command == "go":
        log.wanted = True
        say("going")


def main(path):
    """Until standard input ends."""
    log = Log(path)
    say("reading")
    commands = b""
    while True:
        ready, _, _ = select.select([0, log.fd] if log.wanted else [0], [], [])
        if log.fd in ready:
            for line in log.lines():
                sys.stdout.buffer.write(b"| " + line + b"\n")
            sys.stdout.flush()
        if 0 in ready:
            given = os.read(0, 1 << 16)
            if not given:
                return
            *whole, commands = (commands + given).split(b"\n")
            for command, *words in map(str.split, map(bytes.decode, whole)):
                obey(log, command, words)


main(*sys.argv[1:])
