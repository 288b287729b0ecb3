"""The worked example of docs/instructors.md does what the page says of it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestrator.spec.load import load_lab
from orchestrator.workspace import student_uid
from tests.e2e.handbook import lay_out

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


def test_it_has_no_mistakes(labs: Path) -> None:
    done = ipclab(labs, "validate", "lab-12")
    assert (done.returncode, done.stdout) == (0, "lab-12: no mistakes\n"), done.stderr


def test_its_solutions_do_what_the_page_says(labs: Path) -> None:
    done = ipclab(labs, "prove", "lab-12", "--instance", INSTANCE)
    assert done.returncode == 0, done.stdout + done.stderr
    proved = sorted(line.split()[2] for line in done.stdout.splitlines() if line.startswith("✓"))
    wrong = load_lab(labs / "lab-12").exercises["mail"].exercise.wrong
    assert proved == sorted(["mail/reference", "mail/starter", *(f"mail/wrong/{name}" for name in wrong)])


def test_what_is_not_as_declared_is_told_with_what_to_write(labs: Path) -> None:
    path = labs / "lab-12/mail/exercise.yaml"
    right = path.read_text()
    path.write_text(right.replace("fails: [test_sender_is_heard_by_our_receiver]", "fails: [compiles]"))
    try:
        done = ipclab(labs, "prove", "lab-12", "--instance", INSTANCE)
    finally:
        path.write_text(right)
    assert done.returncode == 2
    lines = [line for line in done.stdout.splitlines() if not line.startswith("✓")]
    why = [line.split()[0] for line in lines if line.startswith(" " * 7)]
    assert {"expected", "observed"} <= set(why)
    told = [line.strip() for line in lines if not line.startswith(" " * 7)]
    assert told[0].split()[2] == "mail/wrong/counts-the-type"
    assert told[5].startswith(
        "✗ mail/wrong/counts-the-type: ipclab check lab-12 mail --wrong mail/counts-the-type --seed "
    )
    assert [*told[1:4], told[6]] == [
        "test_sender_is_heard_by_our_receiver fails, and is not declared",
        "compiles does not fail",
        "fails: [test_sender_is_heard_by_our_receiver]",
        "✗ mail: no known-wrong solution fails test_sender_is_heard_by_our_receiver",
    ]


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
