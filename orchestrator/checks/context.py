"""One check while it runs: its places and what they held before, what was done, what is left behind, and wiping it.

Wiping takes away more than `leftovers` tells of: what the check itself or a peer put there, too, so that no check
leaves a word to the next one.
"""

from __future__ import annotations

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from orchestrator.agent.client import Agent
from orchestrator.agent.facts import Entry, Fact, Fifo, Limits, PosixMq, PosixSem, PosixShm, Snapshot, SocketFile
from orchestrator.checks.diagnosis import diagnose
from orchestrator.checks.exhaustion import exhaustion, memory_ran_out
from orchestrator.checks.modules import Surroundings
from orchestrator.checks.parameters import Params, Value
from orchestrator.errors import AgentError, IntegrityError
from orchestrator.session import JUDGED, Session

ROOT = 0
"""Who the agent is, with all that a check has it do."""


class Stoppable(Protocol):
    """A program that was started, as far as its check must know of it."""

    @property
    def alive(self) -> bool:
        """Whether it has not ended."""

    def end(self) -> str:
        """How it ended, in words."""


@dataclass(slots=True)
class CheckContext:
    """What a check's fixtures share. A place is `HOST/CONTAINER`."""

    session: Session
    params: Params
    seed: str = ""
    """What all random choices of this check come from."""
    steps: list[str] = field(default_factory=list)
    """What was done, one sentence each, for the report."""
    exhibits: list[str] = field(default_factory=list)
    """Files that show what the check saw: a picture, a plot."""
    pids: dict[str, dict[int, str]] = field(default_factory=dict)
    """For each place, or host that shares its processes, the programs that were started: process id to name."""
    running: list[Stoppable] = field(default_factory=list)
    """Programs that were started and whose end was not told yet."""
    perturbed: int = 0
    """How many programs were started with a perturbed schedule."""
    _before: dict[str, Snapshot] = field(default_factory=dict)
    _began: float = 0.0
    _lost: dict[str, AgentError] = field(default_factory=dict)
    """Places where no agent could be started any more, and why not."""

    def agent(self, place: str) -> Agent:
        """The agent of a place; what the place holds is noted the first time, before anything is started there."""
        agent = self._ask(place)
        if place not in self._before:
            self._before[place] = agent.snapshot()
        return agent

    def _ask(self, place: str) -> Agent:
        if place in self._lost:
            # Where there is no room for an agent, each attempt may take as long as it is given.
            raise self._lost[place]
        try:
            return self.session.agent(place)
        except AgentError as error:
            self._lost[place] = error
            raise

    def values(self, overrides: Mapping[str, Value]) -> dict[str, Value]:
        """What argument templates may name: parameters, then `overrides`, and the hosts' addresses.

        Raises:
            TypeError: An override is no parameter of this exercise: a mistake in the test.
        """
        unknown = sorted(set(overrides) - set(self.params))
        if unknown:
            raise TypeError(f"no parameter named {', '.join(unknown)}; there are {', '.join(self.params)}")
        return {**self.session.addresses, **self.params, **overrides}

    def perturbation(self) -> int:
        """The seed of the next program whose schedule is perturbed: another one each time, the same in a replay."""
        self.perturbed += 1
        return random.Random(f"{self.seed} perturbed {self.perturbed}").getrandbits(32)

    def say(self, step: str) -> None:
        """Note what was done."""
        self.steps.append(step)

    def snapshots(self) -> dict[str, Snapshot]:
        """What there is now, by place, for the places that the check touched."""
        return {place: self._ask(place).snapshot() for place in self._before}

    @property
    def surroundings(self) -> Surroundings:
        """What the modules of this check's hosts know of it."""
        return Surroundings(self.diagnosis, self.session.scale, self.anything_runs)

    def anything_runs(self) -> bool:
        """Whether a program of this check may still do something; also when none was started through it."""
        return not self.running or any(program.alive for program in self.running)

    def tell_ends(self) -> tuple[str, ...]:
        """How those programs ended that nobody waited for, one sentence each."""
        ended = [program for program in self.running if not program.alive]
        self.running = [program for program in self.running if program not in ended]
        return tuple(program.end() for program in ended)

    def started(self, place: str, pid: int, title: str) -> None:
        """Remember a program by its process id, and when the first one was started."""
        self.pids.setdefault(self._processes_of(place), {})[pid] = title
        self._began = self._began or time.monotonic()

    def diagnosis(self) -> tuple[str, ...]:
        """Which limits were met, where each program that was started is now, and what they have run into together."""
        try:
            snapshots = self.snapshots()
        except AgentError:
            if found := self.exhausted():
                return found
            raise
        # Containers that share their processes see the same ones: each is looked at once.
        scenes = {self._processes_of(place): snapshot for place, snapshot in snapshots.items()}
        waited_s = time.monotonic() - self._began if self._began else None
        said = dict.fromkeys(one for place, now in snapshots.items() for one in self._met(place, now.limits))
        for here, snapshot in scenes.items():
            elsewhere = [(other, self.pids.get(there, {})) for there, other in scenes.items() if there != here]
            names = self.pids.get(here, {})
            said.update(dict.fromkeys(diagnose(snapshot, names, waited_s=waited_s, elsewhere=elsewhere)))
        return tuple(said)

    def _processes_of(self, place: str) -> str:
        return self.session.scope_of(place, "process")

    def leftovers(self) -> tuple[Fact, ...]:
        """What exists now and did not when the check began: objects, files, folders, and processes without a program.

        Not files that the check itself has put there, which are root's. Of ordinary files and folders, directly in
        /ipc, /tmp or /dev/shm, only those count that belong to the user who runs submissions: what a peer notes down
        there, or a student in a shell, is nobody's mistake.
        """
        return tuple(fact for _, fact in self._new())

    def exhausted(self) -> tuple[str, ...]:
        """Which limits of their containers the check's programs have met, a sentence each: that is their doing."""
        return tuple(said for place in self._before for said in self._met_in(place))

    def _met_in(self, place: str) -> tuple[str, ...]:
        try:
            return tuple(self._met(place, self._ask(place).facts(Limits)))
        except AgentError:
            # Where not even an agent finds room any more, the engine knows whether that is for want of memory.
            ran_out = self.session.ran_out_of_memory(place)
            return (memory_ran_out(place, self.session.limits(place)),) if ran_out else ()

    def _met(self, place: str, now: Sequence[Limits]) -> Iterator[str]:
        return exhaustion(place, self.session.limits(place), self._before[place].limits, now)

    def clean(self) -> None:
        """Kill what the check started, remove what it left, and prove that nothing is left.

        Raises:
            IntegrityError: Something can't be removed: the host must not be used for another check.
        """
        for place in self._before:
            self._ask(place).kill_all()
        left = self._remains()
        # An answer holds so many facts and no more: what was cut off comes with the next one.
        while left:
            for place, facts in left.items():
                self._ask(place).remove_all(facts)
            known = {fact.identity for facts in left.values() for fact in facts}
            left = self._remains()
            stuck = [fact.describe() for facts in left.values() for fact in facts if fact.identity in known]
            if stuck:
                raise IntegrityError(
                    f"a check left what can't be removed: {'; '.join(stuck)}", fix="bring the lab down and up again"
                )

    def _remains(self) -> dict[str, tuple[Fact, ...]]:
        """What there is now and was not when the check began, files included, for each place that has something."""
        found = {}
        for place, snapshot in self.snapshots().items():
            before = self._before[place]
            found[place] = (*snapshot.entries_since(before), *snapshot.new_since(before))
        return {place: facts for place, facts in found.items() if facts}

    def _new(self) -> Iterator[tuple[str, Fact]]:
        seen: set[tuple[str, object]] = set()
        for place, snapshot in self.snapshots().items():
            before = self._before[place]
            for fact in filter(_may_be_theirs, (*snapshot.new_since(before), *snapshot.files_since(before))):
                # Containers of one host see the same objects: each counts once.
                key = (self.session.scope_of(place, fact.kind), fact.identity)
                if key not in seen:
                    seen.add(key)
                    yield place, fact


def _may_be_theirs(fact: Fact) -> bool:
    """Whether a submission can have left it, by its owner: chown(2) takes a privilege, IPC_SET does not."""
    match fact:
        case Entry():
            return fact.uid == JUDGED.uid
        case Fifo() | SocketFile() | PosixShm() | PosixSem() | PosixMq():
            return fact.uid != ROOT
    return True
