"""Where a student works on a lab, and who the student is inside containers: files are exchanged by a bind mount."""

from __future__ import annotations

import os
from pathlib import Path

from orchestrator.errors import MachineError

STUDENT_GID = 1000
ROOTS_STUDENT_UID = 1000
"""Who the student is inside containers when ipclab itself is run by root."""


def workspace_of(lab: Path) -> Path:
    """`work/lab-11` beside the `labs/` that holds `lab`."""
    return lab.resolve().parent.parent / "work" / lab.name


def student_uid() -> int:
    """The user id of `student` inside containers: whoever runs ipclab, so that both may write the workspace."""
    return os.getuid() or ROOTS_STUDENT_UID


def prepare(lab: Path) -> Path:
    """The lab's workspace, made empty if it is not there: containers see it as /work.

    Raises:
        MachineError: It can't be made.
    """
    folder = workspace_of(lab)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        give_to_student(folder)
    except OSError as error:
        raise MachineError(f"{folder} can't be made: {error.strerror}") from error
    return folder


def give_to_student(folder: Path) -> None:
    """Make root's files in a workspace the student's; nothing when ipclab is not run by root."""
    if os.getuid() != 0 or not folder.is_dir():
        return
    for path in [folder, *folder.rglob("*")]:
        if path.lstat().st_uid == 0:
            os.chown(path, ROOTS_STUDENT_UID, STUDENT_GID, follow_symlinks=False)
