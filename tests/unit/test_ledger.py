"""The findings of a proof in a file: what was written is read again, whatever stopped the writing."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.checks.evidence import Verdict
from orchestrator.checks.outcome import Outcome
from orchestrator.errors import UsageError
from orchestrator.grade.ledger import Ledger
from orchestrator.grade.proof import Case, Finding
from orchestrator.grade.provers import Turn

CASE = Case("fifo", "wrong/x", ("test_a",), ())
FIRST, SECOND = Turn(CASE, 0, "s"), Turn(CASE, 1, "s.1")
FAILED = Verdict(
    lab="lab-11",
    exercise="fifo",
    check="test_a",
    nodeid="labs/lab-11/fifo/test_fifo.py::test_a",
    title="It does.",
    outcome=Outcome.FAILED,
    points=0,
    max_points=1,
    duration_s=0.1,
)


def finding(turn: Turn, *checks: Verdict) -> Finding:
    return Finding(CASE, checks, 1, 2.5, CASE.seed(turn.seed))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "proof.jsonl"


def test_what_was_kept_is_there_again_by_case_and_run(path: Path) -> None:
    ledger = Ledger("lab-11", path)
    assert list(ledger.of([FIRST, SECOND])) == []
    ledger.add(FIRST, finding(FIRST, FAILED))
    ledger.add(SECOND, finding(SECOND))
    again = Ledger("lab-11", path)
    first, second = again.of([FIRST, SECOND])
    assert (first.seed, first.duration_s, [*first.failed], [*first.complaints]) == (
        "s fifo/wrong/x",
        2.5,
        ["test_a"],
        [],
    )
    assert (second.run, [*second.complaints]) == (1, ["test_a does not fail"])
    assert list(Ledger("lab-10", path).of([FIRST])) == []


def test_other_values_were_asked_for(path: Path) -> None:
    Ledger("lab-11", path).add(FIRST, finding(FIRST))
    ledger = Ledger("lab-11", path)
    assert ledger.has(FIRST, seed=True)
    assert ledger.has(Turn(CASE, 0, "t"), seed=False)
    assert not ledger.has(Turn(CASE, 0, "t"), seed=True)
    assert not ledger.has(SECOND, seed=False)


@pytest.mark.parametrize("kept", [0, 1])
def test_a_line_that_was_being_written_is_dropped(path: Path, kept: int) -> None:
    ledger = Ledger("lab-11", path)
    ledger.add(FIRST, finding(FIRST))
    ledger.add(SECOND, finding(SECOND))
    whole = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(whole[:kept]) + whole[kept][:20])
    again = Ledger("lab-11", path)
    assert len(list(again.of([FIRST, SECOND]))) == kept
    again.add(SECOND, finding(SECOND))
    assert path.read_bytes() == b"".join(whole[:kept]) + whole[1]


@pytest.mark.parametrize(
    "other", [b"nonsense\n", b"\xff\n", b"{}\n", b"[]\n", b'{"lab": "x", "case": "y", "run": 0}\n']
)
def test_a_file_that_holds_something_else_is_refused(path: Path, other: bytes) -> None:
    Ledger("lab-11", path).add(FIRST, finding(FIRST))
    path.write_bytes(path.read_bytes() + other)
    with pytest.raises(UsageError, match=r"proof\.jsonl:2: no finding of a proof"):
        Ledger("lab-11", path)
