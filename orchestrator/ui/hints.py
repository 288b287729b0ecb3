"""`ipclab hint`: an exercise's hints, one more each time; how many a student has seen is kept beside the labs."""

from __future__ import annotations

import json
from pathlib import Path

from rich.console import Group, RenderableType
from rich.constrain import Constrain
from rich.padding import Padding

from orchestrator.errors import UsageError
from orchestrator.spec.load import ExerciseDefinition
from orchestrator.ui.table import WIDTH, literal


def next_hint(exercise: ExerciseDefinition, *, again: bool = False) -> RenderableType:
    """One hint more than the last time; with `again` those that were shown already.

    Raises:
        UsageError: The exercise has none, or none was shown yet.
    """
    hints = exercise.exercise.hints
    lab = exercise.folder.parent
    command = f"ipclab hint {lab.name} {exercise.name}"
    if not hints:
        raise UsageError(f"{exercise.name} has no hints", fix="read its brief, and what a failing check says")
    path = lab.parent.parent / ".ipclab" / f"{lab.name}.hints.json"
    seen = _read(path)
    shown = min(seen.get(exercise.name, 0), len(hints))
    if again:
        if not shown:
            raise UsageError(f"no hint of {exercise.name} was shown yet", fix=command)
        return Group(*(_drawn(number, hints) for number in range(shown)))
    if shown == len(hints):
        return literal(f"these were all {len(hints)} hints of {exercise.name}; `{command} --again` shows them", "dim")
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps({**seen, exercise.name: shown + 1}, indent=1) + "\n")
    return _drawn(shown, hints)


def _drawn(number: int, hints: tuple[str, ...]) -> RenderableType:
    head = literal(f"hint {number + 1} of {len(hints)}", "dim")
    return Group(head, Constrain(Padding(literal(hints[number], "cyan"), (0, 0, 0, 2)), WIDTH))


def _read(path: Path) -> dict[str, int]:
    """How many were shown, by exercise; none when the file is not there or is not ours."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return {}
    return {name: count for name, count in found.items() if isinstance(count, int)} if isinstance(found, dict) else {}
