"""`ipclab check`: bring the lab up, run its checks, show each as it ends, then the points and what to type next."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.text import Text

from orchestrator import lifecycle
from orchestrator.checks.stage import Live
from orchestrator.connection import connected
from orchestrator.grade.record import Record
from orchestrator.grade.run import Request, clearing_away, run
from orchestrator.labels import InstanceName
from orchestrator.spec.load import LabDefinition
from orchestrator.ui.latest import keep
from orchestrator.ui.progress import Progress
from orchestrator.ui.table import closing, console, literal, summary
from orchestrator.ui.verdicts import Verdicts

EXERCISES_A_WORKER = 8
"""What makes a worker worth the 5 s of its instance's way up and down: an exercise takes 3 s."""
REFERENCE = "the reference solution"
"""How a record calls it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for on the command line."""

    name: InstanceName
    exercises: tuple[str, ...] = ()
    """All when there are none."""
    base_image: str | None = None
    record_file: Path | None = None
    junit_file: Path | None = None
    everything: bool = False
    """Whether each check that passed is shown, also when there are several exercises."""
    jobs: int | None = None
    """How many exercises are judged at the same time; None: what the machine and their number make worth it."""
    options: dict[str, Any] = field(default_factory=dict)
    """Whose work to judge, and the like: passed on to the run."""

    @property
    def chose_whose(self) -> bool:
        """Whether it says whose work to judge, instead of leaving that to what there is."""
        return any(self.options.get(name) for name in ("submission", "reference", "starter", "wrong"))

    def request(self, definition: LabDefinition, *, keeps_sessions: bool = False) -> Request:
        """The run to make. A process that keeps its sessions for the next run judges in them, one after another."""
        exercises = self.exercises or tuple(definition.exercises)
        junit = self.junit_file.resolve() if self.junit_file else None
        few = keeps_sessions or self.options.get("select")
        worth = 1 if few else min(len(os.sched_getaffinity(0)), len(exercises) // EXERCISES_A_WORKER)
        return Request(
            definition,
            exercises,
            self.name.instance,
            base_image=self.base_image,
            junit=junit,
            jobs=max(1, min(worth if self.jobs is None else self.jobs, len(exercises))),
            **self.options,
        )


def check_once(definition: LabDefinition, wanted: Wanted, live: Live | None = None) -> Record:
    """One run, shown and written down. With `live` its sessions are left open for the next one.

    Raises:
        IpclabError: Whatever stopped it before its first check.
    """
    request = wanted.request(definition, keeps_sessions=live is not None)
    done = _bring_up(definition, wanted, request)
    if live is not None and done.plan:
        # What the agents of the last run spoke to is not there any more.
        live.close()
    screen = console()
    judging = Progress(f"{wanted.name} judged")
    shown = Verdicts(definition, screen, judging, collapse=len(request.exercises) > 1 and not wanted.everything)
    with clearing_away(wanted.name, request.jobs):
        try:
            record = run(request, shown, live)
        finally:
            shown.finish()
        _conclude(record, wanted, definition, screen)
        keep(record, definition.root)
        if wanted.record_file is not None:
            record.write(wanted.record_file)
    return record


def _bring_up(definition: LabDefinition, wanted: Wanted, request: Request) -> lifecycle.Up:
    """Bring the lab up. Of several workers the first makes the hosts that few exercises need, while others judge."""
    side_by_side = request.jobs > 1
    with Progress(f"{wanted.name} up") as progress, connected(progress.say) as engine:
        done = lifecycle.up(
            engine,
            definition.root,
            wanted.name,
            base_image=wanted.base_image,
            exercises=() if side_by_side else wanted.exercises or None,
            watch=progress,
        )
        images = {spec.image for host in definition.lab.hosts.values() for spec in host.containers.values()}
        absent = sorted(images - lifecycle.built(engine, wanted.base_image)) if side_by_side else []
        if absent:
            progress.say(f"{wanted.name} up: {', '.join(absent)}: built while the first exercises are judged")
    return done


def _conclude(record: Record, wanted: Wanted, definition: LabDefinition, screen: Console) -> None:
    screen.print()
    screen.print(summary(record))
    screen.print(closing(record))
    if REFERENCE in record.submission and not wanted.chose_whose:
        lay_out = f"ipclab workspace {definition.name}"
        screen.print(Text(f"Where you have no sources yet, the reference was judged; `{lay_out}` gives you starters."))
    screen.print(Text(f"\n{wanted.name} stays up. A shell in a container of it, and its end:", "dim"))
    for line in next_commands(wanted.name, definition):
        screen.print(literal(f"  {line}"))


def next_commands(name: InstanceName, definition: LabDefinition) -> list[str]:
    """What to type now: shells in the containers of the first host, so that one sees what another does; and the end."""
    host, model = next(iter(definition.lab.hosts.items()))
    places = [f"{host}/{container}" for container in model.containers]
    number = name.lab.removeprefix("lab-")
    # The Makefile knows the labs of its own folder, and the default instance only.
    has_targets = Path.cwd() == definition.root.parent.parent and Path("Makefile").is_file()
    if name.option or number == name.lab or not has_targets:
        shells = [f"ipclab shell {name.lab} {place}{name.option}" for place in places]
        return [*shells, f"ipclab down {name.lab}{name.option}"]
    return [*(f"make shell-{number} IN={place}" for place in places), f"make down-{number}"]
