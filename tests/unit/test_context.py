"""What goes into an image: an archive that depends on nothing else, and a reference that depends on all of it."""

from __future__ import annotations

import io
import os
import re
import tarfile
from pathlib import Path

import pytest

from orchestrator.engine.context import IMAGES, context, latest, names, reference, renaming


def folder(root: Path, files: dict[str, str]) -> Path:
    """A folder of files, written in this order."""
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


def members(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        opened = {member.name: tar.extractfile(member) for member in tar}
        return {name: file.read() if file else b"" for name, file in opened.items()}


def test_the_order_and_the_times_of_files_do_not_matter(tmp_path: Path) -> None:
    one = folder(tmp_path / "one", {"Dockerfile": "FROM x", "agent/a.py": "a", "agent/b.py": "b"})
    other = folder(tmp_path / "other", {"agent/b.py": "b", "agent/a.py": "a", "Dockerfile": "FROM x"})
    os.utime(other / "Dockerfile", (1, 1))
    assert context(one) == context(other)


def test_an_archive_tells_neither_owner_nor_time_nor_umask(tmp_path: Path) -> None:
    root = folder(tmp_path, {"Dockerfile": "FROM x", "agent/run": "#!"})
    (root / "Dockerfile").chmod(0o600)
    (root / "agent/run").chmod(0o711)
    with tarfile.open(fileobj=io.BytesIO(context(root))) as tar:
        found = {member.name: (member.mode, member.uid, member.gid, member.mtime) for member in tar}
    assert found == {
        "Dockerfile": (0o644, 0, 0, 0),
        "agent": (0o755, 0, 0, 0),
        "agent/run": (0o755, 0, 0, 0),
    }


def test_a_link_goes_in_as_what_it_points_to(tmp_path: Path) -> None:
    (tmp_path / "framing.py").write_text("real")
    root = folder(tmp_path / "lab", {"Dockerfile": "FROM x"})
    (root / "agent").mkdir()
    (root / "agent/framing.py").symlink_to("../../framing.py")
    assert members(context(root))["agent/framing.py"] == b"real"


def test_what_tools_leave_in_folders_stays_out(tmp_path: Path) -> None:
    root = folder(
        tmp_path, {"Dockerfile": "FROM x", "agent/__pycache__/a.pyc": "x", ".dockerignore": "x", ".a.swp": ""}
    )
    assert sorted(members(context(root))) == ["Dockerfile", "agent"]


def test_a_reference_differs_when_anything_that_goes_in_does(tmp_path: Path) -> None:
    root = folder(tmp_path / "lab", {"Dockerfile": "FROM x", "pause.c": "one"})
    arguments = {"STUDENT_UID": "1000"}
    first = reference("lab", "ipclab/base:a", arguments, tmp_path)
    assert re.fullmatch(r"ipclab/lab:[0-9a-f]{12}", first)
    assert reference("lab", "ipclab/base:a", dict(arguments), tmp_path) == first
    others = [
        reference("lab", "ipclab/base:b", arguments, tmp_path),
        reference("lab", "ipclab/base:a", {"STUDENT_UID": "1001"}, tmp_path),
    ]
    (root / "pause.c").write_text("two")
    others.append(reference("lab", "ipclab/base:a", arguments, tmp_path))
    assert len({first, *others}) == 4


def test_an_executable_bit_is_part_of_the_content(tmp_path: Path) -> None:
    root = folder(tmp_path / "lab", {"Dockerfile": "FROM x", "run": ""})
    first = reference("lab", "b", {}, tmp_path)
    (root / "run").chmod(0o755)
    assert reference("lab", "b", {}, tmp_path) != first


def test_images_are_the_folders_that_have_a_dockerfile(tmp_path: Path) -> None:
    folder(tmp_path, {"lab/Dockerfile": "", "router/Dockerfile": "", "notes/README.md": ""})
    assert names(tmp_path) == ["lab", "router"]


def test_our_own_image_is_there_with_its_agent() -> None:
    assert "lab" in names()
    assert {"Dockerfile", "pause.c", "agent/__main__.py", "agent/framing.py"} <= members(context(IMAGES / "lab")).keys()


def test_renaming_an_image_is_a_build_that_adds_nothing() -> None:
    assert members(renaming("debian:bookworm-slim")) == {"Dockerfile": b"FROM debian:bookworm-slim\n"}


def test_the_newest_build_has_a_name_that_does_not_change() -> None:
    assert latest("lab") == "ipclab/lab:latest"


@pytest.mark.parametrize("name", ["Dockerfile", "pause.c"])
def test_what_is_built_is_what_the_repository_has(name: str) -> None:
    assert members(context(IMAGES / "lab"))[name] == (IMAGES / "lab" / name).read_bytes()
