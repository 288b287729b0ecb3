"""Programs: the operations that start them, talk to them, and wait for them. Killing is in `killing`."""

from __future__ import annotations

import starting
from refusal import LIMIT, MISSING, TIMEOUT, Refusal
from snapshot import send_fitting

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from family import Family
    from loop import Loop
    from program import Program
    from reaper import Reaper
    from request import Request

    Kill = Callable[[Program], None]

RESERVED_LIMIT_BYTES = 128 * 1024 * 1024
"""What the output of all running programs may come to."""
REMEMBERED = 32
REMEMBERED_BYTES = 32 * 1024 * 1024


class Programs:
    """All programs that run, and the last ones that have ended."""

    def __init__(self, loop: Loop, reaper: Reaper, family: Family) -> None:
        """Have started none yet."""
        self._loop = loop
        self._reaper = reaper
        self._family = family
        self._all: dict[int, Program] = {}
        self._last_number = 0
        self.kill_late: Kill
        """Kills a program that ran or printed too long."""

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
        self._reaper.expect(program.pid, program.end)
        if deadline_s is not None:
            program.deadline = self._loop.after(deadline_s, lambda: self._time_is_up(program))
        if program.feed is not None:
            program.feed.write(request.payload)
            if not request.flag("stdin_open"):
                program.feed.finish()
        return program

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
