"""The proof of an exercise: its reference passes all, its starter nothing, wrong solutions fail exactly as declared.

Checks are programs, too, and this is their test. What students hand in does not belong here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.checks.evidence import Verdict
from orchestrator.checks.outcome import Outcome
from orchestrator.checks.plugin import COMPILES
from orchestrator.checks.stage import Live
from orchestrator.display import inert
from orchestrator.grade.record import ExerciseRecord
from orchestrator.grade.run import Request, run
from orchestrator.spec.load import ExerciseDefinition, LabDefinition


@dataclass(frozen=True, slots=True)
class Case:
    """A solution of which it is known what must become of it."""

    exercise: str
    name: str
    """`reference`, `another`, `starter`, `wrong/NAME`."""
    fails: tuple[str, ...] | None
    """The checks that must fail; None when none that is worth points may pass."""
    chosen: tuple[tuple[str, Any], ...]
    """Whose work that is, as the fields of `Request` say it."""

    @property
    def title(self) -> str:
        """`fifo/wrong/mode-0600`."""
        return f"{self.exercise}/{self.name}"

    def seed(self, of_proof: str) -> str:
        """What its random values come from; each case has its own."""
        return f"{of_proof} {self.title}"


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of a case."""

    case: Case
    checks: tuple[Verdict, ...]
    max_points: int
    """That those which are worth any are worth together."""
    duration_s: float
    seed: str = ""
    """What its random values came from."""

    @property
    def failed(self) -> tuple[str, ...]:
        """The names of the checks that failed."""
        return tuple(verdict.check for verdict in self.those(Outcome.FAILED))

    @property
    def graded(self) -> tuple[str, ...]:
        """The names of the checks that are worth points."""
        return tuple(verdict.check for verdict in self.checks if verdict.max_points)

    def those(self, outcome: Outcome) -> Iterator[Verdict]:
        """The checks that ended so."""
        return (verdict for verdict in self.checks if verdict.outcome is outcome)

    def complaints(self) -> Iterator[str]:
        """What is not as it must be: a sentence each, and what the check says of it in lines below."""
        yield from (_told(verdict, "could not be judged") for verdict in self.those(Outcome.GRADER_ERROR))
        passed = list(self.those(Outcome.PASSED))
        if self.case.fails is None:
            if COMPILES not in [verdict.check for verdict in passed]:
                yield "it must compile"
            yield from (f"{one.check} passes, though nothing is done yet" for one in passed if one.max_points)
            return
        for verdict in self.those(Outcome.FAILED):
            if verdict.check not in self.case.fails:
                yield _told(verdict, "fails, and is not declared")
        yield from (f"{check} does not fail" for check in self.case.fails if check not in self.failed)
        if not self.case.fails:
            yield from (_told(verdict, "is blocked") for verdict in self.those(Outcome.BLOCKED))


def _told(verdict: Verdict, what: str) -> str:
    rows = [f"{label:9} {text}" for label, text in verdict.rows() if label != "hint"]
    return inert("\n".join([f"{verdict.check} {what}", *rows]))


def cases(definition: LabDefinition, solutions: Path | None = None) -> Iterator[Case]:
    """All cases of all exercises; `solutions` may hold LAB/EXERCISE/ with more that must pass."""
    for name, exercise in definition.exercises.items():
        yield Case(name, "reference", (), (("reference", True),))
        yield Case(name, "starter", None, (("starter", True),))
        others = solutions / definition.name if solutions else None
        if others and (others / name).is_dir():
            yield Case(name, "another", (), (("submission", others),))
        for wrong, model in exercise.exercise.wrong.items():
            yield Case(name, f"wrong/{wrong}", model.fails, (("wrong", f"{name}/{wrong}"),))


def prove(
    case: Case, definition: LabDefinition, instance: str, seed: str, live: Live, base_image: str | None = None
) -> Finding:
    """Judge one case in a live lab. Without a seed its values are any.

    Raises:
        IpclabError: Whatever stopped it before its first check.
    """
    request = Request(
        definition,
        (case.exercise,),
        instance,
        seed=case.seed(seed) if seed else "",
        base_image=base_image,
        **dict(case.chosen),
    )
    record = run(request, live=live)
    found: ExerciseRecord = record.exercises[0]
    return Finding(case, found.checks, found.max_points, record.duration_s, record.seed)


def unfailed(exercise: ExerciseDefinition, graded: Sequence[str]) -> list[str]:
    """The checks that are worth points and that no known-wrong solution of the exercise fails: they prove nothing."""
    failed: Iterable[str] = (check for wrong in exercise.exercise.wrong.values() for check in wrong.fails)
    return sorted({*graded} - {*failed})
