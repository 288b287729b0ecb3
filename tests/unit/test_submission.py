"""Whose sources are judged, and that reading them is safe."""

import os

import pytest

from orchestrator.checks.submission import SOURCE_CAP_BYTES, SourceProblem, Submission, find_submission, wrong
from orchestrator.errors import UsageError
from orchestrator.spec.exercise import Change, Program, Wrong

PROGRAM = Program(sources=("server.c",), container="alpha/left")


def test_a_known_wrong_solution_lies_over_the_reference(tmp_path):
    folder = tmp_path / "lab-11" / "fifo"
    (folder / "solution").mkdir(parents=True)
    (folder / "wrong" / "bad").mkdir(parents=True)
    (folder / "solution" / "reader.c").write_bytes(b"right")
    (folder / "solution" / "writer.c").write_bytes(b"right too")
    (folder / "wrong" / "bad" / "reader.c").write_bytes(b"bad")
    both = Program(sources=("reader.c", "writer.c"), container="alpha/left")
    model = Wrong(summary="Bad.", fails=("test_x",), changes=(Change(file="writer.c", replace="right", by="wrong"),))
    found = wrong(folder, "bad", model).sources(both)
    assert found == {"reader.c": b"bad", "writer.c": b"wrong too"}


def test_a_missing_source_is_the_students_problem(tmp_path):
    with pytest.raises(SourceProblem, match=r"server\.c is missing in mine"):
        Submission("mine", (tmp_path,)).sources(PROGRAM)


def test_a_link_is_not_followed(tmp_path):
    (tmp_path / "server.c").symlink_to("/etc/passwd")
    with pytest.raises(SourceProblem, match="cannot be read"):
        Submission("mine", (tmp_path,)).sources(PROGRAM)


def test_a_folder_that_is_a_link_is_not_followed(tmp_path):
    (tmp_path / "solution").mkdir()
    (tmp_path / "solution/server.c").write_text("int main(void) { return 0; }")
    (tmp_path / "fifo").symlink_to(tmp_path / "solution")
    with pytest.raises(SourceProblem, match="cannot be read"):
        Submission("x", (tmp_path / "fifo",)).sources(PROGRAM)


def test_a_fifo_does_not_hang_the_grader(tmp_path):
    os.mkfifo(tmp_path / "server.c")
    with pytest.raises(SourceProblem, match="not a plain file"):
        Submission("mine", (tmp_path,)).sources(PROGRAM)


def test_a_folder_in_a_sources_place_is_refused(tmp_path):
    (tmp_path / "server.c").mkdir()
    with pytest.raises(SourceProblem, match="not a plain file"):
        Submission("mine", (tmp_path,)).sources(PROGRAM)


def test_a_huge_source_is_refused(tmp_path):
    (tmp_path / "server.c").write_bytes(b" " * (SOURCE_CAP_BYTES + 1))
    with pytest.raises(SourceProblem, match="larger than 1 MiB"):
        Submission("mine", (tmp_path,)).sources(PROGRAM)


def test_the_workspace_is_judged_when_it_has_the_exercise(tmp_path):
    workspace = tmp_path / "work"
    (workspace / "fifo").mkdir(parents=True)
    assert find_submission(tmp_path, "fifo", None, workspace).folders == (tmp_path / "fifo" / "solution",)
    (workspace / "fifo" / "reader.c").write_text("")
    assert find_submission(tmp_path, "fifo", None, workspace).folders == (workspace / "fifo",)


def test_a_submission_that_is_no_folder_is_a_usage_error(tmp_path):
    with pytest.raises(UsageError, match="there is no folder"):
        find_submission(tmp_path, "fifo", tmp_path / "nowhere", tmp_path)
