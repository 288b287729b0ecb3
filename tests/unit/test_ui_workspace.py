"""A student's workspace: nothing in it is ever lost, and nothing outside is touched, whatever lies in it."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from orchestrator.errors import MachineError
from orchestrator.spec.load import LabDefinition, load_lab
from orchestrator.ui.workspace import lay_out
from orchestrator.workspace import ROOTS_STUDENT_UID, give_to_student, prepare, workspace_of

ROOT = Path(__file__).parents[2]


@pytest.fixture
def lab(tmp_path: Path) -> LabDefinition:
    """A lab with one exercise, its workspace not there yet."""
    copy = tmp_path / "labs" / "lab-11"
    shutil.copytree(ROOT / "labs" / "lab-11", copy)
    (tmp_path / "images").symlink_to(ROOT / "images")
    return load_lab(copy, only=["fifo"])


@pytest.fixture
def work(lab: LabDefinition) -> Path:
    return prepare(lab.root)


def test_the_workspace_lies_beside_the_labs(lab: LabDefinition, tmp_path: Path) -> None:
    assert workspace_of(lab.root) == tmp_path / "work" / "lab-11"


def test_starters_are_copied_and_a_second_time_kept(lab: LabDefinition, work: Path) -> None:
    assert list(lay_out(lab)) == [f"created  {work}/fifo/reader.c", f"created  {work}/fifo/writer.c"]
    starter = lab.root / "fifo" / "starter" / "reader.c"
    assert (work / "fifo" / "reader.c").read_bytes() == starter.read_bytes()
    (work / "fifo" / "reader.c").write_text("my work")
    (work / "fifo" / "writer.c").unlink()
    assert list(lay_out(lab)) == [f"kept     {work}/fifo/reader.c", f"created  {work}/fifo/writer.c"]
    assert (work / "fifo" / "reader.c").read_text() == "my work"


def test_what_is_given_lies_beside_the_starters(lab: LabDefinition, work: Path) -> None:
    assert list(lay_out(load_lab(lab.root, only=["display"]))) == [
        f"created  {work}/display/draw.c",
        f"created  {work}/display/x11.h",
    ]


def test_an_exercise_that_is_a_link_is_refused_and_nothing_is_written_where_it_leads(
    lab: LabDefinition, work: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (work / "fifo").symlink_to(elsewhere)
    with pytest.raises(MachineError, match="fifo is no folder to write in"):
        list(lay_out(lab))
    assert list(elsewhere.iterdir()) == []


def test_an_exercise_that_is_a_file_is_refused(lab: LabDefinition, work: Path) -> None:
    (work / "fifo").write_text("in the way")
    with pytest.raises(MachineError, match="fifo is no folder to write in"):
        list(lay_out(lab))


@pytest.mark.parametrize("target", ["there", "not-there"])
def test_a_link_in_the_place_of_a_file_is_kept_and_not_written_through(
    lab: LabDefinition, work: Path, tmp_path: Path, target: str
) -> None:
    (tmp_path / "there").write_text("precious")
    (work / "fifo").mkdir()
    (work / "fifo" / "reader.c").symlink_to(tmp_path / target)
    assert f"kept     {work}/fifo/reader.c" in list(lay_out(lab))
    assert (tmp_path / "there").read_text() == "precious"
    assert not (tmp_path / "not-there").exists()


def test_a_workspace_that_can_not_be_made_is_the_machines_fault(lab: LabDefinition, tmp_path: Path) -> None:
    (tmp_path / "work").write_text("in the way")
    with pytest.raises(MachineError, match=r"work/lab-11 can't be made"):
        prepare(lab.root)


@pytest.mark.skipif(os.getuid() != 0, reason="only root has files to give away")
def test_what_root_made_in_it_becomes_the_students_and_nothing_else_does(work: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("root's")
    (work / "fifo").mkdir()
    (work / "fifo" / "reader.c").write_text("edited by root")
    (work / "fifo" / "others.c").write_text("somebody else's")
    os.chown(work / "fifo" / "others.c", 4711, 4711)
    (work / "folder").symlink_to(outside)
    (work / "file").symlink_to(outside / "secret")
    give_to_student(work)
    owners = {path.name: path.lstat().st_uid for path in (work, *work.rglob("*"))}
    student = dict.fromkeys(("lab-11", "fifo", "reader.c", "folder", "file"), ROOTS_STUDENT_UID)
    assert owners == {**student, "others.c": 4711}
    assert {path.lstat().st_uid for path in (outside, outside / "secret")} == {0}
