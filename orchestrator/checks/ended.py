"""How a program ended, as a test author asks for it: with which status, saying what, and what it took."""

from __future__ import annotations

from dataclasses import fields
from typing import Self

from orchestrator.agent.result import Result
from orchestrator.checks.outcome import Unexpected
from orchestrator.display import printable


class Ended(Result):
    """A `Result` that fails the check when it is not what was asked for."""

    __slots__ = ()

    @classmethod
    def of(cls, result: Result) -> Self:
        """The same result."""
        return cls(**{field.name: getattr(result, field.name) for field in fields(result)})

    def exited(self, status: int = 0, why: str = "") -> Self:
        """Itself, when it ended by itself with this status.

        Raises:
            Unexpected: It did not; `why` is what that means, in the student's words.
        """
        if self.exit != status:
            raise Unexpected(f"exit status {status}", self.told(), why=why)
        return self

    def refused(self, status: int = 1, why: str = "") -> Self:
        """Itself, when it exited with this status, said why on standard error, and printed nothing.

        Raises:
            Unexpected: It did something else.
        """
        self.exited(status, why)
        if self.stdout:
            raise Unexpected("nothing on its standard output", self.told(), why=why)
        if not self.stderr:
            raise Unexpected("a message on its standard error", self.told(), why=why)
        return self

    def idle(self, cpu_share: float = 0.05, switches_per_s: float | None = None) -> Self:
        """Itself, when it took at most this share of one processor while it ran, and gave it away no more often.

        `switches_per_s` bounds the voluntary context switches, getrusage(2): a program that sleeps for ever has few,
        one that looks again and again one or more for each look.

        Raises:
            Unexpected: It took more.
        """
        if self.cpu_s > cpu_share * self.wall_s:
            took = f"{self.cpu_s:.2f} s of processor time in {self.wall_s:.2f} s"
            raise Unexpected(f"less than {100 * cpu_share:g} % of a processor", took)
        if switches_per_s is not None and self.voluntary_switches > switches_per_s * self.wall_s:
            gave = f"it gave the processor away {self.voluntary_switches} times in {self.wall_s:.2f} s"
            raise Unexpected(f"at most {switches_per_s:g} times a second", gave)
        return self

    def told(self) -> str:
        """How it ended and what it printed, in words."""
        streams = (("printed", self.stdout), ("complained", self.stderr))
        said = (f", {verb} '{printable(text, limit=120)}'" for verb, text in streams if text)
        return f"{self.describe()}{''.join(said)}"
