"""One run of a lab's checks: pytest with our plugin and without its own picture, collected into a record."""

from __future__ import annotations

import os
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import pytest

from orchestrator import lifecycle
from orchestrator.checks.evidence import Verdict
from orchestrator.checks.plugin import stages_of
from orchestrator.checks.stage import LIVE, About, Live, instance_of_worker
from orchestrator.errors import InternalError, MachineError, UsageError
from orchestrator.grade.record import Record, by_exercise, merged
from orchestrator.interruption import interrupted_once, uninterrupted
from orchestrator.labels import InstanceName
from orchestrator.spec.load import LabDefinition

CRASHED = "???"
"""When, of a report by pytest-xdist on a check whose worker has ended."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to run."""

    definition: LabDefinition
    exercises: tuple[str, ...]
    instance: str
    submission: Path | None = None
    starter: bool = False
    reference: bool = False
    wrong: str = ""
    seed: str = ""
    select: str = ""
    """An expression for pytest's -k."""
    jobs: int = 1
    """How many exercises are judged at the same time, each in an instance of its own."""
    base_image: str | None = None
    """What images are built on."""
    junit: Path | None = None

    def arguments(self) -> list[str]:
        """The command line of this run, as pytest takes it."""
        root = self.definition.root
        options: list[tuple[bool, list[str]]] = [
            (self.submission is not None, ["--submission", str(self.submission)]),
            (self.starter, ["--starter"]),
            (self.reference, ["--reference"]),
            (bool(self.wrong), ["--wrong", self.wrong]),
            (bool(self.seed), ["--seed", self.seed]),
            (bool(self.select), ["-k", self.select]),
            (self.base_image is not None, ["--base-image", str(self.base_image)]),
            # An instance of its own for each worker that takes the place of a crashed one would be too much.
            (self.jobs > 1, ["-n", str(self.jobs), "--max-worker-restart=0"]),
            (self.junit is not None, [f"--junitxml={self.junit}"]),
        ]
        return [
            *(str(root / name) for name in self.exercises),
            "-c",
            os.devnull,
            f"--rootdir={root.parent.parent}",
            "--import-mode=importlib",
            "-p",
            "no:cacheprovider",
            # It collects garbage ten times to find what __del__ raised, for a third of our processor time in a proof.
            "-p",
            "no:unraisableexception",
            "--instance",
            self.instance,
            *(word for wanted, words in options if wanted for word in words),
        ]


class Follower(Protocol):
    """Somebody who is told how a run goes on."""

    def begin(self, checks: Mapping[str, int]) -> None:
        """Checks were found: how many of each exercise, in the lab's order. Said again by each worker."""

    def show(self, verdict: Verdict) -> None:
        """A check was judged. Of exercises that are judged at the same time, verdicts come interleaved."""

    def end(self, exercise: str) -> None:
        """A check of an exercise is over."""


class Unfollowed:
    """Nobody."""

    def begin(self, checks: Mapping[str, int]) -> None:
        """Ignore it."""

    def show(self, verdict: Verdict) -> None:
        """Ignore it."""

    def end(self, exercise: str) -> None:
        """Ignore it."""


def _exercise_of(nodeid: str) -> str:
    """The exercise of a check: its test file lies in the exercise's folder."""
    return Path(nodeid.partition("::")[0]).parent.name


