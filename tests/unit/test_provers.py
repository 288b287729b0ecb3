"""Workers of a proof: every turn is judged once; whatever becomes of a worker is told, and none is left."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from orchestrator import lifecycle
from orchestrator.checks.stage import Live
from orchestrator.errors import AgentRefused, InternalError, IpclabError, MachineError
from orchestrator.grade.proof import Case, Finding
from orchestrator.grade.provers import Turn, prove_all
from orchestrator.labels import InstanceName
from orchestrator.spec.load import LabDefinition, load_lab_only

LAB = Path(__file__).parent.parent.parent / "labs/lab-11"
NAME = InstanceName("lab-11", "provers")


def turns(count: int) -> list[Turn]:
    return [Turn(Case("fifo", f"wrong/{number}", (), ()), 0, "s") for number in range(count)]


def quick(definition: LabDefinition, instance: str, base_image: str | None, turn: Turn, live: Live) -> Finding:
    return Finding(turn.case, (), 0, 0.0, f"{instance} {base_image}")


def dies_afterwards(
    definition: LabDefinition, instance: str, base_image: str | None, turn: Turn, live: Live
) -> Finding:
    threading.Timer(0.1, os._exit, (0,)).start()
    return quick(definition, instance, base_image, turn, live)


def is_killed(definition: LabDefinition, instance: str, base_image: str | None, turn: Turn, live: Live) -> Finding:
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def is_refused(definition: LabDefinition, instance: str, base_image: str | None, turn: Turn, live: Live) -> Finding:
    raise AgentRefused("the agent refuses", fix="Ask it again.", kind="x", answer={})


def has_a_bug(definition: LabDefinition, instance: str, base_image: str | None, turn: Turn, live: Live) -> Finding:
    raise EOFError("where is it?")


def sleeps(definition: LabDefinition, instance: str, base_image: str | None, turn: Turn, live: Live) -> Finding:
    time.sleep(60)
    raise AssertionError


@pytest.fixture(autouse=True)
def taken_down(monkeypatch: pytest.MonkeyPatch) -> list[InstanceName]:
    """The instances that were taken down; in the end no worker is there."""
    found: list[InstanceName] = []
    monkeypatch.setattr(lifecycle, "take_down", found.extend)
    return found


def proved(judge: Any, count: int, jobs: int, **options: Any) -> list[tuple[Turn, Finding]]:
    found: list[tuple[Turn, Finding]] = []
    try:
        prove_all(
            load_lab_only(LAB), NAME, turns(count), lambda *one: found.append(one), jobs=jobs, judge=judge, **options
        )
    finally:
        assert multiprocessing.active_children() == []
    return found


def test_every_turn_is_judged_once_by_workers_with_an_instance_each(taken_down: list[InstanceName]) -> None:
    found = proved(quick, 7, 3, base_image="debian:other")
    assert sorted(turn.case.title for turn, _ in found) == [turn.case.title for turn in turns(7)]
    assert all(turn.case == finding.case for turn, finding in found)
    used = {finding.seed for _, finding in found}
    assert used == {"provers debian:other", "provers-gw1 debian:other", "provers-gw2 debian:other"}
    assert [name.instance for name in taken_down] == ["provers-gw1", "provers-gw2"]


def test_there_are_no_more_workers_than_turns(taken_down: list[InstanceName]) -> None:
    assert len(proved(quick, 1, 4)) == 1
    assert proved(quick, 0, 4) == []
    assert taken_down == []


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_worker_that_dies_between_two_turns_is_told(jobs: int) -> None:
    with pytest.raises(MachineError, match=r"the process that judged fifo/wrong/\d has ended with status 0"):
        prove_all(load_lab_only(LAB), NAME, turns(9), lambda *_: time.sleep(0.3), jobs=jobs, judge=dies_afterwards)
    assert multiprocessing.active_children() == []


@pytest.mark.parametrize(
    ("judge", "kind", "told"),
    [
        (is_killed, MachineError, "the process that judged fifo/wrong/0 was ended by SIGKILL"),
        (is_refused, MachineError, "the agent refuses"),
        (has_a_bug, InternalError, "fifo/wrong/0: EOFError: where is it?"),
    ],
)
def test_what_stops_a_worker_stops_the_proof(judge: Any, kind: type[IpclabError], told: str) -> None:
    with pytest.raises(kind, match=told) as error:
        proved(judge, 1, 1)
    assert error.value.exit_code == kind.exit_code


def test_an_error_of_whoever_is_shown_the_findings_ends_the_workers(taken_down: list[InstanceName]) -> None:
    def show(turn: Turn, found: Finding) -> None:
        raise ValueError

    with pytest.raises(ValueError):
        prove_all(load_lab_only(LAB), NAME, turns(9), show, jobs=2, judge=quick)
    assert multiprocessing.active_children() == []
    assert [name.instance for name in taken_down] == ["provers-gw1"]


@pytest.mark.parametrize("jobs", [1, 2])
@pytest.mark.parametrize("after_s", [0.0, 1.5])
def test_an_interrupt_ends_the_workers_however_far_they_are(
    jobs: int, after_s: float, capfd: pytest.CaptureFixture[str]
) -> None:
    def interrupt() -> None:
        while not multiprocessing.active_children():
            time.sleep(0.001)
        time.sleep(after_s)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt).start()
    began = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        proved(sleeps, 4, jobs)
    assert time.monotonic() - began < 20, "one by one each would have been waited for"
    assert "Traceback" not in capfd.readouterr().err
