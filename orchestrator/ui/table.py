"""The student's table: each check on a line, for what failed everything that explains it, and the points in the end.

Text is drawn as it is: brackets are no markup here, and what could move a cursor or colour a line shows as an escape.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console, RenderableType
from rich.constrain import Constrain
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from orchestrator.checks.evidence import Verdict
from orchestrator.checks.outcome import Outcome
from orchestrator.display import inert
from orchestrator.grade.record import ExerciseRecord, Record

WIDTH = 120
"""Lines that are longer than this are hard to read, however wide the terminal."""

PIPE_WIDTH = 1000
"""What reads a pipe searches for words, which a break would hide from it."""

SIGNS = {
    Outcome.PASSED: ("✓", "green"),
    Outcome.FAILED: ("✗", "bold red"),
    Outcome.BLOCKED: ("◌", "yellow"),
    Outcome.GRADER_ERROR: ("!", "bold magenta"),
}
LABEL_STYLES = {"expected": "green", "observed": "red", "hint": "cyan"}


class Screen(Console):
    """A console whose reader may go away: what is left to say is said to nobody, and the work goes on."""

    def on_broken_pipe(self) -> None:
        """Print nothing more; without this, Python would complain when it flushes."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), self.file.fileno())


def console(*, stderr: bool = False) -> Console:
    """A console that writes colours to a terminal and plain text elsewhere; NO_COLOR and COLUMNS are heeded."""
    stream = sys.stderr if stderr else sys.stdout
    known = stream.isatty() or os.environ.get("COLUMNS", "").isdecimal()
    return Screen(file=stream, width=None if known else PIPE_WIDTH, markup=False, emoji=False, highlight=False)


def literal(text: str, style: str = "") -> Text:
    r"""`text` as it is, lines kept; what is none to look at shows as `\u{1b}`, `::error::` as `\x3a:error::`."""
    shown = "".join(one if one.isprintable() or one == "\n" else f"\\u{{{ord(one):x}}}" for one in text)
    return Text(inert(shown), style)


def heading(title: str, name: str) -> RenderableType:
    """The line above an exercise's checks."""
    return Text.assemble("\n", literal(title, "bold"), "  ", literal(name, "dim"))


def check_line(verdict: Verdict) -> RenderableType:
    """One check: sign, sentence, points, time."""
    sign, style = SIGNS[verdict.outcome]
    passed = verdict.outcome is Outcome.PASSED
    grid = Table.grid(padding=(0, 2, 0, 0), expand=True)
    grid.add_column(width=1)
    grid.add_column(ratio=1, overflow="fold")
    grid.add_column(justify="right", no_wrap=True, min_width=4)
    grid.add_column(justify="right", no_wrap=True, min_width=7)
    points = f"{verdict.points}/{verdict.max_points}" if verdict.max_points else ""
    grid.add_row(
        Text(sign, style),
        literal(verdict.title, "" if passed else style),
        Text(points, "dim" if passed else style),
        Text("" if verdict.outcome is Outcome.BLOCKED else f"{verdict.duration_s:.2f} s", "dim"),
    )
    return Constrain(Padding(grid, (0, 0, 0, 2)), WIDTH)


def collapsed(title: str, name: str, verdicts: Sequence[Verdict], *, more: bool) -> RenderableType:
    """The checks of an exercise that passed, on one line; `more` when others of it stand above."""
    said = f"{len(verdicts)} more checks of {name} passed" if more else f"{title}, {len(verdicts)} checks"
    return check_line(
        Verdict(
            lab="",
            exercise=name,
            check="",
            nodeid="",
            title=said if more else f"{said}  {name}",
            outcome=Outcome.PASSED,
            points=sum(one.points for one in verdicts),
            max_points=sum(one.max_points for one in verdicts),
            duration_s=sum(one.duration_s for one in verdicts),
        )
    )


def explanation(verdict: Verdict) -> RenderableType:
    """What was done, expected and observed, where each process was blocked, what the kernel had, and the hint.

    Of a check that was not judged, a sentence: what is to be mended stands above.
    """
    if verdict.outcome is Outcome.BLOCKED:
        return Constrain(Padding(literal(verdict.reason, "dim"), (0, 0, 0, 5)), WIDTH)
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(justify="right", style="dim", no_wrap=True, min_width=8)
    grid.add_column(overflow="fold")
    style = ""
    for label, text in verdict.rows():
        style = LABEL_STYLES.get(label, "") if label else style
        grid.add_row(label, literal(text, style))
    return Constrain(Padding(grid, (0, 0, 1, 5)), WIDTH)


def summary(record: Record) -> RenderableType:
    """Exercises with their points, and the total."""
    table = Table(title=literal(f"{record.lab}: {record.title}"), title_justify="left", title_style="bold", box=None)
    table.add_column("exercise")
    table.add_column("topic", style="dim", overflow="fold")
    for name in ("passed", "failed", "blocked", "points"):
        table.add_column(name, justify="right", no_wrap=True)
    for exercise in record.exercises:
        counts = _counts(exercise.checks)
        style = "green" if exercise.points == exercise.max_points else "red"
        table.add_row(literal(exercise.name), literal(exercise.topic), *counts, Text(_points(exercise), style))
    table.add_section()
    table.add_row("total", "", *_counts(record.verdicts), _points(record), style="bold")
    return table


def _counts(verdicts: Sequence[Verdict]) -> list[str]:
    shown = (Outcome.PASSED, Outcome.FAILED, Outcome.BLOCKED)
    return [str(sum(verdict.outcome is outcome for verdict in verdicts)) for outcome in shown]


def _points(of: ExerciseRecord | Record) -> str:
    return f"{of.points}/{of.max_points}"


def closing(record: Record) -> RenderableType:
    """Whose work it was, how long it took, how to replay it; and what the grader owes an answer to."""
    whose = record.submission.replace(f"{Path.cwd()}/", "")
    text = literal(f"judged {whose}, in {record.duration_s:.1f} s; replay it with --seed {record.seed}", "dim")
    errors = record.count(Outcome.GRADER_ERROR)
    if errors:
        checks = "1 check" if errors == 1 else f"{errors} checks"
        text.append(f"\n{checks} could not be judged: the grader's fault, not yours. Run it again.", "magenta")
    return text
