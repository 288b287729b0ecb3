"""The findings of a proof as lines of JSON, so that one that was stopped goes on where it was."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from orchestrator.errors import UsageError
from orchestrator.grade.proof import Finding
from orchestrator.grade.provers import Turn


@dataclass(frozen=True, slots=True)
class Line:
    """What was found of a case in one of its runs."""

    lab: str
    case: str
    run: int
    seed: str
    duration_s: float
    failed: Sequence[str]
    graded: Sequence[str]
    complaints: Sequence[str]


class Ledger:
    """The lines of one proof, and of the one before it that was stopped; kept in a file if there is one."""

    def __init__(self, lab: str, path: Path | None) -> None:
        """Read what `path` has; a last line that is not whole was being written when somebody stopped it.

        Raises:
            UsageError: It holds something else.
        """
        self.lab = lab
        self.path = path
        self._lines: dict[tuple[str, str, int], Line] = {}
        if path is None or not path.exists():
            return
        whole, _, rest = path.read_bytes().rpartition(b"\n")
        for number, text in enumerate(whole.splitlines(), 1):
            try:
                line = Line(**json.loads(text))
            except (ValueError, TypeError):
                raise UsageError(f"{path}:{number}: no finding of a proof", fix="Name another file.") from None
            self._lines[line.lab, line.case, line.run] = line
        if rest:
            with path.open("r+b") as file:
                file.truncate(len(whole) + 1 if whole else 0)

    def of(self, turns: Sequence[Turn]) -> Iterator[Line]:
        """The lines of those turns that have one."""
        lines = (self._lines.get(self._key(turn)) for turn in turns)
        return (line for line in lines if line is not None)

    def has(self, turn: Turn, *, seed: bool) -> bool:
        """Whether there is a line for a turn; with `seed` one with its random values."""
        line = self._lines.get(self._key(turn))
        return line is not None and (not seed or line.seed == turn.case.seed(turn.seed))

    def add(self, turn: Turn, found: Finding) -> Line:
        """Keep a finding."""
        lab, case, run = self._key(turn)
        line = Line(lab, case, run, found.seed, found.duration_s, found.failed, found.graded, tuple(found.complaints()))
        self._lines[lab, case, run] = line
        if self.path is not None:
            with self.path.open("a") as file:
                file.write(json.dumps(asdict(line)) + "\n")
        return line

    def _key(self, turn: Turn) -> tuple[str, str, int]:
        return self.lab, turn.case.title, turn.run
