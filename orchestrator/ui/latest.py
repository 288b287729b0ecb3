"""The last run of each instance, kept beside the labs: what `ipclab logs` shows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from rich.console import Group, RenderableType

from orchestrator.checks.evidence import Verdict
from orchestrator.errors import UsageError
from orchestrator.grade.record import VERSION, Record
from orchestrator.labels import InstanceName
from orchestrator.ui.table import check_line, explanation, heading, literal


def keep(record: Record, lab: Path) -> None:
    """Put the record where `last_run` finds it; `lab` is the lab's folder."""
    path = _place(lab, InstanceName(record.lab, record.instance))
    path.parent.mkdir(exist_ok=True)
    record.write(path)


def last_run(lab: Path, name: InstanceName, exercise: str | None = None) -> RenderableType:
    """What the last run's checks did, step by step, those that passed too.

    Raises:
        UsageError: There was no run yet, or none of that exercise.
    """
    record = _read(_place(lab, name), name)
    blocks = [block for found in record["exercises"] if exercise in (None, found["name"]) for block in _exercise(found)]
    if not blocks:
        raise UsageError(f"the last run had no exercise {exercise!r}", fix=f"ipclab check {name.lab} {exercise}")
    whose = ", ".join(dict.fromkeys(found["submission"] for found in record["exercises"]))
    when = literal(f"{name}, {record['started']}: {whose}", "dim")
    return Group(when, *blocks)


def _place(lab: Path, name: InstanceName) -> Path:
    return lab.parent.parent / ".ipclab" / f"{name.lab}.{name.instance}.json"


def _read(path: Path, name: InstanceName) -> dict[str, Any]:
    again = f"ipclab check {name.lab}{name.option}"
    try:
        record = json.loads(path.read_text())
    except FileNotFoundError:
        raise UsageError(f"{name} has not been checked yet", fix=again) from None
    except ValueError as error:
        raise UsageError(f"{path} is no record: {error}", fix=again) from error
    if not isinstance(record, dict) or record.get("version") != VERSION:
        raise UsageError(f"{path} is of another version", fix=again)
    return record


def _exercise(found: dict[str, Any]) -> list[RenderableType]:
    verdicts = [Verdict.from_plain(one) for one in found["checks"]]
    shown = [block for one in verdicts for block in (check_line(one), *([explanation(one)] if one.rows() else []))]
    return [heading(found["title"], found["name"]), *shown]
