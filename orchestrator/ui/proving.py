"""`ipclab prove`: each solution of which it is known what must become of it, and what became of it instead."""

from __future__ import annotations

import fnmatch
import json
import secrets
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.text import Text

from orchestrator import lifecycle
from orchestrator.connection import connected
from orchestrator.errors import UsageError
from orchestrator.grade.proof import Finding, cases, unfailed
from orchestrator.grade.provers import Turn, prove_all
from orchestrator.labels import InstanceName
from orchestrator.spec.load import LabDefinition
from orchestrator.ui.progress import Progress
from orchestrator.ui.table import console, literal

NOT_PROVED = 2
"""The exit code: it is the author's to mend."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What was asked for on the command line."""

    name: InstanceName
    only: str = "*"
    """Which cases: a pattern of titles, as in a shell, `*/reference`."""
    also: Path | None = None
    """LAB/EXERCISE/: further solutions, which must pass."""
    runs: int = 1
    """How often each is judged, every time with other values."""
    seed: str = ""
    jobs: int | None = None
    """How many are judged at the same time; None: what the machine and their number make worth it."""
    base_image: str | None = None
    file: Path | None = None
    """Gets each finding as it comes; those that it has already are not made again."""

    def turns(self, definition: LabDefinition) -> list[Turn]:
        """What to judge, in the lab's order.

        Raises:
            UsageError: No case is called so.
        """
        wanted = [case for case in cases(definition, self.also) if fnmatch.fnmatchcase(case.title, self.only)]
        if not wanted:
            raise UsageError(f"no case is called {self.only!r}", fix="Cases are fifo/reference, fifo/wrong/NAME, ….")
        seed = self.seed or secrets.token_hex(4)
        return [Turn(case, run, f"{seed}.{run}" if run else seed) for run in range(self.runs) for case in wanted]


def prove_and_show(definition: LabDefinition, wanted: Wanted) -> int:
    """Judge the cases of the exercises in `definition`, show each as it ends; 0 when all is as declared, else 2.

    Raises:
        UsageError: No case is called so, or the file holds something else.
        IpclabError: What stopped it.
    """
    screen = console()
    turns = wanted.turns(definition)
    ledger = _Ledger(definition.name, wanted.file)
    left = [turn for turn in turns if turn not in ledger]
    if left:
        _bring_up(definition, wanted)

    def show(turn: Turn, found: Finding) -> None:
        line = ledger.add(turn, found)
        count = len(turns) - len(left) + len(ledger.added)
        for row in _drawn(line, f"{count:{len(str(len(turns)))}}/{len(turns)}"):
            screen.print(row, soft_wrap=True)

    prove_all(definition, wanted.name, left, show, wanted.jobs)
    lines = [ledger.of(turn) for turn in turns]
    wrong = [line for line in lines if line["complaints"]]
    useless = list(_useless(definition, lines))
    for text in useless:
        screen.print(literal(f"✗ {text}", "red"))
    screen.print(f"{len(lines) - len(wrong)} of {len(lines)} as declared")
    if len(lines) > len(wrong) > 0:
        for line in wrong:
            screen.print(literal(f"✗ {line['case']}  {_seed(line)}", "red"), soft_wrap=True)
    return NOT_PROVED if useless or wrong else 0


class _Ledger:
    """Findings of this proof, and of one before it that was stopped: lines of JSON, in a file if one is named."""

    def __init__(self, lab: str, path: Path | None) -> None:
        self.lab = lab
        self.path = path
        self.added: list[dict[str, Any]] = []
        self._lines: dict[tuple[str, str, int], dict[str, Any]] = {}
        for number, text in enumerate(path.read_text().splitlines() if path and path.exists() else (), 1):
            try:
                line = json.loads(text)
                self._lines[line["lab"], line["case"], line["run"]] = line
            except (ValueError, KeyError, TypeError):
                raise UsageError(f"{path}:{number}: no finding of a proof", fix="Name another file.") from None

    def __contains__(self, turn: Turn) -> bool:
        return self._key(turn) in self._lines

    def of(self, turn: Turn) -> dict[str, Any]:
        """What was found."""
        return self._lines[self._key(turn)]

    def add(self, turn: Turn, found: Finding) -> dict[str, Any]:
        """Keep a finding: its line."""
        lab, case, run = self._key(turn)
        line = {
            "lab": lab,
            "case": case,
            "run": run,
            "seed": found.seed,
            "duration_s": found.duration_s,
            "failed": found.failed,
            "graded": found.graded,
            "complaints": list(found.complaints()),
        }
        self._lines[lab, case, run] = line
        self.added.append(line)
        if self.path is not None:
            with self.path.open("a") as file:
                file.write(json.dumps(line) + "\n")
        return line

    def _key(self, turn: Turn) -> tuple[str, str, int]:
        return self.lab, turn.case.title, turn.run


def _bring_up(definition: LabDefinition, wanted: Wanted) -> None:
    with Progress(f"{wanted.name} up") as progress, connected(progress.say) as engine:
        lifecycle.up(
            engine,
            definition.root,
            wanted.name,
            base_image=wanted.base_image,
            exercises=tuple(definition.exercises),
            watch=progress,
        )


def _drawn(line: dict[str, Any], count: str) -> Iterator[Text]:
    """A case's row; below it what is not as declared, and why."""
    sign = Text("✗ ", "bold red") if line["complaints"] else Text("✓ ", "green")
    replay = f"  {_seed(line)}" if line["complaints"] else ""
    yield Text.assemble(
        sign, literal(f"{count} {line['case']}"), literal(f"  {line['duration_s']:.1f} s{replay}", "dim")
    )
    for complaint in line["complaints"]:
        what, *why = complaint.splitlines()
        yield literal(f"     {what}", "red")
        yield from (literal(f"       {text}", "dim") for text in why)
    if line["complaints"] and line["failed"]:
        yield literal(f"     fails: [{', '.join(line['failed'])}]", "dim")


def _seed(line: dict[str, Any]) -> str:
    """The option that gives `ipclab check` the same values."""
    return f"--seed {shlex.quote(line['seed'])}"


def _useless(definition: LabDefinition, lines: Sequence[dict[str, Any]]) -> Iterator[str]:
    graded = {line["case"]: line["graded"] for line in lines}
    for name, exercise in definition.exercises.items():
        for check in unfailed(exercise, graded.get(f"{name}/reference", ())):
            yield f"{name}: no known-wrong solution fails {check}"
