"""What the proof of an exercise complains about, and what it says of why."""

from __future__ import annotations

from orchestrator.checks.evidence import Verdict
from orchestrator.checks.outcome import Outcome
from orchestrator.grade.proof import Case, Finding


def verdict(check: str, outcome: Outcome, points: int = 1) -> Verdict:
    return Verdict(
        lab="lab-11",
        exercise="fifo",
        check=check,
        nodeid=f"labs/lab-11/fifo/test_fifo.py::{check}",
        title=f"It does {check}.",
        outcome=outcome,
        points=points if outcome is Outcome.PASSED else 0,
        max_points=points,
        duration_s=0.1,
        expected="b'one'",
        observed="b'::error::two'",
        hint="not for authors",
    )


def complaints(fails: tuple[str, ...] | None, *checks: Verdict) -> list[str]:
    return list(Finding(Case("fifo", "x", fails, ()), checks, 3, 1.0).complaints())


PASSES, FAILS = verdict("test_a", Outcome.PASSED), verdict("test_b", Outcome.FAILED)


def test_what_is_as_declared_is_no_complaint() -> None:
    assert complaints((), PASSES) == []
    assert complaints(("test_b",), PASSES, FAILS, verdict("test_c", Outcome.BLOCKED)) == []
    assert complaints(None, verdict("compiles", Outcome.PASSED, 0), FAILS) == []


def test_a_failure_that_is_not_declared_says_why_and_gives_no_command_to_ci() -> None:
    (complaint,) = complaints((), PASSES, FAILS)
    first, *why = complaint.splitlines()
    assert first == "test_b fails, and is not declared"
    assert any("b'one'" in line for line in why)
    assert "::error::" not in complaint
    assert "not for authors" not in complaint


def test_a_check_that_is_not_failed_not_judged_or_blocked_is_a_complaint() -> None:
    assert complaints(("test_a",), PASSES) == ["test_a does not fail"]
    assert complaints((), verdict("test_a", Outcome.GRADER_ERROR))[0].startswith("test_a could not be judged\n")
    assert complaints((), verdict("test_a", Outcome.BLOCKED))[0].startswith("test_a is blocked\n")


def test_a_starter_compiles_and_passes_nothing_that_is_worth_points() -> None:
    assert complaints(None, PASSES) == ["it must compile", "test_a passes, though nothing is done yet"]
