"""Tables of what there is: labs with their exercises, containers with their state."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from orchestrator.labels import CONTAINER, HOST, LAB, ROLE, instance_of
from orchestrator.spec.load import LabDefinition
from orchestrator.world import Observed, ObservedContainer

STATE_STYLES = {"running": "green", "created": "yellow", "paused": "yellow"}


def table(*headings: str) -> Table:
    """An empty table without lines."""
    made = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 2, 0, 0))
    for heading in headings:
        made.add_column(heading, overflow="fold")
    return made


def listing(labs: Sequence[LabDefinition]) -> RenderableType:
    """Labs and exercises."""
    drawn = table("lab", "exercise", "topic", "title")
    for lab in labs:
        drawn.add_row(Text(lab.name, "bold"), "", "", Text(lab.lab.title, "bold"))
        for name, found in lab.exercises.items():
            drawn.add_row("", name, found.exercise.topic, found.exercise.title)
    return drawn


def containers(observed: Observed, lab: str | None = None) -> RenderableType:
    """Sandboxes and containers of ours, of one lab or of all, with what to type to get into each."""
    shown = [one for one in observed.containers if lab is None or one.labels.get(LAB) == lab]
    if not shown:
        return Text(f"nothing of {lab or 'ours'} is there", "dim")
    drawn = table("instance", "host", "container", "state", "shell")
    for one in sorted(shown, key=lambda one: one.name):
        drawn.add_row(str(instance_of(one.labels)), *_cells(one))
    return drawn


def _cells(one: ObservedContainer) -> tuple[str, str, Text, str]:
    host, container = one.labels.get(HOST, "?"), one.labels.get(CONTAINER, "")
    name = instance_of(one.labels)
    shell = "" if one.labels.get(ROLE) == "sandbox" else f"ipclab shell {name.lab} {host}/{container}{name.option}"
    return host, container or "(sandbox)", Text(one.state, STATE_STYLES.get(one.state, "red")), shell
