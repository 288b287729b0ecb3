"""The session: one client's conversation with the agent, from its hello to the end of its stream.

What the operations do is in the modules that give them.
"""

from __future__ import annotations

import os
import signal
import sys

import files
import proc
import processes
from channel import Channel, ChannelEnd
from family import Family
from framing import VERSION
from killing import Killing
from loop import Loop
from neighbours import Neighbours
from programs import Programs
from questions import Questions
from reaper import Reaper
from refusal import USAGE, Refusal
from removal import Removals
from request import BIGGEST, Request
from scan import Vantage
from text import as_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from framing import Frame

HELLO_S = 10.0


class Session:
    """Takes requests, has them done, and leaves nothing behind."""

    def __init__(self, source: int, sink: int, folders: tuple[str, ...]) -> None:
        """Talk over two descriptors; look for FIFOs and socket files below `folders`."""
        self._loop = Loop()
        self._channel = Channel(self._loop, source, sink)
        family = Family()
        self._reaper = Reaper(family)
        vantage = Vantage(family, Neighbours(), folders)
        programs = Programs(self._loop, self._reaper, vantage)
        self._killing = Killing(self._loop, self._reaper, vantage, programs)
        self._operations = {
            "ping": lambda request: request.answer(),
            **programs.operations(),
            **self._killing.operations(),
            **Questions(self._loop, vantage).operations(),
            **Removals(self._reaper, family).operations(),
            **files.operations(),
        }
        self._greeted = False
        self._why: ChannelEnd | None = None

    def run(self) -> int:
        """Serve until the stream ends or somebody ends us; the exit status."""
        self._loop.on_signals({signal.SIGCHLD: self._reaper.reap, signal.SIGTERM: lambda: self._end(None)})
        self._loop.after(HELLO_S, self._check_greeted)
        try:
            self._channel.open(self._take, self._end)
        except PermissionError:  # epoll_ctl(2) of a file
            sys.stderr.write("ipclab agent: standard input must be a pipe or a socket\n")
            return 2
        try:
            self._loop.run()
        except Exception:  # a bug: what we started must not outlive us all the same
            self._end(None)
            self._loop.run()
            raise
        if self._why is not None:
            sys.stderr.write(f"ipclab agent: {self._why}\n")
        return 0 if self._why is None else 1

    def _take(self, frame: Frame) -> None:
        """Have one request done."""
        request = Request(frame.header, frame.payload, self._channel.send)
        request.attempt(lambda: self._operate(request))

    def _operate(self, request: Request) -> None:
        """Do what is asked for; before anything else, be greeted."""
        if not self._greeted:
            self._hello(request)
            return
        request.integer("id", low=-BIGGEST)
        operation = self._operations.get(request.op)
        if operation is None:
            raise Refusal(USAGE, f"there is no operation `{request.op}`; there are {', '.join(self._operations)}")
        operation(request)

    def _hello(self, request: Request) -> None:
        """Answer the greeting; end when it is none, or one in another version of the language."""
        if request.header.get("op") != "hello" or request.header.get("version") != VERSION:
            request.refuse(Refusal(USAGE, f"the first request must be `hello` with version {VERSION}"))
            self._end(ChannelEnd("the first request was not a hello that we understand"))
            return
        self._greeted = True
        request.answer(_introduction())

    def _check_greeted(self) -> None:
        """End when nobody has said hello in time."""
        if not self._greeted:
            self._end(ChannelEnd(f"nobody said hello within {HELLO_S:.0f} s"))

    def _end(self, why: ChannelEnd | None) -> None:
        """Take no more requests, kill all that descends from us, stop."""
        self._why = self._why or why
        self._channel.close()
        self._killing.cull_all(lambda _killed, _left: self._loop.stop())


def _introduction() -> dict[str, Any]:
    """Who we are and where."""
    machine = os.uname()
    return {
        "version": VERSION,
        "pid": os.getpid(),
        "uid": os.getuid(),
        "kernel": machine.release,
        "machine": machine.machine,
        "python": sys.version.partition(" ")[0],
        "ns": processes.namespaces_of("self"),
        "init": {"argv": [as_text(word) for word in proc.argv(1)], "ns": processes.namespaces_of(1)},
    }
