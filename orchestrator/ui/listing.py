"""Tables of what there is: labs with their exercises, containers with their state, the doctor's report."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from orchestrator import lifecycle
from orchestrator.doctor import Level, examine
from orchestrator.errors import MachineError
from orchestrator.labels import CONTAINER, HOST, LAB, ROLE, instance_of
from orchestrator.spec.load import LabDefinition
from orchestrator.world import Observed, ObservedContainer

STATE_STYLES = {"running": "green", "created": "yellow", "paused": "yellow"}
LEVEL_SIGNS = {Level.OK: ("✓", "green"), Level.WARN: ("!", "yellow"), Level.MISSING: ("✗", "bold red")}


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in headings:
        table.add_column(heading)
    return table


def listing(labs: Sequence[LabDefinition]) -> RenderableType:
    """Labs and exercises."""
    table = _table("lab", "exercise", "topic", "title")
    for lab in labs:
        table.add_row(Text(lab.name, "bold"), "", "", Text(lab.lab.title, "bold"))
        for name, found in lab.exercises.items():
            table.add_row("", name, found.exercise.topic, found.exercise.title)
    return table


def containers(observed: Observed, lab: str | None = None) -> RenderableType:
    """Sandboxes and containers of ours, with what to type to get into each."""
    shown = [one for one in observed.containers if lab is None or one.labels.get(LAB) in (lab, f"lab-{lab}")]
    if not shown:
        return Text("nothing of ours is there", "dim")
    table = _table("instance", "host", "container", "state", "shell")
    for one in sorted(shown, key=lambda one: one.name):
        table.add_row(str(instance_of(one.labels)), *_cells(one))
    return table


def _cells(one: ObservedContainer) -> tuple[str, str, Text, str]:
    host, container = one.labels.get(HOST, "?"), one.labels.get(CONTAINER, "")
    name = instance_of(one.labels)
    option = "" if name.instance == "main" else f" --instance {name.instance}"
    shell = "" if one.labels.get(ROLE) == "sandbox" else f"ipclab shell {name.lab} {host}/{container}{option}"
    return host, container or "(sandbox)", Text(one.state, STATE_STYLES.get(one.state, "red")), shell


def health() -> tuple[RenderableType, int]:
    """The doctor's report, and the exit code: 3 when something is missing."""
    try:
        with lifecycle.connected(lambda line: None, install=False) as engine:
            report = examine(engine)
    except MachineError as error:
        report = examine(error)
    table = _table("", "what", "found", "what to do")
    for row in report.rows:
        sign, style = LEVEL_SIGNS[row.level]
        table.add_row(Text(sign, style), row.what, row.found, row.fix)
    return table, 3 if any(row.level is Level.MISSING for row in report.rows) else 0
