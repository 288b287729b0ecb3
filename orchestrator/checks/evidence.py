"""What is known of a check when it has ended, as plain data that crosses processes and that any renderer can draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from orchestrator.checks.outcome import Outcome
from orchestrator.display import inert


@dataclass(frozen=True, slots=True)
class Verdict:
    """One check's result. Texts are safe to print."""

    lab: str
    exercise: str
    check: str
    """The test function's name."""
    nodeid: str
    title: str
    """The sentence that the student reads."""
    outcome: Outcome
    points: int
    max_points: int
    duration_s: float
    hint: str = ""
    done: Sequence[str] = field(default=())
    """What was done, in order."""
    expected: str = ""
    observed: str = ""
    reason: str = ""
    """The assertion or error in words, and where it stands."""
    diagnosis: Sequence[str] = field(default=())
    """Where each process was blocked."""
    facts: Sequence[str] = field(default=())
    """What the kernel had at that moment."""
    seed: str = ""
    replay: str = ""
    """The command that does again what random choices have made of a failed check."""
    exhibits: Sequence[str] = field(default=())
    """Files that show what the check saw, such as a picture or a plot."""

    def plain(self) -> dict[str, Any]:
        """For JSON, and for the way between pytest's processes."""
        return asdict(self) | {"outcome": str(self.outcome)}

    @staticmethod
    def from_plain(data: Mapping[str, Any]) -> Verdict:
        """The verdict that `plain` came from."""
        return Verdict(**(dict(data) | {"outcome": Outcome(data["outcome"])}))

    def rows(self) -> list[tuple[str, str]]:
        """(label, text) pairs that explain it, empty texts left out; a label stands before its first line only."""
        groups: list[tuple[str, Sequence[str]]] = [
            ("done", self.done),
            ("expected", (self.expected,)),
            ("observed", (self.observed,)),
            ("because", self.reason.splitlines()),
            ("where", self.diagnosis),
            ("kernel", self.facts),
            ("exhibit", self.exhibits),
            ("replay", (self.replay,)),
            ("hint", (self.hint,)),
        ]
        return [
            (label if number == 0 else "", text)
            for label, texts in groups
            for number, text in enumerate(text for text in texts if text)
        ]

    def explain(self) -> str:
        """Everything in lines, for pytest's own report."""
        head = f"{self.title} ({self.outcome}, {self.points} of {self.max_points} points)"
        return inert("\n".join([head, *(f"  {label:9} {text}" for label, text in self.rows())]))
