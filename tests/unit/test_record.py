"""The record of a run: points, exit codes, JSON."""

import json
from dataclasses import replace

import pytest

from orchestrator.checks.evidence import Verdict
from orchestrator.checks.outcome import Outcome, TimedOut, classify
from orchestrator.errors import EngineError
from orchestrator.grade.record import Record, by_exercise, merged

PASSED = Verdict(
    lab="lab-11",
    exercise="fifo",
    check="test_a",
    nodeid="labs/lab-11/fifo/test_fifo.py::test_a",
    title="It works.",
    outcome=Outcome.PASSED,
    points=2,
    max_points=2,
    duration_s=0.5,
)
FAILED = replace(PASSED, nodeid="x::test_b", check="test_b", outcome=Outcome.FAILED, points=0, hint="Look there.")


def record(*verdicts):
    exercises = by_exercise(verdicts, {"fifo": ("FIFOs", "pipes"), "tcp": ("TCP", "sockets")}, {"fifo": "work/fifo"})
    return Record("lab-11", "Title", "main", {"name": "e"}, {}, "s", "2026-01-01T00:00:00+00:00", 1.0, exercises)


def test_points_are_summed_and_exercises_without_checks_left_out():
    found = record(PASSED, FAILED)
    assert (found.points, found.max_points) == (2, 4)
    assert [exercise.name for exercise in found.exercises] == ["fifo"]
    assert found.submission == "work/fifo"


@pytest.mark.parametrize(
    ("outcome", "code"), [(Outcome.PASSED, 0), (Outcome.FAILED, 1), (Outcome.BLOCKED, 1), (Outcome.GRADER_ERROR, 3)]
)
def test_the_exit_code_says_whose_problem_it_is(outcome, code):
    assert record(replace(PASSED, outcome=outcome)).exit_code == code


def test_a_clean_up_that_fails_makes_a_passed_check_a_grader_error():
    late = replace(PASSED, outcome=Outcome.GRADER_ERROR, points=0, duration_s=0.25)
    (found,) = merged([PASSED, late])
    assert found.outcome is Outcome.GRADER_ERROR
    assert found.points == 0
    assert found.duration_s == 0.75


def test_a_verdict_survives_the_way_through_json():
    assert Verdict.from_plain(json.loads(json.dumps(FAILED.plain()))).plain() == json.loads(json.dumps(FAILED.plain()))


def test_the_file_is_written_whole(tmp_path):
    path = tmp_path / "record.json"
    record(PASSED).write(path)
    data = json.loads(path.read_text())
    assert data["version"] == 1
    assert data["exercises"][0]["checks"][0]["outcome"] == "passed"
    assert list(tmp_path.iterdir()) == [path], "a temporary file was left"


def test_only_assertions_are_the_students_failure():
    assert classify(None) is Outcome.PASSED
    assert classify(AssertionError()) is Outcome.FAILED
    assert classify(TimedOut("its end", "it still runs")) is Outcome.FAILED
    assert classify(pytest.skip.Exception("needs test_a")) is Outcome.BLOCKED
    assert classify(EngineError("gone")) is Outcome.GRADER_ERROR
    assert classify(KeyError("a bug of the test")) is Outcome.GRADER_ERROR


def test_the_explanation_names_each_part_once():
    rows = replace(FAILED, done=("started", "ran"), expected="a", observed="b").rows()
    assert rows == [("done", "started"), ("", "ran"), ("expected", "a"), ("observed", "b"), ("hint", "Look there.")]
