"""Exercises judged at the same time: each worker in an instance of its own, and one record of it all."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from orchestrator.engine.base import Engine
from orchestrator.labels import InstanceName
from orchestrator.lifecycle import connected, take_down

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("side-by-side")]

IPCLAB = (sys.executable, "-c", "from orchestrator.cli import main; main()")
ROOT = Path(__file__).parents[2]
NAME = InstanceName("lab-11", "t-two")
SECOND = InstanceName("lab-11", "t-two-gw1")
"""The second worker's own."""
ORDER = ["sysv-shm", "fifo", "isolation"]
"""isolation's hosts are only for it: the first worker has them, and takes it first."""
CHECK = (*IPCLAB, "check", "lab-11", *ORDER, "--reference", "--instance", NAME.instance, "-n", "2")
PROVE = (*IPCLAB, "prove", "lab-11", "fifo", "--instance", NAME.instance, "--jobs", "2")
COMMANDS = pytest.mark.parametrize(("command", "worker"), [(CHECK, b"exec(eval("), (PROVE, b"spawn_main(")])
"""How a worker of each is called."""


@pytest.fixture
def engine() -> Iterator[Engine]:
    """The engine; in the end neither instance is there."""
    with connected() as found:
        yield found
    take_down([NAME, SECOND])


def test_two_workers_give_one_table_and_one_record_and_leave_one_instance(engine: Engine, tmp_path: Path) -> None:
    done = subprocess.run(
        [*CHECK, "--json", str(tmp_path / "record")], cwd=ROOT, capture_output=True, text=True, timeout=200
    )
    assert done.returncode == 0, done.stdout + done.stderr
    places = [done.stdout.find(f"  {name} ") for name in ORDER]
    assert places == sorted(places)
    assert -1 not in places
    record = json.loads((tmp_path / "record").read_text())
    assert [one["name"] for one in record["exercises"]] == ORDER
    assert record["points"] == record["max_points"] > 0
    assert _is_there(engine, NAME)
    assert not _is_there(engine, SECOND)


@pytest.mark.parametrize(
    ("command", "number", "kill"),
    [
        (CHECK, signal.SIGTERM, os.kill),
        (CHECK, signal.SIGHUP, os.killpg),
        (PROVE, signal.SIGINT, os.killpg),
        (PROVE, signal.SIGTERM, os.kill),
    ],
)
def test_a_run_that_is_cut_short_takes_the_instances_of_its_workers_down(
    engine: Engine, command: Sequence[str], number: signal.Signals, kill: Callable[[int, int], None]
) -> None:
    # SIGTERM is for the command alone, the others for all who have the terminal.
    process = _begun(engine, command)
    kill(process.pid, number)
    time.sleep(0.5)
    kill(process.pid, number)  # somebody has no patience
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert not _is_there(engine, SECOND)


@COMMANDS
def test_a_worker_that_dies_ends_the_run_and_leaves_nothing(
    engine: Engine, command: Sequence[str], worker: bytes
) -> None:
    process = _begun(engine, command)
    workers = [
        int(child)
        for thread in Path(f"/proc/{process.pid}/task").iterdir()
        for child in (thread / "children").read_text().split()
        if worker in Path(f"/proc/{child}/cmdline").read_bytes()
    ]
    assert len(workers) == 2
    os.kill(max(workers), signal.SIGKILL)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 3, output
    assert b"the process that judged " in output
    assert not _is_there(engine, SECOND)


def test_a_proof_that_was_stopped_goes_on_where_it_was(engine: Engine, tmp_path: Path) -> None:
    kept = tmp_path / "proof.jsonl"
    prove = [*PROVE, "--only", "fifo/[rs]*", "--file", str(kept)]
    done = subprocess.run(prove, cwd=ROOT, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0, done.stdout + done.stderr
    lines = kept.read_text().splitlines(keepends=True)
    assert {json.loads(line)["case"] for line in lines} == {"fifo/reference", "fifo/starter"}
    # One was not judged before it was stopped, the other one was, and not as declared.
    found = json.loads(lines[0]) | {"failed": [], "complaints": ["test_x does not fail"]}
    kept.write_text(json.dumps(found) + "\n")
    done = subprocess.run(prove, cwd=ROOT, capture_output=True, text=True, timeout=200)
    assert done.returncode == 2, done.stdout + done.stderr
    there, wrong, complaint, judged, told, again = done.stdout.splitlines()
    assert there == f"1 of 2 are in {kept}"
    assert (wrong.split()[:2], complaint.strip()) == (["✗", found["case"]], "test_x does not fail")
    assert judged.startswith("✓ 2/2 ")
    assert told.startswith("1 of 2 as declared; random values from seed ")
    assert again.startswith(f"✗ {found['case']}: ipclab check lab-11 fifo --")
    assert shlex.split(again)[-2:] == ["--seed", found["seed"]]
    assert len(kept.read_text().splitlines()) == 2


def _begun(engine: Engine, command: Sequence[str]) -> subprocess.Popen[bytes]:
    """A run whose second worker has begun to bring its instance up."""
    process = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
    )
    deadline = time.monotonic() + 120
    while not _is_there(engine, SECOND):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return process


def _is_there(engine: Engine, name: InstanceName) -> bool:
    observed = engine.observe(name)
    return bool(observed.containers or observed.networks or observed.volumes)
