"""The student's table: each exercise with its checks, points, and for what failed everything that explains it."""

from __future__ import annotations

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from orchestrator.checks.evidence import Verdict
from orchestrator.checks.outcome import Outcome
from orchestrator.grade.record import ExerciseRecord, Record

SIGNS = {
    Outcome.PASSED: ("✓", "green"),
    Outcome.FAILED: ("✗", "bold red"),
    Outcome.BLOCKED: ("◌", "yellow"),
    Outcome.GRADER_ERROR: ("!", "bold magenta"),
}
LABEL_STYLES = {"expected": "green", "observed": "red", "hint": "cyan"}


def check_line(verdict: Verdict) -> Text:
    """One check on one line: sign, sentence, points, time."""
    sign, style = SIGNS[verdict.outcome]
    line = Text.assemble("  ", (sign, style), " ", (verdict.title, "" if verdict.outcome is Outcome.PASSED else style))
    if verdict.max_points:
        line.append(f"  {verdict.points}/{verdict.max_points}", "dim")
    line.append(f"  {verdict.duration_s:.2f} s", "dim")
    return line


def explanation(verdict: Verdict) -> RenderableType:
    """What was done, expected and observed, what the kernel had, and the hint."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(justify="right", style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    style = ""
    for label, text in verdict.rows():
        style = LABEL_STYLES.get(label, "") if label else style
        grid.add_row(label, Text(text, style))
    return Padding(grid, (0, 0, 1, 4))


def exercise_block(exercise: ExerciseRecord) -> RenderableType:
    """An exercise's heading, its checks, and explanations below those that did not pass."""
    heading = Text.assemble((exercise.title, "bold"), (f"  {exercise.name}", "dim"))
    heading.append(f"  {exercise.points}/{exercise.max_points} points")
    parts: list[RenderableType] = [heading]
    for verdict in exercise.checks:
        parts.append(check_line(verdict))
        if verdict.outcome is not Outcome.PASSED:
            parts.append(explanation(verdict))
    return Group(*parts)


def summary(record: Record) -> RenderableType:
    """Exercises with their points, and the total."""
    table = Table(title=f"{record.lab}: {record.title}", title_justify="left", title_style="bold", box=None)
    table.add_column("exercise")
    table.add_column("topic", style="dim")
    for heading in ("passed", "failed", "blocked", "points"):
        table.add_column(heading, justify="right")
    for exercise in record.exercises:
        counts = [_count(exercise, outcome) for outcome in (Outcome.PASSED, Outcome.FAILED, Outcome.BLOCKED)]
        style = "green" if exercise.points == exercise.max_points else "red"
        points = Text(f"{exercise.points}/{exercise.max_points}", style)
        table.add_row(exercise.name, exercise.topic, *counts, points)
    table.add_section()
    totals = [str(record.count(outcome)) for outcome in (Outcome.PASSED, Outcome.FAILED, Outcome.BLOCKED)]
    table.add_row("total", "", *totals, f"{record.points}/{record.max_points}", style="bold")
    return table


def _count(exercise: ExerciseRecord, outcome: Outcome) -> str:
    return str(sum(verdict.outcome is outcome for verdict in exercise.checks))


def closing(record: Record) -> Text:
    """Whose work it was, how long it took, how to replay it."""
    text = Text(f"judged {record.submission} in {record.duration_s:.1f} s, seed {record.seed}", "dim")
    errors = record.count(Outcome.GRADER_ERROR)
    if errors:
        text.append(f"\n{errors} checks could not be judged: the grader's fault, not yours. Run it again.", "magenta")
    return text


def console(*, stderr: bool = False) -> Console:
    """A console that writes colours to a terminal and plain text elsewhere; NO_COLOR is heeded."""
    return Console(stderr=stderr, highlight=False, soft_wrap=True)
