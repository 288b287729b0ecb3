"""Verdicts on the screen, as they come: under their exercise and its topic, in the lab's order."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from rich.console import Console, RenderableType

from orchestrator.checks.evidence import Verdict
from orchestrator.checks.outcome import Outcome
from orchestrator.spec.load import LabDefinition
from orchestrator.ui.progress import Progress
from orchestrator.ui.table import check_line, collapsed, explanation, heading, literal


@dataclass(slots=True)
class Verdicts:
    """Follows a run. What comes before its turn, because exercises are judged at the same time, is kept until then."""

    definition: LabDefinition
    screen: Console
    progress: Progress
    """Shows between verdicts how far it is."""
    collapse: bool
    """Whether all that passed is one line for each exercise."""
    checks: Mapping[str, int] = field(default_factory=dict)
    """Exercise to how many checks it has, in the lab's order."""
    order: tuple[str, ...] = ()
    """Exercises of the run that are not over; the first is shown now."""
    left: dict[str, int] = field(default_factory=dict)
    """Exercise to how many of its checks are not over."""
    waiting: dict[str, list[Verdict]] = field(default_factory=dict)
    """By exercise: not drawn yet."""
    passed: list[Verdict] = field(default_factory=list)
    """Of the exercise that is shown now: to be drawn as one line."""
    topic: str = ""
    """The one that was drawn last."""
    headed: str = ""
    """The exercise under whose heading the screen's last line stands."""

    def begin(self, checks: Mapping[str, int]) -> None:
        """Take how many checks there are; every worker says the same."""
        if not self.checks:
            self.checks, self.left, self.order = checks, dict(checks), tuple(checks)
            self._tell()

    def show(self, verdict: Verdict) -> None:
        """Draw it if its exercise has its turn, or has had it."""
        self.waiting.setdefault(verdict.exercise, []).append(verdict)
        if verdict.exercise not in self.order[1:]:
            self._draw(verdict.exercise)

    def end(self, exercise: str) -> None:
        """Count a check; when it was the last one of the exercise that is shown, the next ones have their turn."""
        self.left[exercise] = self.left.get(exercise, 0) - 1
        while self.order and self.left[self.order[0]] <= 0:
            self._sum_up()
            self.order = self.order[1:]
            self._draw(*self.order[:1])
        self._tell()

    def _tell(self) -> None:
        over = [name for name, left in self.left.items() if left <= 0]
        begun = [name for name, left in self.left.items() if 0 < left < self.checks.get(name, 0)]
        self.progress.now(f"{len(over)}/{len(self.checks)}  {', '.join(begun)}")

    def _print(self, drawing: RenderableType) -> None:
        self.progress.wipe()
        self.screen.print(drawing)

    def finish(self) -> None:
        """Draw all that was kept: the run is over, also when not all of its checks are."""
        self._draw(*self.order)
        self._draw(*self.waiting)
        self._sum_up()
        self.progress.wipe()

    def _draw(self, *exercises: str) -> None:
        for verdict in [verdict for name in exercises for verdict in self.waiting.pop(name, ())]:
            if self.passed and self.passed[0].exercise != verdict.exercise:
                self._sum_up()
            if self.collapse and verdict.outcome is Outcome.PASSED:
                self.passed.append(verdict)
                continue
            self._head(verdict.exercise)
            self._print(check_line(verdict))
            if verdict.outcome is not Outcome.PASSED:
                self._print(explanation(verdict))

    def _sum_up(self) -> None:
        if self.passed:
            exercise = self.passed[0].exercise
            self._under_topic(exercise)
            self._print(collapsed(self._title(exercise), exercise, self.passed, more=exercise == self.headed))
        self.passed = []
        self.headed = ""

    def _head(self, exercise: str) -> None:
        if exercise != self.headed:
            self._under_topic(exercise)
            self.headed = exercise
            self._print(heading(self._title(exercise), exercise))

    def _under_topic(self, exercise: str) -> None:
        topic = self.definition.exercises[exercise].exercise.topic
        if self.collapse and topic != self.topic:
            self.topic = topic
            self._print(literal(f"\n{topic}", "bold underline"))

    def _title(self, exercise: str) -> str:
        return self.definition.exercises[exercise].exercise.title
