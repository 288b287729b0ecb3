"""What `ipclab logs` shows: the last run of an instance, step by step."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from orchestrator.checks.evidence import Verdict
from orchestrator.checks.outcome import Outcome
from orchestrator.errors import UsageError
from orchestrator.grade.record import Record, by_exercise
from orchestrator.labels import InstanceName
from orchestrator.ui.latest import keep, last_run
from orchestrator.ui.table import Screen

NAME = InstanceName("lab-11", "mine")
VERDICT = Verdict(
    lab="lab-11",
    exercise="fifo",
    check="test_a",
    nodeid="labs/lab-11/fifo/test_fifo.py::test_a",
    title="It works.",
    outcome=Outcome.PASSED,
    points=2,
    max_points=2,
    duration_s=0.5,
    done=("started reader /ipc/x in alpha/left (pid 7)",),
)


@pytest.fixture
def lab(tmp_path: Path) -> Path:
    """The folder of a lab whose exercise was checked."""
    folder = tmp_path / "labs" / "lab-11"
    folder.mkdir(parents=True)
    exercises = by_exercise([VERDICT], {"fifo": ("FIFO", "pipes")}, {"fifo": "my work"})
    keep(Record("lab-11", "A lab", "mine", {}, {}, "5eed", "2026-01-01T00:00:00+00:00", 1, exercises), folder)
    return folder


def shown(lab: Path, exercise: str | None = None) -> list[str]:
    screen = Screen(file=io.StringIO(), width=100, markup=False, emoji=False, highlight=False)
    with screen.capture() as captured:
        screen.print(last_run(lab, NAME, exercise))
    return [line.rstrip() for line in captured.get().splitlines()]


@pytest.mark.parametrize("exercise", [None, "fifo"])
def test_passed_checks_show_what_was_done_too(lab: Path, exercise: str | None) -> None:
    assert shown(lab, exercise) == [
        "lab-11/mine, 2026-01-01T00:00:00+00:00: my work",
        "",
        "FIFO  fifo",
        "  ✓  It works.                                                                          2/2   0.50 s",
        "         done  started reader /ipc/x in alpha/left (pid 7)",
        "",
    ]


def test_an_instance_that_was_never_checked_is_told_how(lab: Path) -> None:
    with pytest.raises(UsageError) as error:
        last_run(lab, InstanceName("lab-11", "other"))
    assert str(error.value) == "lab-11/other has not been checked yet\nipclab check lab-11 --instance other"


def test_an_exercise_that_was_not_in_the_run_is_told_how(lab: Path) -> None:
    with pytest.raises(UsageError, match="the last run had no exercise 'tcp'\nipclab check lab-11 tcp"):
        last_run(lab, NAME, "tcp")


@pytest.mark.parametrize("text", ["", "{", "\x00", '{"version": 0}', "[]"])
def test_a_file_that_is_no_record_of_ours_is_a_usage_error(lab: Path, text: str) -> None:
    (lab.parent.parent / ".ipclab" / "lab-11.mine.json").write_text(text)
    with pytest.raises(UsageError, match="ipclab check lab-11 --instance mine"):
        last_run(lab, NAME)
