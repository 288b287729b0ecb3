"""`ipclab check`: bring the lab up, run its checks, show each as it ends, then the table and what to do next."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console, RenderableType
from rich.text import Text

from orchestrator import lifecycle
from orchestrator.checks.evidence import Verdict
from orchestrator.checks.outcome import Outcome
from orchestrator.display import printable
from orchestrator.errors import UsageError
from orchestrator.grade.record import Record
from orchestrator.grade.run import Request, run
from orchestrator.labels import InstanceName
from orchestrator.spec.load import LabDefinition, load_lab
from orchestrator.ui.progress import Progress
from orchestrator.ui.table import check_line, closing, console, explanation, summary
from orchestrator.workspace import workspace_of

WATCH_S = 0.3


def check_once(
    definition: LabDefinition,
    name: InstanceName,
    *,
    base_image: str | None,
    json_file: Path | None = None,
    junitxml: Path | None = None,
    exercises: tuple[str, ...] = (),
    **options: Any,
) -> int:
    """One run; the exit code says whose problem there is, if any."""
    with lifecycle.connected(console(stderr=True).print) as engine, Progress(f"{name} up") as progress:
        lifecycle.up(engine, definition, name, base_image=base_image, watch=progress)
    request = Request(
        definition,
        exercises or tuple(definition.exercises),
        name.instance,
        junit=junitxml.resolve() if junitxml else None,
        **options,
    )
    screen = console()
    record = run(request, _Live(definition, screen).verdict)
    _show(record, name, definition, screen)
    _keep(record, definition.root, name)
    if json_file is not None:
        record.write(json_file)
    return record.exit_code


class _Live:
    """Prints verdicts as they come, a heading when the exercise changes."""

    def __init__(self, definition: LabDefinition, screen: Console) -> None:
        self.definition = definition
        self.screen = screen
        self.exercise = ""

    def verdict(self, verdict: Verdict) -> None:
        if verdict.exercise != self.exercise:
            self.exercise = verdict.exercise
            title = self.definition.exercises[verdict.exercise].exercise.title
            self.screen.print(Text.assemble("\n", (title, "bold"), (f"  {verdict.exercise}", "dim")))
        self.screen.print(check_line(verdict))
        if verdict.outcome is not Outcome.PASSED:
            self.screen.print(explanation(verdict))


def _show(record: Record, name: InstanceName, definition: LabDefinition, screen: Console) -> None:
    screen.print()
    screen.print(summary(record))
    screen.print(closing(record))
    host, model = next(iter(definition.lab.hosts.items()))
    lab = definition.name.removeprefix("lab-")
    instance = "" if name.instance == "main" else f" --instance {name.instance}"
    screen.print(Text(f"\n{name} stays up. A shell in its containers, and the end of it:", "dim"))
    for container in model.containers:
        line = f"ipclab shell {definition.name} {host}/{container}{instance}" if instance else ""
        screen.print(f"  {line or f'make shell-{lab} IN={host}/{container}'}")
    screen.print(f"  ipclab down {definition.name}{instance}" if instance else f"  make down-{lab}")


def watch_and_check(definition: LabDefinition, name: InstanceName, **options: Any) -> int:
    """Run, and again whenever a source, a brief or a check is saved; ends with an interrupt."""
    exercises = options.get("exercises") or tuple(definition.exercises)
    given = options.get("submission")
    sources = [Path(given) if given else workspace_of(definition.root), definition.root]
    folders = [source / exercise for source in sources for exercise in exercises]
    while True:
        seen = _saved(folders)
        code = check_once(load_lab(definition.root), name, **options)
        console().print(Text("\nwatching for saved files; Ctrl-C ends", "dim"))
        try:
            while _saved(folders) == seen:
                time.sleep(WATCH_S)
        except KeyboardInterrupt:
            return code


def _saved(folders: list[Path]) -> dict[Path, int]:
    # A file may vanish between the listing and the look at it: editors save by renaming.
    found = {}
    for folder in folders:
        for path in folder.rglob("*.*"):
            try:
                found[path] = path.stat().st_mtime_ns
            except FileNotFoundError:
                continue
    return {path: when for path, when in found.items() if path.suffix in (".c", ".h", ".py", ".yaml")}


def _kept(lab: Path, name: InstanceName) -> Path:
    return lab.parent.parent / ".ipclab" / f"{name.lab}.{name.instance}.json"


def _keep(record: Record, lab: Path, name: InstanceName) -> None:
    path = _kept(lab, name)
    path.parent.mkdir(exist_ok=True)
    record.write(path)


def last_run(definition: LabDefinition, name: InstanceName, exercise: str | None) -> RenderableType:
    """What the last run's checks did, step by step.

    Raises:
        UsageError: There was no run yet, or none of that exercise.
    """
    path = _kept(definition.root, InstanceName(definition.name, name.instance))
    try:
        record = json.loads(path.read_text())
    except FileNotFoundError:
        raise UsageError(f"{name} has not been checked yet", fix=f"ipclab check {name.lab}") from None
    lines = [line for found in record["exercises"] if exercise in (None, found["name"]) for line in _log(found)]
    if not lines:
        raise UsageError(f"the last run had no exercise {exercise!r}", fix=f"ipclab check {name.lab} {exercise}")
    return Text("\n".join(lines))


def _log(exercise: dict[str, Any]) -> Iterator[str]:
    for check in exercise["checks"]:
        yield f"{exercise['name']}: {check['title']} ({check['outcome']})"
        yield from (f"    {printable(step, limit=1000)}" for step in check["done"])
