"""The doctor's report as a table. What is looked at, and what it means, is `doctor`'s."""

from __future__ import annotations

from rich.console import RenderableType
from rich.text import Text

from orchestrator.connection import connected
from orchestrator.doctor import Level, Report, examine
from orchestrator.errors import MachineError
from orchestrator.ui.listing import table

LEVEL_SIGNS = {Level.OK: ("✓", "green"), Level.WARN: ("!", "yellow"), Level.MISSING: ("✗", "bold red")}


def health() -> tuple[RenderableType, int]:
    """The report, and the exit code: 3 when something is missing. Nothing is installed on the way."""
    try:
        with connected(install=False) as engine:
            report = examine(engine)
    except MachineError as error:
        report = examine(error)
    return draw(report), 0 if report.is_healthy else 3


def draw(report: Report) -> RenderableType:
    """A row for each thing that was looked at."""
    drawn = table("", "what", "found", "what to do")
    for row in report.rows:
        drawn.add_row(Text(*LEVEL_SIGNS[row.level]), row.what, row.found, row.fix)
    return drawn
