"""What one pytest run keeps: the labs it met, their live sessions, and one build for each exercise and submission."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NoReturn, Self

import pytest

from orchestrator import lifecycle
from orchestrator.checks import submission
from orchestrator.checks.build import Build
from orchestrator.checks.parameters import Ports
from orchestrator.errors import DefinitionError, InternalError, IpclabError, MachineError, UsageError
from orchestrator.labels import InstanceName
from orchestrator.session import JUDGED, PEER, Session
from orchestrator.spec.exercise import Exercise
from orchestrator.spec.load import LabDefinition, load_lab, load_lab_only
from orchestrator.workspace import workspace_of

LIVE = "ipclab-live"
"""The name under which somebody who calls pytest may register a `Live` of his own."""


def instance_of_worker(instance: str, number: int) -> str:
    """The instance that a worker of a run or a proof uses: the first one that which was asked for, each other its own.

    Two workers on one host would find each other's leftovers.
    """
    return f"{instance}-gw{number}" if number else instance


@dataclass(frozen=True, slots=True)
class About:
    """What a run ran on."""

    engine: dict[str, str] = field(default_factory=dict)
    image: dict[str, str] = field(default_factory=dict)
    """Image references to ids."""
    submissions: dict[str, str] = field(default_factory=dict)
    """Exercise to whose work was judged."""
    error: IpclabError | None = None
    """What stopped the run before its first check."""

    def joined(self, other: About) -> About:
        """What two processes of one run say together."""
        submissions = {**self.submissions, **other.submissions}
        return About(self.engine or other.engine, {**self.image, **other.image}, submissions, self.error or other.error)

    def plain(self) -> dict[str, Any]:
        """For the way between processes; of the error, what a user sees of it."""
        error = [self.error.exit_code, self.error.what, self.error.fix] if self.error else None
        return {"engine": self.engine, "image": self.image, "submissions": self.submissions, "error": error}

    @classmethod
    def from_plain(cls, plain: Mapping[str, Any]) -> Self:
        """What `plain` gave; nothing when there is nothing."""
        code, *said = plain.get("error") or (0, "", "")
        error = next((kind for kind in (UsageError, MachineError) if kind.exit_code == code), InternalError)
        return cls(**{**plain, "error": error(said[0], fix=said[1]) if code else None})


@dataclass(slots=True)
class Live:
    """Sessions and reference builds that outlast a run of pytest, so that many submissions can be judged with them."""

    sessions: dict[Path, Session] = field(default_factory=dict)
    peers: dict[Path, Build] = field(default_factory=dict)
    """By the exercise's folder."""
    ports: Ports = field(default_factory=Ports)

    def close(self, *, down: bool = False) -> None:
        """End the sessions; `down` takes the instances down, too."""
        for session in self.sessions.values():
            session.close(down=down)
        self.sessions.clear()
        self.peers.clear()


@dataclass(slots=True)
class Stage:
    """An exercise in this run."""

    stages: Stages
    definition: LabDefinition
    name: str
    spent_s: float = 0.0
    """How long its checks have taken so far, each divided by how slow the machine was."""
    _own: Build | None = None
    _instrumented: Build | None = None

    @property
    def exercise(self) -> Exercise:
        """Its definition."""
        return self.definition.exercises[self.name].exercise

    @property
    def seed(self) -> str:
        """The run's seed."""
        return self.stages.seed

    def session(self) -> Session:
        """The live lab, brought up if it is not."""
        return self.stages.session(self.definition, self.name)

    def is_over(self) -> bool:
        """Whether its checks have taken all the time that they may."""
        return self.spent_s > self.exercise.deadline

    def own(self) -> Build:
        """The submission's programs."""
        if self._own is None:
            chosen = self.stages.submission(self.definition, self.name)
            self.stages.note(self.name, chosen.label)
            folder = self.definition.root / self.name
            self._own = Build(self.session(), self.name, self.exercise, chosen, JUDGED, folder)
        return self._own

    def instrumented(self) -> Build:
        """The submission's programs, built for being perturbed."""
        if self._instrumented is None:
            self._instrumented = replace(self.own(), instrumented=True, compiled={}, installed=set())
        return self._instrumented

    def renew(self) -> None:
        """Give the lab up: the next check brings it up anew, and builds its programs again.

        Raises:
            MachineError: It can't be taken down.
        """
        self.stages.renew(self.definition)

    def forget_build(self) -> None:
        """Build the submission's programs again when they are needed."""
        self._own = self._instrumented = None

    def peers(self) -> Build:
        """The reference solution's programs, run by another user."""
        folder = self.definition.root / self.name
        known = self.stages.live.peers
        if folder not in known:
            chosen = submission.reference(self.definition.root, self.name)
            # Judged itself, the reference has been compiled already.
            compiled = self.own().compile() if self.own().submission == chosen else {}
            known[folder] = Build(self.session(), self.name, self.exercise, chosen, PEER, folder, compiled=compiled)
        return known[folder]


