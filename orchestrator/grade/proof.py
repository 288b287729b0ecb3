"""The proof of an exercise: its reference passes all, its starter nothing, wrong solutions fail exactly as declared.

Checks are programs, too, and this is their test. What students hand in does not belong here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from orchestrator.checks.outcome import Outcome
from orchestrator.checks.plugin import COMPILES
from orchestrator.checks.stage import Live
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


@dataclass(frozen=True, slots=True)
class Finding:
    """What became of a case: names of checks."""

    case: Case
    passed: tuple[str, ...]
    failed: tuple[str, ...]
    blocked: tuple[str, ...]
    errors: tuple[str, ...]
    graded: tuple[str, ...]
    """Those that are worth points."""
    max_points: int
    """That these are worth."""
    duration_s: float

    def complaints(self) -> Iterator[str]:
        """What is not as it must be, a sentence each."""
        yield from (f"{check} could not be judged" for check in self.errors)
        if self.case.fails is None:
            if COMPILES not in self.passed:
                yield "it must compile"
            yield from (f"{check} passes, though nothing is done yet" for check in self.passed if check in self.graded)
            return
        yield from (f"{check} fails, and is not declared" for check in self.failed if check not in self.case.fails)
        yield from (f"{check} does not fail" for check in self.case.fails if check not in self.failed)
        if not self.case.fails:
            yield from (f"{check} is blocked" for check in self.blocked)


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


def prove(case: Case, definition: LabDefinition, instance: str, seed: str, live: Live) -> Finding:
    """Judge one case in a live lab; each has values of its own: a port in TIME-WAIT is no other's fault.

    Raises:
        IpclabError: Whatever stopped it before its first check.
    """
    request = Request(
        definition, (case.exercise,), instance, seed=f"{seed} {case.title}" if seed else "", **dict(case.chosen)
    )
    record = run(request, live=live)
    found: ExerciseRecord = record.exercises[0]

    def those(outcome: Outcome) -> tuple[str, ...]:
        return tuple(verdict.check for verdict in found.checks if verdict.outcome is outcome)

    return Finding(
        case,
        passed=those(Outcome.PASSED),
        failed=those(Outcome.FAILED),
        blocked=those(Outcome.BLOCKED),
        errors=those(Outcome.GRADER_ERROR),
        graded=tuple(verdict.check for verdict in found.checks if verdict.max_points),
        max_points=found.max_points,
        duration_s=record.duration_s,
    )


def unfailed(exercise: ExerciseDefinition, graded: Sequence[str]) -> list[str]:
    """The checks that are worth points and that no known-wrong solution of the exercise fails: they prove nothing."""
    failed: Iterable[str] = (check for wrong in exercise.exercise.wrong.values() for check in wrong.fails)
    return sorted({*graded} - {*failed})
