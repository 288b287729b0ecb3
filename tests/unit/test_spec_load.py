"""Labs as a whole: found by name, read whole or in part, and the course's own lab."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.errors import DefinitionError, UsageError
from orchestrator.spec.find import find_lab, lab_names
from orchestrator.spec.lab import Lab
from orchestrator.spec.load import MAX_PROBLEMS, load_lab, load_lab_only
from orchestrator.spec.quantity import size_bytes

LABS = Path(__file__).parents[2] / "labs"


def make(folder: Path, text: str = "title: x\nhosts: {a: {containers: {b: {}}}}\n") -> Path:
    folder.mkdir(parents=True)
    (folder / "lab.yaml").write_text(text)
    return folder


@pytest.mark.parametrize("name", ["lab-03", "03", "3"])
def test_a_lab_is_found_by_its_name_or_number(tmp_path, name):
    make(tmp_path / "lab-03")
    assert find_lab(tmp_path, name) == tmp_path / "lab-03"


def test_a_lab_is_found_by_its_path(tmp_path):
    folder = make(tmp_path / "elsewhere" / "mine")
    assert find_lab(tmp_path / "labs", str(folder)) == folder
    assert find_lab(tmp_path / "labs", str(folder / "lab.yaml")) == folder


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("lab-12", "there is no lab 'lab-12'\nDid you mean `lab-11`?"),
        ("12", "there is no lab '12'\nDid you mean `lab-11`?"),
        ("fork", "there is no lab 'fork'\nChoose from lab-03, lab-11"),
        ("x" * 5000, f"there is no lab '{'x' * 5000}'\nChoose from lab-03, lab-11"),
    ],
)
def test_a_lab_that_is_not_there_is_a_usage_error(tmp_path, name, expected):
    make(tmp_path / "lab-03")
    make(tmp_path / "lab-11")
    with pytest.raises(UsageError) as error:
        find_lab(tmp_path, name)
    assert str(error.value) == expected


def test_a_folder_without_labs_says_so(tmp_path):
    with pytest.raises(UsageError, match="holds no lab"):
        find_lab(tmp_path, "lab-11")
    assert lab_names(tmp_path / "nowhere") == ()


def test_a_lab_alone_is_read_without_its_exercises(tmp_path):
    folder = make(tmp_path / "lab-03", "title: x\nhosts: {a: {containers: {b: {}}}}\nexercises: [missing]\n")
    definition = load_lab_only(folder)
    assert (definition.root, definition.name, dict(definition.exercises)) == (folder, "lab-03", {})
    with pytest.raises(DefinitionError):
        load_lab(folder)


def test_a_folder_without_a_definition_is_a_problem_there(tmp_path):
    with pytest.raises(DefinitionError) as error:
        load_lab_only(tmp_path / "lab-03")
    assert str(error.value) == f"{tmp_path}/lab-03/lab.yaml:1:1: there is no such file; create it"


def test_a_lab_must_have_a_name_that_objects_can_carry(tmp_path):
    folder = make(tmp_path / "Lab 3")
    with pytest.raises(DefinitionError, match="`Lab 3` can't be the name of a lab"):
        load_lab_only(folder)


def test_more_problems_than_anybody_reads_are_cut_short(tmp_path):
    keys = "".join(f"key{number}: 1\n" for number in range(5000))
    with pytest.raises(DefinitionError) as error:
        load_lab_only(make(tmp_path / "lab-03", keys))
    assert len(error.value.problems) == MAX_PROBLEMS + 1
    assert "there is more to mend than is shown here" in str(error.value)


def test_some_exercises_are_read_while_others_are_unfinished(tmp_path):
    folder = make(tmp_path / "lab-03", "title: x\nhosts: {a: {containers: {b: {}}}}\nexercises: [fifo]\n")
    (folder / "fifo").mkdir()
    (folder / "fifo" / "exercise.yaml").write_text("nonsense")
    assert dict(load_lab(folder, only=[]).exercises) == {}
    with pytest.raises(DefinitionError):
        load_lab(folder, only=["fifo"])
    with pytest.raises(UsageError, match="has no exercise 'fifi'\nDid you mean `fifo`"):
        load_lab(folder, only=["fifi"])
    (folder / "lab.yaml").write_text("title: [")
    with pytest.raises(DefinitionError, match="a value is missing here"):
        load_lab(folder, only=["fifi"])


def test_a_definition_gives_what_was_written(tmp_path):
    text = """\
title: x
hosts:
  a:
    containers: {b: {limits: {memory: 64MiB}}}
    share: [ipc, net]
    ipc: {shm_size: 8MiB}
    volume: null
"""
    host = load_lab_only(make(tmp_path / "lab-03", text)).lab.hosts["a"]
    assert host.share == {"ipc", "net"}
    assert (host.ipc.shm_size, host.ipc.shmmax) == (size_bytes("8MiB"), size_bytes("16MiB"))
    assert host.volume is None
    assert host.containers["b"].limits is not None
    assert host.containers["b"].limits.model_dump(exclude_unset=True) == {"memory": size_bytes("64MiB")}


def test_a_model_can_be_made_of_plain_data_as_well():
    lab = Lab.model_validate(
        {"title": "x", "hosts": {"a": {"containers": {"b": {}}, "share": ["ipc"]}}, "exercises": ["c"]}
    )
    assert lab.exercises == ("c",)


def test_lab_11_is_right():
    definition = load_lab_only(LABS / "lab-11")
    assert list(definition.lab.hosts)[:3] == ["alpha", "beta", "island"]
    assert {"sysv-shm", "posix-shm", "fifo", "unix-socket", "tcp"} <= {*definition.lab.exercises}
    assert not definition.lab.hosts["island"].networks


def test_lab_11_and_its_exercises_are_right():
    definition = load_lab(LABS / "lab-11")
    assert tuple(definition.exercises) == definition.lab.exercises
    assert all(found.test_file.is_file() for found in definition.exercises.values())