@dataclass(slots=True)
class Collector:
    """A pytest plugin that takes the place of its terminal: keeps verdicts, passes each on as it comes."""

    follower: Follower
    verdicts: list[Verdict] = field(default_factory=list)
    seed: str = ""
    about: About = field(default_factory=About)
    trouble: list[str] = field(default_factory=list)
    workers: Any = None
    """pytest-xdist's session, when workers judge."""

    @pytest.hookimpl(trylast=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        """Put pytest's own terminal away."""
        reporter = config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            config.pluginmanager.unregister(reporter)
        self.seed = stages_of(config).seed

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Tell which checks there are, when they run in this process."""
        if session.items:
            self._begin(item.nodeid for item in session.items)

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, ids: list[str]) -> None:
        """Tell which checks there are, when workers run them."""
        self._begin(ids)

    def _begin(self, nodeids: Iterable[str]) -> None:
        self.follower.begin(Counter(map(_exercise_of, nodeids)))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take the verdict of a check; trouble outside checks is kept as text."""
        if str(report.when) == CRASHED:
            error = MachineError(f"the process that judged {report.nodeid} has ended", fix="Run it again.")
            self.about = self.about.joined(About(error=error))
            return
        data = getattr(report, "verdict", None)
        if data is not None:
            verdict = Verdict.from_plain(data)
            self.verdicts.append(verdict)
            self.follower.show(verdict)
        elif report.failed:
            self.trouble.append(f"{report.nodeid}: {report.longreprtext}")
        if report.when == "teardown":
            self.follower.end(_exercise_of(report.nodeid))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keep why a test file could not be read."""
        if report.failed:
            self.trouble.append(f"{report.nodeid}: {report.longreprtext}")
            if self.workers is not None:
                # One process would stop by itself; workers judge what they can.
                self.workers.shouldstop = "a test file is broken"

    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Find what directs the workers, when there are any."""
        self.workers = session.config.pluginmanager.get_plugin("dsession")

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Ask the live labs what they ran on, while they are there."""
        self.about = self.about.joined(stages_of(session.config).about())

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any) -> None:
        """Take what a worker ran on."""
        self.about = self.about.joined(About.from_plain(getattr(node, "workeroutput", {}).get("ipclab_about", {})))


def run(request: Request, follower: Follower | None = None, live: Live | None = None) -> Record:
    """Run the checks and return the record. With `live` its sessions are used and left open, for the next run.

    Raises:
        UsageError: pytest did not understand the request, nothing matches it, or a test file can't be read.
        InternalError: pytest itself failed.
        IpclabError: Whatever stopped the run before its first check.
    """
    collector = Collector(follower or Unfollowed())
    started, clock = datetime.now(UTC), time.monotonic()
    status = pytest.main(request.arguments(), plugins=[collector, *([_Lender(live)] if live else [])])
    _refuse(status, collector)
    definition = request.definition
    titles = {name: (found.exercise.title, found.exercise.topic) for name, found in definition.exercises.items()}
    return Record(
        lab=definition.name,
        title=definition.lab.title,
        instance=request.instance,
        engine=collector.about.engine,
        image=collector.about.image,
        seed=collector.seed,
        started=started.isoformat(timespec="seconds"),
        duration_s=round(time.monotonic() - clock, 3),
        exercises=by_exercise(merged(collector.verdicts), titles, collector.about.submissions),
    )


class _Lender:
    """A pytest plugin that makes live labs known before anybody asks for them."""

    def __init__(self, live: Live) -> None:
        self.live = live

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        config.pluginmanager.register(self.live, LIVE)


@contextmanager
def clearing_away(name: InstanceName, jobs: int) -> Iterator[None]:
    """Take down in the end what workers left up: one that is interrupted or killed, or takes too long to end, does not.

    The first signal interrupts the block, others wait.

    Raises:
        MachineError: It can't be taken down; not raised in the place of what ended the block.
    """
    own = [InstanceName(name.lab, instance_of_worker(name.instance, number)) for number in range(1, jobs)]
    if not own:
        yield
        return
    with interrupted_once():
        try:
            yield
        except BaseException:
            with suppress(MachineError), uninterrupted():
                lifecycle.take_down(own)
            raise
        with uninterrupted():
            lifecycle.take_down(own)


def _refuse(status: int | pytest.ExitCode, collector: Collector) -> None:
    if collector.about.error is not None:
        raise collector.about.error
    if collector.trouble:
        raise UsageError("a test file is broken:\n" + "\n".join(collector.trouble))
    if status == pytest.ExitCode.INTERRUPTED:
        raise KeyboardInterrupt
    if status == pytest.ExitCode.USAGE_ERROR:
        raise UsageError("pytest refused the command line")
    if status == pytest.ExitCode.INTERNAL_ERROR:
        raise InternalError("pytest failed")
    if status == pytest.ExitCode.NO_TESTS_COLLECTED or not collector.verdicts:
        raise UsageError("no check matches", fix="see which there are with `pytest --collect-only labs/`")
