"""The record of one run: what was judged, on what, and every verdict. Its JSON is documented in docs/record.md."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from orchestrator.checks.evidence import Verdict
from orchestrator.checks.outcome import Outcome

VERSION = 1
SEVERITY = (Outcome.PASSED, Outcome.BLOCKED, Outcome.FAILED, Outcome.GRADER_ERROR)


@dataclass(frozen=True, slots=True)
class ExerciseRecord:
    """An exercise's verdicts, in the order of its file."""

    name: str
    title: str
    topic: str
    submission: str
    """Whose work was judged: a folder, `the reference solution`…"""
    checks: tuple[Verdict, ...]

    @property
    def points(self) -> int:
        """Points earned."""
        return sum(verdict.points for verdict in self.checks)

    @property
    def max_points(self) -> int:
        """Points to be had."""
        return sum(verdict.max_points for verdict in self.checks)

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        own = {"name": self.name, "title": self.title, "topic": self.topic, "submission": self.submission}
        return own | {
            "points": self.points,
            "max_points": self.max_points,
            "checks": [verdict.plain() for verdict in self.checks],
        }


@dataclass(frozen=True, slots=True)
class Record:
    """A whole run."""

    lab: str
    title: str
    instance: str
    engine: Mapping[str, str]
    image: Mapping[str, str]
    """Image references to ids."""
    seed: str
    started: str
    """UTC, ISO 8601."""
    duration_s: float
    exercises: tuple[ExerciseRecord, ...]

    @property
    def submission(self) -> str:
        """Whose work was judged, all exercises together."""
        return ", ".join(dict.fromkeys(exercise.submission for exercise in self.exercises))

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """All of them."""
        return tuple(verdict for exercise in self.exercises for verdict in exercise.checks)

    def count(self, outcome: Outcome) -> int:
        """How many checks ended so."""
        return sum(verdict.outcome is outcome for verdict in self.verdicts)

    @property
    def points(self) -> int:
        """Points earned."""
        return sum(exercise.points for exercise in self.exercises)

    @property
    def max_points(self) -> int:
        """Points to be had."""
        return sum(exercise.max_points for exercise in self.exercises)

    @property
    def exit_code(self) -> int:
        """3 when the grader failed in any check, 1 when the student's work did, else 0."""
        if self.count(Outcome.GRADER_ERROR):
            return 3
        return 1 if self.count(Outcome.FAILED) or self.count(Outcome.BLOCKED) else 0

    def plain(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "version": VERSION,
            "lab": self.lab,
            "title": self.title,
            "instance": self.instance,
            "engine": dict(self.engine),
            "image": dict(self.image),
            "seed": self.seed,
            "started": self.started,
            "duration_s": self.duration_s,
            "points": self.points,
            "max_points": self.max_points,
            "exercises": [exercise.plain() for exercise in self.exercises],
        }

    def write(self, path: Path) -> None:
        """Write the JSON, whole or not at all."""
        text = json.dumps(self.plain(), indent=2, ensure_ascii=True) + "\n"
        # Not mkstemp: its files are for their owner alone, and a record is for others to read, as the umask says.
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            fresh.write_text(text)
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)


def merged(verdicts: Iterable[Verdict]) -> tuple[Verdict, ...]:
    """One verdict a check: a check that passed and whose clean-up then failed is a grader error."""
    by_node: dict[str, Verdict] = {}
    for verdict in verdicts:
        known = by_node.get(verdict.nodeid)
        by_node[verdict.nodeid] = verdict if known is None else _worse(known, verdict)
    return tuple(by_node.values())


def _worse(first: Verdict, second: Verdict) -> Verdict:
    worse = max((first, second), key=lambda verdict: SEVERITY.index(verdict.outcome))
    return replace(worse, duration_s=round(first.duration_s + second.duration_s, 4))


def by_exercise(
    verdicts: Sequence[Verdict], titles: Mapping[str, tuple[str, str]], submissions: Mapping[str, str]
) -> tuple[ExerciseRecord, ...]:
    """The verdicts grouped, in the order of `titles`: exercise to (title, topic). `submissions`: exercise to whose."""
    groups = {name: tuple(verdict for verdict in verdicts if verdict.exercise == name) for name in titles}
    return tuple(
        ExerciseRecord(name, *titles[name], submissions.get(name, ""), group) for name, group in groups.items() if group
    )
