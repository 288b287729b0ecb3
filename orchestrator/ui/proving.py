"""`ipclab prove`: each solution of which it is known what must become of it, and what became of it instead."""

from __future__ import annotations

import fnmatch
import secrets
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.text import Text

from orchestrator import lifecycle
from orchestrator.connection import connected
from orchestrator.errors import UsageError
from orchestrator.grade.ledger import Ledger, Line
from orchestrator.grade.proof import Case, Finding, cases, unfailed
from orchestrator.grade.provers import Turn, prove_all
from orchestrator.labels import InstanceName
from orchestrator.spec.load import LabDefinition
from orchestrator.spec.suggest import closest
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

    def cases(self, definition: LabDefinition) -> list[Case]:
        """Which cases to judge, in the lab's order.

        Raises:
            UsageError: No case is called so, or there are no further solutions.
        """
        if self.also is not None and not (self.also / definition.name).is_dir():
            raise UsageError(
                f"there is no {self.also / definition.name}", fix="--also names the folder of LAB/EXERCISE/."
            )
        every = list(cases(definition, self.also))
        wanted = [case for case in every if fnmatch.fnmatchcase(case.title, self.only)]
        if not wanted:
            raise UsageError(f"no case is called {self.only!r}", fix=_meant(self.only, every))
        return wanted


def _meant(only: str, every: Sequence[Case]) -> str:
    """What to do about a pattern that fits no case: the nearest title, of its exercise if that is one."""
    titles = [case.title for case in every]
    siblings = [title for title in titles if title.startswith(f"{only.partition('/')[0]}/")]
    references = [title for title in titles if title.endswith("/reference")]
    if near := closest(only, siblings or references):
        return f"Did you mean `{near}`?"
    some = next(iter(siblings or titles), "EXERCISE/reference")
    return f"Cases are called as {some} is."


def prove_and_show(definition: LabDefinition, wanted: Wanted) -> int:
    """Judge the cases of the exercises in `definition`, show each as it ends; 0 when all is as declared, else 2.

    Raises:
        UsageError: No case is called so, or the file holds something else.
        IpclabError: What stopped it.
    """
    screen = console()
    seed = wanted.seed or secrets.token_hex(4)
    by_title = {case.title: case for case in wanted.cases(definition)}
    turns = [
        Turn(case, run, f"{seed}.{run}" if run else seed) for run in range(wanted.runs) for case in by_title.values()
    ]
    ledger = Ledger(definition.name, wanted.file)
    kept, left = list[Turn](), list[Turn]()
    for turn in turns:
        (kept if ledger.has(turn, seed=bool(wanted.seed)) else left).append(turn)
    there = len(kept)

    def draw(rows: Iterable[Text]) -> None:
        for row in rows:
            screen.print(row, soft_wrap=True)

    def show(turn: Turn, found: Finding) -> None:
        nonlocal there
        there += 1
        draw(_drawn(ledger.add(turn, found), f"{there:{len(str(len(turns)))}}/{len(turns)} "))

    if there:
        draw([literal(f"{there} of {len(turns)} are in {wanted.file}")])
        for line in ledger.of(kept):
            draw(_drawn(line) if line.complaints else ())
    if left:
        _bring_up(definition, wanted)
        prove_all(definition, wanted.name, left, show, jobs=wanted.jobs, base_image=wanted.base_image)
    lines = list(ledger.of(turns))
    wrong = [line for line in lines if line.complaints]
    useless = list(_useless(definition, lines))
    draw([literal(f"{len(lines) - len(wrong)} of {len(lines)} as declared; random values from seed {seed}")])
    draw(literal(f"✗ {line.case}: {_replay(definition, by_title, line)}", "red") for line in wrong)
    draw(literal(f"✗ {text}", "red") for text in useless)
    return NOT_PROVED if useless or wrong else 0


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


def _drawn(line: Line, count: str = "") -> Iterator[Text]:
    """A case's row; below it what is not as declared, and why."""
    sign = Text("✗ ", "bold red") if line.complaints else Text("✓ ", "green")
    yield Text.assemble(sign, literal(f"{count}{line.case}"), literal(f"  {line.duration_s:.1f} s", "dim"))
    for complaint in line.complaints:
        what, *why = complaint.splitlines()
        yield literal(f"     {what}", "red")
        yield from (literal(f"       {text}", "dim") for text in why)
    if line.complaints and line.failed:
        yield literal(f"     fails: [{', '.join(line.failed)}]", "dim")


def _replay(definition: LabDefinition, by_title: Mapping[str, Case], line: Line) -> str:
    """The command that judges a case once more, with the same values."""
    case = by_title[line.case]
    words = ["ipclab", "check", definition.name, case.exercise]
    for option, value in case.chosen:
        words += [f"--{option}"] if value is True else [f"--{option}", str(value)]
    return shlex.join([*words, "--seed", line.seed])


def _useless(definition: LabDefinition, lines: Sequence[Line]) -> Iterator[str]:
    graded = {line.case: line.graded for line in lines}
    for name, exercise in definition.exercises.items():
        for check in unfailed(exercise, graded.get(f"{name}/reference", ())):
            yield f"{name}: no known-wrong solution fails {check}"
