"""Hints: one more each time, the old ones again when asked for, and a clear word when there are none."""

from pathlib import Path

import pytest
from rich.console import Console

from orchestrator.errors import UsageError
from orchestrator.spec.exercise import Exercise
from orchestrator.spec.load import ExerciseDefinition
from orchestrator.ui.hints import next_hint


def exercise(root: Path, *hints: str) -> ExerciseDefinition:
    folder = root / "labs/lab-11/ring"
    program = {"sources": ["a.c"], "container": "alpha/left"}
    return ExerciseDefinition(
        folder,
        "ring",
        Exercise.model_validate({"title": "Ring", "topic": "memory", "programs": {"a": program}, "hints": hints}),
    )


def shown(found: ExerciseDefinition, **options: bool) -> str:
    console = Console(width=100)
    with console.capture() as capture:
        console.print(next_hint(found, **options))
    return capture.get()


def test_each_time_there_is_one_hint_more_and_then_no_more(tmp_path):
    found = exercise(tmp_path, "first", "second")
    assert ["first" in shown(found), "second" in shown(found)] == [True, True]
    assert "these were all 2 hints" in shown(found)
    assert [word in shown(found, again=True) for word in ("first", "second", "hint 2 of 2")] == [True] * 3


def test_what_was_not_shown_is_not_shown_again(tmp_path):
    found = exercise(tmp_path, "first", "second")
    with pytest.raises(UsageError, match="no hint of ring was shown yet"):
        next_hint(found, again=True)
    shown(found)
    assert "second" not in shown(found, again=True)


def test_a_spoilt_file_is_as_good_as_none(tmp_path):
    (tmp_path / ".ipclab").mkdir()
    for text in ("[]", "{", '{"ring": "x"}'):
        (tmp_path / ".ipclab/lab-11.hints.json").write_text(text)
        assert "first" in shown(exercise(tmp_path, "first"))


def test_an_exercise_without_hints_says_so(tmp_path):
    with pytest.raises(UsageError, match="has no hints"):
        next_hint(exercise(tmp_path))