@dataclass(slots=True)
class Stages:
    """All exercises of this run, by folder."""

    config: pytest.Config
    seed: str = ""
    _stages: dict[Path, Stage] = field(default_factory=dict)
    _drafts: dict[Path, frozenset[str]] = field(default_factory=dict)
    live: Live = field(default_factory=Live)
    _lent: bool = False
    """Whether `live` is somebody else's to close."""
    _labels: dict[str, str] = field(default_factory=dict)
    _error: IpclabError | None = None
    _opened: set[InstanceName] = field(default_factory=set)
    """Instances that were brought up, or were about to be."""

    def __post_init__(self) -> None:
        """Take the seed that was given, or the controller's, or a new one; and live labs if somebody lends them."""
        lent = self.config.pluginmanager.get_plugin(LIVE)
        if lent is not None:
            self.live, self._lent = lent, True
        given = getattr(self.config, "workerinput", {}).get("ipclab_seed") or self.config.getoption("--seed")
        self.seed = given or secrets.token_hex(4)

    def of(self, test_file: Path) -> Stage | None:
        """The exercise that a test file beside an exercise.yaml belongs to; None when its lab does not name it.

        Raises:
            DefinitionError: The lab's files are wrong.
        """
        folder = test_file.parent
        if folder not in self._stages:
            # Only this exercise is read: another one may be unfinished.
            definition = load_lab(folder.parent, only=[folder.name])
            if folder.name not in definition.exercises:
                return None
            self._stages[folder] = Stage(self, definition, folder.name)
        return self._stages[folder]

    def drafts_of(self, lab: Path) -> frozenset[str]:
        """The exercises of the lab in a folder that are being written; none when its lab.yaml is wrong: others tell."""
        if lab not in self._drafts:
            try:
                self._drafts[lab] = frozenset(load_lab_only(lab).lab.drafts)
            except DefinitionError:
                self._drafts[lab] = frozenset()
        return self._drafts[lab]

    def submission(self, definition: LabDefinition, exercise: str) -> submission.Submission:
        """Whose sources to judge for an exercise, by the options of the run.

        Raises:
            UsageError: They contradict each other, or name what is not there.
        """
        options = ("--submission", "--wrong", "--starter", "--reference")
        given, wrong, starter, ours = (self.config.getoption(name) for name in options)
        if sum(map(bool, (given, wrong, starter, ours))) > 1:
            raise UsageError(f"{', '.join(options)} exclude each other")
        if starter:
            return submission.Submission("the starter", (definition.root / exercise / "starter",))
        of, _, name = wrong.partition("/")
        if of == exercise:
            found = definition.exercises[exercise]
            return submission.wrong(found.folder, name, found.wrong(name))
        if wrong or ours:
            return submission.reference(definition.root, exercise)
        return submission.find_submission(definition.root, exercise, given, workspace_of(definition.root))

    def session(self, definition: LabDefinition, exercise: str) -> Session:
        """The live lab with the hosts of an exercise, brought up and its namespaces verified the first time.

        The instance that was asked for gets the hosts of all exercises of the run at once. One of a worker's own,
        which is to have only some of these exercises, gets the hosts that a few need when it comes to these.

        Raises:
            pytest.exit.Exception: It can't be: no check could be judged.
        """
        sessions = self.live.sessions
        needed = self._needed(definition, exercise)
        if definition.root in sessions and not sessions[definition.root].serves(needed):
            self._let_go(definition, down=False)
        if definition.root not in sessions:
            name = InstanceName(definition.name, self._instance())
            self._opened.add(name)
            try:
                session = Session.open(
                    definition,
                    name,
                    exercises=needed,
                    base_image=self.config.getoption("--base-image"),
                    as_is=self.config.getoption("--as-is"),
                )
            except IpclabError as error:
                self._stop(error)
            sessions[definition.root] = session
        return sessions[definition.root]

    def _stop(self, error: IpclabError) -> NoReturn:
        self._error = error
        # One worker's exit does not end the others; this does.
        session: Any = self.config.pluginmanager.get_plugin("session")
        session.shouldstop = str(error)
        pytest.exit(str(error), returncode=error.exit_code)

    def renew(self, definition: LabDefinition) -> None:
        """Take a lab down that must not be used again, unless it is somebody else's, and forget what was built in it.

        Raises:
            MachineError: It can't be taken down.
        """
        self._let_go(definition, down=not self.config.getoption("--as-is"))

    def _let_go(self, definition: LabDefinition, *, down: bool) -> None:
        session = self.live.sessions.pop(definition.root, None)
        for folder in [folder for folder in self.live.peers if folder.parent == definition.root]:
            del self.live.peers[folder]
        for stage in self._stages.values():
            if stage.definition.root == definition.root:
                stage.forget_build()
        if session is not None:
            session.close(down=down)

    def note(self, exercise: str, label: str) -> None:
        """Remember whose work was judged."""
        self._labels[exercise] = label

    def about(self) -> About:
        """What the run ran on."""
        for session in self.live.sessions.values():
            info = session.engine.info()
            engine = {
                "name": info.name,
                "version": info.version,
                "api_version": info.api_version,
                "kernel": info.kernel,
            }
            image = {spec.reference: session.engine.image_id(spec.reference) or "" for spec in session.desired.images}
            return About(engine, image, dict(self._labels), self._error)
        return About(submissions=dict(self._labels), error=self._error)

    def _needed(self, definition: LabDefinition, exercise: str) -> list[str]:
        if self._is_own():
            return [exercise]
        return [stage.name for stage in self._stages.values() if stage.definition.root == definition.root]

    def _is_own(self) -> bool:
        """Whether the instance was made for this worker alone."""
        return self._instance() != str(self.config.getoption("--instance"))

    def _instance(self) -> str:
        worker = getattr(self.config, "workerinput", {}).get("workerid", "gw0")
        return instance_of_worker(str(self.config.getoption("--instance")), int(worker.removeprefix("gw")))

    def close(self) -> None:
        """End the sessions; an instance that was made for this worker alone is taken down."""
        if self._lent:
            return
        self.live.close()
        if self._is_own() and self._opened:
            lifecycle.take_down(self._opened)
