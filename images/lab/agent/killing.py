"""Killing: the operations that send signals and that end programs with all their descendants."""

from __future__ import annotations

import contextlib
import os
import signal

import proc
import processes
import usage
from cull import Cull, send_to_all
from family import UNKNOWN
from refusal import LIMIT, MISSING, Refusal
from scan import Scan
from text import as_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from loop import Loop
    from proc import Stat
    from program import Program
    from programs import Programs
    from reaper import Reaper
    from request import Request
    from scan import Vantage

MOST_SURVIVORS = 256
SURVIVOR_BYTES = 1024
SIGNALS = signal.NSIG - 1
AIMS = ("process", "group", "all")
UNPREVENTABLE = (signal.SIGSTOP, signal.SIGKILL)
"""Who has been sent one of these forks no more."""


class Killing:
    """Answers `signal` and `kill`."""

    def __init__(self, loop: Loop, reaper: Reaper, vantage: Vantage, programs: Programs) -> None:
        """Kill what descends from the agent."""
        self._loop = loop
        self._reaper = reaper
        self._vantage = vantage
        self._programs = programs
        programs.kill_late = self._kill_late

    def operations(self) -> dict[str, Callable[[Request], None]]:
        """The operations by name."""
        return {"signal": self._signal, "kill": self._kill}

    def all_processes(self) -> Iterator[Stat]:
        """Everything that descends from the agent, each process as soon as it is found."""
        scan = Scan(self._vantage)
        return (stat for stat in scan.each_program() if scan.program_of(stat.pid) is not None)

    def cull_all(self, done: Callable[[int, list[int]], None]) -> None:
        """Kill everything that descends from the agent."""
        Cull(self._loop, self._reaper, self.all_processes, done).start()

    def _cull(self, program: Program, done: Callable[[int, list[int]], None]) -> None:
        """Kill everything of one program, and know what it has taken until now, in whatever order it dies."""

        def targets() -> Iterator[Stat]:
            return self._programs.processes_of(program.number)

        if not program.ended:
            program.charge_at_least(usage.total(map(usage.of_present, targets())))
        Cull(self._loop, self._reaper, targets, done).start()

    def _kill_late(self, program: Program) -> None:
        """Kill a program that ran or printed too long, and remember where its processes were."""
        program.at_kill = processes.of_program(Scan(self._vantage), program.number)
        self._cull(program, lambda _killed, _left: None)

    def _kill(self, request: Request) -> None:
        """Kill one program or all; answer when nothing of it is left."""
        everything = request.flag("all")
        program = None if everything else self._programs.named(request)
        self._reaper.reap()
        survivors = self._survivors(program)

        def done(killed: int, left: list[int]) -> None:
            self._programs.tell_none_of(program)
            if left:
                request.refuse(Refusal(LIMIT, f"{len(left)} processes can't be killed", pids=left))
            else:
                request.answer({"survivors": survivors, "killed": killed})

        if program is None:
            self.cull_all(done)
        else:
            self._cull(program, done)

    def _survivors(self, program: Program | None) -> list[dict[str, Any]]:
        """The processes that have outlived their program, of one or of all."""
        scan = Scan(self._vantage)
        found = []
        for stat in scan.programs:
            number = scan.program_of(stat.pid)
            if number is None or not stat.alive or not self._programs.has_ended(number):
                continue
            if program is None or number in (program.number, UNKNOWN):
                argv = [as_text(word) for word in scan.argv(stat.pid, SURVIVOR_BYTES)]
                found.append({"pid": stat.pid, "argv": argv, "state": stat.state, "proc": number or None})
        return found[:MOST_SURVIVORS]

    def _signal(self, request: Request) -> None:
        """Send a signal to a process, its group, or it and all its descendants."""
        number = request.integer("signal", high=SIGNALS)
        to = request.text("to", "process")
        if to == "all" and number in UNPREVENTABLE and request.header.get("proc") is not None:
            program = self._programs.named(request)
            _, sent = send_to_all(lambda: self._alive(program), number)
            request.answer({"count": sent})
            return
        sent = 0
        for pid in self._aim(request, to):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)
                sent += 1
        request.answer({"count": sent})

    def _alive(self, program: Program) -> list[Stat]:
        """All that came from a program and has not ended: the whole list, before the first of them is sent a signal."""
        return [stat for stat in self._programs.processes_of(program.number) if stat.alive]

    def _aim(self, request: Request, to: str) -> list[int]:
        """The processes that a request means; none for a program that has ended."""
        if to not in AIMS:
            raise request.wrong("to", "`process`, `group` or `all`")
        if request.header.get("proc") is None:
            return _around(Scan(self._vantage), self._process(request), to)
        program = self._programs.named(request)
        if to == "all":
            return [stat.pid for stat in self._alive(program)]
        return [] if program.ended else _around(Scan(self._vantage), program.pid, to)

    def _process(self, request: Request) -> int:
        """The process id in a request. Raises Refusal when no program's process has it."""
        pid = request.integer("pid", low=2)
        stat = proc.stat(pid)
        if stat is None or self._vantage.neighbours.is_infrastructure(stat):
            raise Refusal(MISSING, f"there is no program's process {pid}")
        return pid


def _around(scan: Scan, pid: int, to: str) -> list[int]:
    """A process, its group, or it and its descendants."""
    first = scan.stat(pid)
    if first is None:
        return []
    if to == "group":
        return [stat.pid for stat in scan.programs if stat.pgid == first.pgid]
    found = [pid]
    for one in found if to == "all" else ():  # grows while it is walked
        found.extend(stat.pid for stat in scan.programs if stat.ppid == one)
    return found
