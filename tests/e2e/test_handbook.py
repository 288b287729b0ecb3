"""The worked example of docs/instructors.md does what the page says of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from orchestrator.spec.load import load_lab
from orchestrator.workspace import student_uid
from tests.e2e.handbook import ROOT, lay_out

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("handbook")]

IPCLAB = ("-c", "from orchestrator.cli import main; main()")
INSTANCE = "t-handbook"


def python(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **more}
    command = [sys.executable, *arguments]
    return subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=250, check=False
    )


def ipclab(labs: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return python(labs.parent, *IPCLAB, *arguments, IPCLAB_LABS=str(labs))


@pytest.fixture(scope="module")
def labs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The example's lab; in the end nothing of it is up."""
    made = lay_out(tmp_path_factory.mktemp("handbook"))
    try:
        yield made
    finally:
        done = ipclab(made, "down", "lab-12", "--instance", INSTANCE)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def outcomes(labs: Path) -> Any:
    """What was judged (`mail/reference`, `mail/wrong/NAME`, …) to outcomes to names of checks."""
    done = python(ROOT, "-m", "tests.e2e.matrix", str(labs / "lab-12"), "--instance", INSTANCE)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_it_has_no_mistakes(labs: Path) -> None:
    done = ipclab(labs, "validate", "lab-12")
    assert (done.returncode, done.stdout) == (0, "lab-12: no mistakes\n"), done.stderr


def test_its_reference_passes_everything(outcomes: Any) -> None:
    assert {name for name, checks in outcomes["mail/reference"].items() if checks} == {"passed"}
    assert len(outcomes["mail/reference"]["passed"]) == 5


def test_its_starter_compiles_and_passes_nothing_else(outcomes: Any) -> None:
    assert outcomes["mail/starter"]["passed"] == ["compiles"]


def test_its_known_wrong_solutions_fail_where_they_say_and_every_check_is_failed_by_one(
    labs: Path, outcomes: Any
) -> None:
    wrong = load_lab(labs / "lab-12").exercises["mail"].exercise.wrong
    for name, model in wrong.items():
        assert set(outcomes[f"mail/wrong/{name}"]["failed"]) == set(model.fails), name
    graded = set(outcomes["mail/reference"]["passed"]) - {"compiles"}
    assert {check for model in wrong.values() for check in model.fails} == graded


def test_plain_pytest_does_what_the_page_shows(labs: Path) -> None:
    options = ["-p", "no:cacheprovider", "-k", "sender", "-v", "--reference", "--instance", INSTANCE]
    done = python(labs.parent, "-m", "pytest", "labs/lab-12", *options)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout, "two checks of the sender, and that it compiles"


def test_sources_are_edited_outside_built_inside_and_judged(labs: Path) -> None:
    work = labs.parent / "work" / "lab-12" / "mail"
    assert ipclab(labs, "workspace", "lab-12").returncode == 0
    assert ipclab(labs, "up", "lab-12", "--instance", INSTANCE).returncode == 0
    (work / "receiver.c").write_text("int main(void) { return 42; }\n")
    build = "cd mail && gcc -o receiver receiver.c && ./receiver"
    done = ipclab(labs, "exec", "--instance", INSTANCE, "lab-12", "alpha/left", "sh", "-c", build)
    assert (done.returncode, done.stderr) == (42, "")
    assert (work / "receiver").stat().st_uid == student_uid()

    record = labs.parent / "record.json"
    done = ipclab(labs, "check", "lab-12", "--instance", INSTANCE, "--json", str(record), "-k", "makes_a_queue")
    assert done.returncode == 1, done.stderr
    (exercise,) = json.loads(record.read_text())["exercises"]
    assert [check["outcome"] for check in exercise["checks"]] == ["passed", "failed"]
    logs = ipclab(labs, "logs", "lab-12", "mail", "--instance", INSTANCE)
    assert "started receiver" in logs.stdout, logs.stderr
