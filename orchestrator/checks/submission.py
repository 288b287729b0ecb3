"""A submission: a student's sources, untrusted, read by name and never executed or collected on this side."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.errors import UsageError
from orchestrator.spec.changes import changed
from orchestrator.spec.exercise import Change, Program, Wrong

SOURCE_CAP_BYTES = 1 << 20
FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
SOURCE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
"""Opening a FIFO for reading blocks without O_NONBLOCK, and a link may lead anywhere."""


class SourceProblem(Exception):
    """A declared source is absent or is not a plain file of sensible size: the student's to mend."""


@dataclass(frozen=True, slots=True)
class Submission:
    """Folders that hold one exercise's sources; a file is taken from the first folder that has it."""

    label: str
    """What to call it in reports: `work/lab-11/fifo`, `reference solution`."""
    folders: tuple[Path, ...]
    changes: tuple[Change, ...] = ()
    """What differs from the files in the folders: of a known-wrong solution of ours, never of a student's."""

    def sources(self, program: Program) -> Mapping[str, bytes]:
        """The program's sources by name.

        Raises:
            SourceProblem: One is absent, larger than 1 MiB, or no plain file (links are not followed).
        """
        return {name: self._read(name) for name in program.sources}

    def _read(self, name: str) -> bytes:
        for folder in self.folders:
            try:
                return self._changed(name, _read_plain(folder, name))
            except FileNotFoundError:
                continue
        raise SourceProblem(f"{name} is missing in {self.label}")

    def _changed(self, name: str, data: bytes) -> bytes:
        mine = [change for change in self.changes if change.file == name]
        return changed(data.decode(), mine).encode() if mine else data


def _read_plain(folder: Path, name: str) -> bytes:
    try:
        # The folder may be a link as well, to a solution, for example.
        here = os.open(folder, FOLDER)
        try:
            descriptor = os.open(name, SOURCE, dir_fd=here)
        finally:
            os.close(here)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise SourceProblem(f"{folder.name}/{name} cannot be read: {error.strerror}") from error
    # fdopen() itself refuses a folder, so the look comes first, while closing is still ours.
    plain = stat.S_ISREG(os.fstat(descriptor).st_mode)
    if not plain:
        os.close(descriptor)
        raise SourceProblem(f"{name} is not a plain file")
    with os.fdopen(descriptor, "rb") as file:
        data = file.read(SOURCE_CAP_BYTES + 1)
    if len(data) > SOURCE_CAP_BYTES:
        raise SourceProblem(f"{name} is larger than 1 MiB")
    return data


def find_submission(lab: Path, exercise: str, given: Path | None, workspace: Path) -> Submission:
    """Whose sources to judge: the given folder, else the workspace when it has this exercise, else the reference.

    Raises:
        UsageError: `given` is no folder.
    """
    if given is not None:
        if not given.is_dir():
            raise UsageError(
                f"there is no folder {given}", fix="--submission takes a folder that holds EXERCISE/FILE.c"
            )
        return Submission(str(given / exercise), (given / exercise,))
    own = workspace / exercise
    if own.is_dir() and any(own.iterdir()):
        return Submission(str(own), (own,))
    return reference(lab, exercise)


def reference(lab: Path, exercise: str) -> Submission:
    """The exercise's reference solution."""
    return Submission("the reference solution", (lab / exercise / "solution",))


def wrong(folder: Path, name: str, definition: Wrong) -> Submission:
    """A known-wrong solution of the exercise in `folder`: its files over the reference's, and its changes of these."""
    folders = (folder / "wrong" / name, folder / "solution")
    return Submission(f"known-wrong solution {name}", folders, definition.changes)
