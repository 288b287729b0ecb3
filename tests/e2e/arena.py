"""The arena: the lab of hostile programs, live, on a copy of its files; what judges attacks and runs probes in it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from orchestrator.agent.client import Agent
from orchestrator.agent.facts import Snapshot
from orchestrator.checks.build import Build
from orchestrator.checks.context import CheckContext
from orchestrator.checks.fixtures import Bench
from orchestrator.checks.parameters import Params
from orchestrator.checks.stage import Live
from orchestrator.checks.submission import Submission
from orchestrator.grade.record import Record
from orchestrator.grade.run import Request, run
from orchestrator.labels import InstanceName
from orchestrator.session import JUDGED, PEER, Session, User
from orchestrator.spec.load import LabDefinition, load_lab

LAB = Path(__file__).parent / "labs/hostile"
INSTANCE = f"t-hostile-{os.getpid()}"
"""Of this process: its test files may be run by several workers."""
PLACES = ("alpha/left", "alpha/right", "beta/main")
ALL_PASSED = {
    "compiles": "passed",
    "test_program_says_that_it_is_done": "passed",
    "test_next_check_finds_the_hosts_as_they_were": "passed",
    "test_what_is_skipped_earns_nothing": "blocked",
}


@dataclass
class Arena:
    """A copy of the lab in `root`, brought up when it is needed."""

    definition: LabDefinition
    live: Live = field(default_factory=Live)

    def judge(self, **chosen: Any) -> Record:
        """The record of a run over the exercise `attack`, of whose work `chosen` says: `wrong="attack/NAME"`."""
        request = Request(self.definition, ("attack",), INSTANCE, **chosen)
        return run(request, live=self.live)

    @property
    def session(self) -> Session:
        """The live lab."""
        sessions, root = self.live.sessions, self.definition.root
        if root not in sessions:
            sessions[root] = Session.open(self.definition, InstanceName("hostile", INSTANCE))
        return sessions[root]

    def agent(self, place: str = "alpha/left") -> Agent:
        """The agent of a place."""
        return self.session.agent(place)

    @contextmanager
    def check(self) -> Iterator[Bench]:
        """What a check of the exercise `probe` works with, its hosts wiped afterwards."""
        context = CheckContext(self.session, Params({}))
        own, peers = self.build("probe", "solution", JUDGED), self.build("probe", "solution", PEER)
        yield Bench(context, self.definition.exercises["probe"].exercise, own, peers, own)
        context.clean()

    def build(self, exercise: str, folder: str | Path, user: User, deadline_s: float = 30.0) -> Build:
        """The programs of an exercise from a folder of it, or from any folder."""
        found = self.definition.exercises[exercise]
        sources = Submission("probes", (found.folder / folder,))
        return Build(self.session, exercise, found.exercise, sources, user, found.folder, deadline_s)

    def left(self) -> dict[str, Snapshot]:
        """What there is on the hosts that does not belong there, by place."""
        found = {place: self.agent(place).snapshot() for place in PLACES}
        return {place: now for place, now in found.items() if now.new_since(Snapshot()) or now.entry}


@contextmanager
def arena(folder: Path) -> Iterator[Arena]:
    """The arena, on a copy of the lab's files in `folder`; taken down in the end."""
    root = folder / "labs/hostile"
    shutil.copytree(LAB, root)
    made = Arena(load_lab(root))
    try:
        yield made
    finally:
        made.live.close(down=True)


def outcomes(record: Record) -> dict[str, str]:
    """Each check's outcome."""
    return {verdict.check: str(verdict.outcome) for verdict in record.verdicts}


def explained(record: Record, check: str = "test_program_says_that_it_is_done") -> str:
    """Everything that a check's verdict says."""
    return next(verdict.explain() for verdict in record.verdicts if verdict.check == check)
