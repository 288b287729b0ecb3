"""The worked example of docs/instructors.md does what the page says of it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.spec.load import load_lab
from tests.e2e.handbook import lay_out

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("handbook")]

IPCLAB = (sys.executable, "-c", "from orchestrator.cli import main; main()")
INSTANCE = "t-handbook"


def ipclab(labs: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*IPCLAB, *arguments, "--labs", str(labs)]
    return subprocess.run(command, cwd=labs.parent, capture_output=True, text=True, timeout=250, check=False)


@pytest.fixture(scope="module")
def labs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The example's lab, up in an instance of its own."""
    made = lay_out(tmp_path_factory.mktemp("handbook"))
    try:
        done = ipclab(made, "up", "lab-12", "--instance", INSTANCE)
        assert done.returncode == 0, done.stderr
        yield made
    finally:
        done = ipclab(made, "down", "lab-12", "--instance", INSTANCE)
    assert done.returncode == 0, done.stderr


def judged(labs: Path, *whose: str) -> tuple[int, dict[str, Any]]:
    """The exit code, and outcomes by check."""
    record = labs.parent / "record.json"
    done = ipclab(labs, "check", "lab-12", "--instance", INSTANCE, "--json", str(record), *whose)
    assert done.returncode in (0, 1), done.stdout + done.stderr
    exercise = json.loads(record.read_text())["exercises"][0]
    return done.returncode, {check["check"]: check["outcome"] for check in exercise["checks"]}


def test_it_has_no_mistakes(labs: Path) -> None:
    done = ipclab(labs, "validate", "lab-12")
    assert (done.returncode, done.stdout) == (0, "lab-12: no mistakes\n"), done.stderr


def test_its_reference_passes_everything(labs: Path) -> None:
    code, outcomes = judged(labs, "--reference")
    assert code == 0
    assert len(outcomes) == 5
    assert set(outcomes.values()) == {"passed"}


def test_its_starter_compiles_and_passes_nothing_else(labs: Path) -> None:
    code, outcomes = judged(labs, "--starter")
    assert code == 1
    assert [name for name, outcome in outcomes.items() if outcome == "passed"] == ["compiles"]


def test_its_known_wrong_solutions_fail_where_they_say_and_every_check_is_failed_by_one(labs: Path) -> None:
    wrong = load_lab(labs / "lab-12").exercises["mail"].exercise.wrong
    failed = {name: judged(labs, "--wrong", f"mail/{name}")[1] for name in wrong}
    for name, outcomes in failed.items():
        assert {check for check, outcome in outcomes.items() if outcome == "failed"} == set(wrong[name].fails), name
    graded = {check for outcomes in failed.values() for check in outcomes} - {"compiles"}
    assert {check for model in wrong.values() for check in model.fails} == graded
