"""One check while it runs: its places and what they held before, what was done, what is left behind, and wiping it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from orchestrator.agent.client import Agent
from orchestrator.agent.facts import Fact, Snapshot
from orchestrator.checks.diagnosis import diagnose
from orchestrator.checks.modules import Surroundings
from orchestrator.checks.parameters import Params, Value
from orchestrator.errors import IntegrityError
from orchestrator.session import Session


@dataclass(slots=True)
class CheckContext:
    """What a check's fixtures share. A place is `HOST/CONTAINER`."""

    session: Session
    params: Params
    steps: list[str] = field(default_factory=list)
    """What was done, one sentence each, for the report."""
    pids: dict[str, dict[int, str]] = field(default_factory=dict)
    """For each place, or host that shares its processes, the programs that were started: process id to name."""
    _before: dict[str, Snapshot] = field(default_factory=dict)
    _began: float = 0.0

    def agent(self, place: str) -> Agent:
        """The agent of a place; what the place holds is noted the first time, before anything is started there."""
        agent = self.session.agent(place)
        if place not in self._before:
            self._before[place] = agent.snapshot()
        return agent

    def values(self, overrides: Mapping[str, Value]) -> dict[str, Value]:
        """What argument templates may name: parameters, then `overrides`, and the hosts' addresses.

        Raises:
            TypeError: An override is no parameter of this exercise: a mistake in the test.
        """
        unknown = sorted(set(overrides) - set(self.params))
        if unknown:
            raise TypeError(f"no parameter named {', '.join(unknown)}; there are {', '.join(self.params)}")
        return {**self.session.addresses, **self.params, **overrides}

    def say(self, step: str) -> None:
        """Note what was done."""
        self.steps.append(step)

    def snapshots(self) -> dict[str, Snapshot]:
        """What there is now, by place, for the places that the check touched."""
        return {place: self.session.agent(place).snapshot() for place in self._before}

    @property
    def surroundings(self) -> Surroundings:
        """What the modules of this check's hosts know of it."""
        return Surroundings(self.diagnosis, self.session.scale)

    def started(self, place: str, pid: int, title: str) -> None:
        """Remember a program by its process id, and when the first one was started."""
        self.pids.setdefault(self._processes_of(place), {})[pid] = title
        self._began = self._began or time.monotonic()

    def diagnosis(self) -> tuple[str, ...]:
        """Where each program that was started is now, and what they have run into together, one sentence each."""
        # Containers that share their processes see the same ones: each is looked at once.
        scenes = {self._processes_of(place): snapshot for place, snapshot in self.snapshots().items()}
        waited_s = time.monotonic() - self._began if self._began else None
        said: dict[str, None] = {}
        for here, snapshot in scenes.items():
            elsewhere = [(other, self.pids.get(there, {})) for there, other in scenes.items() if there != here]
            names = self.pids.get(here, {})
            said.update(dict.fromkeys(diagnose(snapshot, names, waited_s=waited_s, elsewhere=elsewhere)))
        return tuple(said)

    def _processes_of(self, place: str) -> str:
        return self.session.scope_of(place, "process")

    def leftovers(self) -> tuple[Fact, ...]:
        """Objects and files that were not there when the check began, and processes that outlived their program."""
        return tuple(fact for _, fact in self._new())

    def clean(self) -> None:
        """Kill what the check started, remove what it left, and prove that nothing is left.

        Raises:
            IntegrityError: Something can't be removed: the host must not be used for another check.
        """
        for place in self._before:
            self.session.agent(place).kill_all()
        for place, fact in list(self._new()):
            removal = fact.removal()
            if removal is not None:
                self.session.agent(place).remove(**removal)
        stuck = [fact.describe() for _, fact in self._new()]
        if stuck:
            raise IntegrityError(
                f"a check left what can't be removed: {'; '.join(stuck)}", fix="bring the lab down and up again"
            )

    def _new(self) -> Iterator[tuple[str, Fact]]:
        seen: set[tuple[str, object]] = set()
        for place, snapshot in self.snapshots().items():
            for fact in snapshot.new_since(self._before[place]):
                # Containers of one host see the same objects: each counts once.
                key = (self.session.scope_of(place, fact.kind), fact.identity)
                if key not in seen:
                    seen.add(key)
                    yield place, fact
