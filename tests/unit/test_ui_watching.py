"""What `check --watch` takes for a change: whatever way an editor saves, and not what it keeps for itself."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.labels import InstanceName
from orchestrator.spec.load import load_lab
from orchestrator.ui.checking import Wanted
from orchestrator.ui.watching import await_change, saved, watched_folders

LAB = load_lab(Path(__file__).parents[2] / "labs" / "lab-11")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A watched folder with a source."""
    (tmp_path / "fifo").mkdir()
    (tmp_path / "fifo" / "reader.c").write_text("int main(void) { return 0; }\n")
    return tmp_path / "fifo"


def save_in_place(path: Path) -> None:
    with path.open("r+") as file:
        file.write("int main(void) { return 1; }\n")


def save_by_renaming(path: Path) -> None:
    fresh = path.with_name(f"{path.name}~")
    fresh.write_text("int main(void) { return 1; }\n")
    fresh.replace(path)


def keep_a_copy_and_write_anew(path: Path) -> None:
    path.rename(path.with_name(f"{path.name}~"))
    path.write_text("int main(void) { return 1; }\n")


def put_an_old_file_in_its_place(path: Path) -> None:
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    save_by_renaming(path)
    other.replace(path)


def delete(path: Path) -> None:
    path.unlink()


@pytest.mark.parametrize(
    "save", [save_in_place, save_by_renaming, keep_a_copy_and_write_anew, put_an_old_file_in_its_place, delete]
)
def test_a_saved_file_is_a_change_however_it_was_saved(folder: Path, save: object) -> None:
    seen = saved([folder])
    assert callable(save)
    save(folder / "reader.c")
    assert await_change([folder], seen) == {folder / "reader.c"}


@pytest.mark.parametrize("name", ["writer.c", "common.h", "test_fifo.py", "exercise.yaml", "wrong/x/reader.c"])
def test_a_new_file_is_a_change(folder: Path, name: str) -> None:
    seen = saved([folder])
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("new")
    assert await_change([folder], seen) == {path}


@pytest.mark.parametrize("name", [".reader.c.swp", ".#reader.c", "#reader.c#", "reader.c~", "4913", "reader", "x.o"])
def test_what_editors_and_compilers_leave_is_none(folder: Path, name: str) -> None:
    seen = saved([folder])
    (folder / name).write_text("new")
    assert saved([folder]) == seen


def test_the_lock_of_an_editor_that_leads_nowhere_is_none(folder: Path) -> None:
    seen = saved([folder])
    (folder / ".#reader.c").symlink_to("student@host.4711:1")
    (folder / "lost.c").symlink_to("nowhere.c")
    assert saved([folder]) == seen


def test_the_labs_own_file_is_watched_too(folder: Path) -> None:
    seen = saved([folder])
    (folder.parent / "lab.yaml").write_text("title: x\n")
    assert await_change([folder], seen) == {folder.parent / "lab.yaml"}


def test_a_folder_that_is_not_there_yet_holds_nothing(tmp_path: Path) -> None:
    assert saved([tmp_path / "work" / "lab-11" / "fifo"]) == {}


def test_the_workspace_is_watched_or_what_was_given_and_the_lab(tmp_path: Path) -> None:
    name = InstanceName("lab-11")
    root = LAB.root
    work = root.parent.parent / "work" / "lab-11"
    assert watched_folders(LAB, Wanted(name, ("fifo",))) == [work / "fifo", root / "fifo"]
    given = Wanted(name, ("fifo", "tcp"), options={"submission": tmp_path})
    assert watched_folders(LAB, given) == [tmp_path / "fifo", tmp_path / "tcp", root / "fifo", root / "tcp"]
    assert len(watched_folders(LAB, Wanted(name))) == 2 * len(LAB.exercises)
