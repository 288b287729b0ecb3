"""The student's table: reads well at any width, and shows what a student's program chose to print as it is."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import RenderableType

from orchestrator.checks.evidence import Verdict
from orchestrator.checks.outcome import Outcome
from orchestrator.display import inert
from orchestrator.grade.record import Record, by_exercise
from orchestrator.ui.table import WIDTH, Screen, check_line, closing, console, explanation, heading, literal, summary

PASSED = Verdict(
    lab="lab-11",
    exercise="fifo",
    check="test_a",
    nodeid="labs/lab-11/fifo/test_fifo.py::test_a",
    title="The reader makes a FIFO and waits in open() until a writer has opened it.",
    outcome=Outcome.PASSED,
    points=2,
    max_points=2,
    duration_s=0.5,
)
FAILED = replace(
    PASSED,
    nodeid="x::test_b",
    outcome=Outcome.FAILED,
    points=0,
    done=("started reader /ipc/lines-x in alpha/left (pid 7)", "started writer /ipc/lines-x in alpha/right (pid 8)"),
    expected="b'one\\n'",
    observed="b'two\\n'",
    reason="assert b'two\\n' == b'one\\n'\n(test_fifo.py:31)",
    diagnosis=("reader is in open() of /ipc/lines-x for reading; no process has it open for writing",),
    facts=("FIFO /ipc/lines-x, mode 0660",),
    hint="fifo(7) says when open() returns.",
)
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
ANY_TEXT = st.text(st.characters(), max_size=300)


def record(*verdicts: Verdict, submission: str = "the reference solution") -> Record:
    exercises = by_exercise(
        verdicts, {"fifo": ("FIFO", "pipes with a name"), "tcp": ("TCP", "sockets")}, {"fifo": submission}
    )
    return Record("lab-11", "A lab", "main", {}, {}, "5eed", "2026-01-01T00:00:00+00:00", 1.0, exercises)


def drawn(renderable: RenderableType, columns: int = 80, *, colours: bool = False) -> str:
    screen = Screen(
        file=io.StringIO(), width=columns, markup=False, emoji=False, highlight=False, force_terminal=colours
    )
    with screen.capture() as captured:
        screen.print(renderable)
    return captured.get()


def lines(renderable: RenderableType, columns: int = 80) -> list[str]:
    return [line.rstrip() for line in drawn(renderable, columns).splitlines()]


def test_a_check_is_a_line_with_its_sign_sentence_points_and_time() -> None:
    assert lines(check_line(PASSED), 100) == [
        "  ✓  The reader makes a FIFO and waits in open() until a writer has opened it.          2/2   0.50 s"
    ]


def test_a_long_sentence_goes_on_below_its_beginning() -> None:
    first, second = lines(check_line(FAILED), 60)
    assert first.startswith("  ✗  The reader makes")
    assert first.endswith("0/2   0.50 s")
    assert second.startswith("     ")
    assert second.strip() in FAILED.title


def test_a_failed_check_explains_itself_from_what_was_done_to_the_hint() -> None:
    assert lines(explanation(FAILED), 100) == [
        "         done  started reader /ipc/lines-x in alpha/left (pid 7)",
        "               started writer /ipc/lines-x in alpha/right (pid 8)",
        r"     expected  b'one\n'",
        r"     observed  b'two\n'",
        r"      because  assert b'two\n' == b'one\n'",
        "               (test_fifo.py:31)",
        "        where  reader is in open() of /ipc/lines-x for reading; no process has it open for writing",
        "       kernel  FIFO /ipc/lines-x, mode 0660",
        "         hint  fifo(7) says when open() returns.",
        "",
    ]


def test_a_blocked_check_says_in_a_sentence_what_it_builds_on() -> None:
    blocked = replace(PASSED, outcome=Outcome.BLOCKED, points=0, reason="it builds on test_a, which failed")
    assert lines(check_line(blocked), 100)[0].endswith("0/2")
    assert lines(explanation(blocked), 100) == ["     it builds on test_a, which failed"]


def test_a_check_without_points_shows_none() -> None:
    assert "/" not in lines(check_line(replace(PASSED, points=0, max_points=0)))[0]


def test_each_outcome_has_a_sign_that_does_not_hang_on_colour() -> None:
    signs = {lines(check_line(replace(PASSED, outcome=outcome)))[0].split()[0] for outcome in Outcome}
    assert len(signs) == len(Outcome)


def test_the_points_of_exercises_and_their_sum_are_shown() -> None:
    tcp = replace(PASSED, exercise="tcp", nodeid="y::test_a", points=1, max_points=1)
    shown = lines(summary(record(PASSED, FAILED, tcp)), 100)
    assert [line.split() for line in shown] == [
        ["lab-11:", "A", "lab"],
        ["exercise", "topic", "passed", "failed", "blocked", "points"],
        ["fifo", "pipes", "with", "a", "name", "1", "1", "0", "2/4"],
        ["tcp", "sockets", "1", "0", "0", "1/1"],
        ["total", "2", "1", "0", "3/5"],
    ]


def test_the_end_says_whose_work_it_was_and_how_to_replay_it() -> None:
    assert lines(closing(record(PASSED)), 100) == [
        "judged the reference solution, in 1.0 s; replay it with --seed 5eed"
    ]


@pytest.mark.parametrize(("errors", "said"), [(1, "1 check could"), (2, "2 checks could")])
def test_what_the_grader_could_not_judge_is_not_charged_to_the_student(errors: int, said: str) -> None:
    failed = [replace(PASSED, nodeid=str(number), outcome=Outcome.GRADER_ERROR) for number in range(errors)]
    assert f"{said} not be judged: the grader's fault, not yours." in drawn(closing(record(*failed)), 100)


@settings(max_examples=30)
@given(ANY_TEXT, ANY_TEXT, st.integers(min_value=40, max_value=200))
def test_no_text_can_move_the_cursor_colour_a_line_or_leave_its_column(text: str, other: str, columns: int) -> None:
    hostile = replace(FAILED, title=text, observed=other, done=(text, other), reason=other, hint=text)
    whole = record(hostile, submission=other)
    for renderable in (check_line(hostile), explanation(hostile), heading(text, other), summary(whole), closing(whole)):
        shown = drawn(renderable, columns)
        assert [one for one in shown if not one.isprintable() and one != "\n"] == []
        coloured = drawn(renderable, columns, colours=True)
        assert "\x1b" not in ESCAPES.sub("", coloured)
        assert ESCAPES.sub("", coloured) == shown


@given(st.text("[]/bold red=:smile#", max_size=40))
def test_brackets_and_colons_are_no_markup(text: str) -> None:
    assert drawn(literal(text), 200) == f"{inert(text)}\n"
    assert drawn(text, 200) == f"{text}\n"


@settings(max_examples=30)
@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=200), st.integers(40, 200))
def test_no_line_is_longer_than_the_terminal_or_than_what_is_easy_to_read(text: str, columns: int) -> None:
    hostile = replace(FAILED, title=text, observed=text)
    for renderable in (check_line(hostile), explanation(hostile)):
        assert max(map(len, drawn(renderable, columns).splitlines())) <= min(columns, WIDTH)


def test_words_that_are_searched_for_in_a_pipe_are_not_broken(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    console().print("word " * 150)
    assert len(capsys.readouterr().out.splitlines()) == 1
    monkeypatch.setenv("COLUMNS", "60")
    console(stderr=True).print("word " * 150)
    assert len(capsys.readouterr().err.splitlines()) > 10
