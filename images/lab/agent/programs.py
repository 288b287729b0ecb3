"""Programs: the operations that start them, talk to them, and wait for them. Killing is in `killing`."""

from __future__ import annotations

import starting
import usage
from family import UNKNOWN
from refusal import LIMIT, MISSING, TIMEOUT, Refusal
from scan import Scan
from snapshot import send_fitting

TYPE_CHECKING = False
if TYPE_CHECKING:
    import resource
    from collections.abc import Callable, Iterator

    from loop import Loop
    from proc import Stat
    from program import Program
    from reaper import Reaper
    from request import Request
    from scan import Vantage

    Kill = Callable[[Program], None]

RESERVED_LIMIT_BYTES = 128 * 1024 * 1024
"""What the output of all running programs may come to."""
REMEMBERED = 32
REMEMBERED_BYTES = 32 * 1024 * 1024


class Programs:
    """All programs that run, and the last ones that have ended."""

    def __init__(self, loop: Loop, reaper: Reaper, vantage: Vantage) -> None:
        """Have started none yet."""
        self._loop = loop
        self._reaper = reaper
        self._vantage = vantage
        self._family = vantage.family
        self._all: dict[int, Program] = {}
        self._last_number = 0
        self.kill_late: Kill
        """Kills a program that ran or printed too long."""
        reaper.orphan_ended = self._charge_orphan

    def operations(self) -> dict[str, Callable[[Request], None]]:
        """The operations by name."""
        return {
            "spawn": self._spawn,
            "run": self._run,
            "stdin": self._stdin,
            "finish": lambda request: self._finish(request, self.named(request)),
            "output": self._output,
        }

    def named(self, request: Request) -> Program:
        """The program that a request names. Raises Refusal when there is none."""
        number = request.integer("proc")
        program = self._all.get(number)
        if program is None:
            raise Refusal(MISSING, f"there is no program {number}, or it was forgotten")
        return program

    def processes_of(self, number: int) -> Iterator[Stat]:
        """Everything that came from one program, and what may have: orphans with a spoilt mark."""
        scan = Scan(self._vantage)
        suspects = (number, UNKNOWN)
        return (stat for stat in scan.each_program() if scan.program_of(stat.pid) in suspects)

    def has_ended(self, number: int) -> bool:
        """Whether a program's first process has ended; True for one that was forgotten."""
        program = self._all.get(number)
        return program is None or program.ended

    def tell_none_of(self, killed: Program | None) -> None:
        """Nobody needs the result of a program (None: of any) that he asked to be killed."""
        for program in self._all.values() if killed is None else (killed,):
            program.told = True
        self._forget_told()

    def _forget_told(self) -> None:
        """Forget the oldest of those that nobody needs any more."""
        told = [program for program in self._all.values() if program.ended and program.told]
        kept_bytes = sum(program.kept_bytes for program in told)
        while len(told) > REMEMBERED or (told and kept_bytes > REMEMBERED_BYTES):
            oldest = told.pop(0)
            kept_bytes -= oldest.kept_bytes
            oldest.close()
            del self._all[oldest.number]

    def _spawn(self, request: Request) -> None:
        """Start a program; answer that it runs."""
        program = self._start(request)
        request.answer({"proc": program.number, "pid": program.pid})

    def _run(self, request: Request) -> None:
        """Start a program; answer when it has ended."""
        request.seconds("timeout_s")
        self._finish(request, self._start(request))

    def _start(self, request: Request) -> Program:
        """The program of a request, started."""
        number = self._last_number + 1
        program = starting.read_program(request, number)
        launch = starting.read_launch(request, self._family.marks, number)
        stdin = starting.wants_stdin(request)
        deadline_s = request.optional_seconds("deadline_s")
        self._refuse_more_than_fits(program)
        starting.start(program, launch, self._loop, stdin, lambda: self._check_output(program))
        self._last_number = number
        self._all[number] = program
        self._family.add_program(program.pid, number)
        self._reaper.expect(program.pid, lambda status, used: self._end(program, status, used))
        if deadline_s is not None:
            program.deadline = self._loop.after(deadline_s, lambda: self._time_is_up(program))
        if program.feed is not None:
            program.feed.write(request.payload)
            if not request.flag("stdin_open"):
                program.feed.finish()
        return program

    def _end(self, program: Program, status: int, used: resource.struct_rusage) -> None:
        """The first process of a program has ended: what it started and nobody has waited for counts until now."""
        rest = map(usage.of_present, self.processes_of(program.number)) if self._reaper.has_children() else ()
        program.charge(usage.total((usage.of_ended(used), *rest)))
        program.end(status, used.ru_maxrss * 1024)

    def _charge_orphan(self, number: int, used: resource.struct_rusage) -> None:
        """Charge what an orphan took to the program that it came from; with a spoilt mark, to all that it may have."""
        for program in self._all.values():
            if number in (program.number, UNKNOWN):
                program.charge(usage.of_ended(used))

    def _refuse_more_than_fits(self, program: Program) -> None:
        """Refuse a program whose output might not fit our memory, next to that of those that run."""
        running = [other for other in self._all.values() if not other.ended]
        if 2 * sum(one.cap_bytes for one in (program, *running)) > RESERVED_LIMIT_BYTES:
            raise Refusal(LIMIT, f"the output of {len(running)} running programs is all that fits")

    def _time_is_up(self, program: Program) -> None:
        """Kill a program at its deadline."""
        program.timed_out = True
        self.kill_late(program)

    def _check_output(self, program: Program) -> None:
        """Kill a program that prints too much, once."""
        too_much = program.kill_bytes is not None and program.printed_bytes > program.kill_bytes
        if too_much and not program.output_killed and not program.ended:
            program.output_killed = True
            self.kill_late(program)

    def _stdin(self, request: Request) -> None:
        """Feed a program, or end its input."""
        feed = self.named(request).feed
        if feed is None:
            raise Refusal(MISSING, "the program was started without a pipe to its standard input")
        written = feed.write(request.payload)
        broken = feed.broken
        if request.flag("close"):
            feed.finish()
        request.answer({"written": written, "pending": feed.pending_bytes, "broken": broken})

    def _finish(self, request: Request, program: Program) -> None:
        """Answer with the result when there is one, or when the time is up without."""

        def tell() -> None:
            timer.cancel()
            program.told = True
            fields, payload = program.result()
            send_fitting({"at_kill": program.at_kill}, lambda lists, _cut: request.answer({**fields, **lists}, payload))
            self._forget_told()

        def give_up() -> None:
            take_back()
            what = f"program {program.number} has not ended"
            request.refuse(Refusal(TIMEOUT, what, proc=program.number, pid=program.pid))

        timer = self._loop.after(request.seconds("timeout_s"), give_up)
        take_back = program.when_ended(tell)

    def _output(self, request: Request) -> None:
        """Answer with what a program has printed so far."""
        program = self.named(request)
        lengths, payload = program.output()
        request.answer({**lengths, "ended": program.ended}, payload)
