"""A program that is stopped right before one of its system calls, for races that a test author makes certain.

What stops it is `stepper`, which runs beside it; here is what a check asks of that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from orchestrator.agent.command import PIPE
from orchestrator.checks.context import CheckContext
from orchestrator.checks.peers import Script
from orchestrator.checks.programs import Program, Running
from orchestrator.session import ROOT
from orchestrator.spec.exercise import Program as ProgramModel

SCRIPT = Path(__file__).parent / "stepper.py"
MOST_CALLS = 40
"""More than a program makes from one sleep to the next: a bound for those that never sleep."""


@dataclass(frozen=True, slots=True)
class Stepping:
    """What stops a program that runs, and lets it go on."""

    running: Running
    """The stepper itself."""

    def each_call(self, wake: Callable[[], None], interfere: Callable[[], None]) -> Iterator[None]:
        """Two events at the worst moment: the second one right before a system call that is made for the first.

        The program, which sleeps, is held; `wake` makes something happen that it waits for. It goes on until right
        before its first system call, where `interfere` makes something else happen; then it is let go, and what has
        become of both can be looked at. And so on with its second call, its third one, until it sleeps before it has
        made so many: the last time nothing interferes.
        """
        for index in range(1, MOST_CALLS + 1):
            self._ask("hold")
            wake()
            there = self._ask(f"call {index}") == "there"
            if there:
                interfere()
                self._ask("release")
            yield
            if not there:
                return

    def _ask(self, command: str) -> str:
        return self.running.ask(f"{command}\n".encode()).decode().strip()


def beside(running: Running, context: CheckContext) -> Stepping:
    """A stepper for a program, started where that runs."""
    place = running.program.place
    model = ProgramModel.model_validate({"sources": ["none.c"], "container": place, "args": [str(running.pid)]})
    program = Program(SCRIPT.name, model, place, Script(context.session, SCRIPT, ROOT), context, "the checks'")
    return Stepping(program.start(stdin=PIPE, until=b"stepping\n"))
