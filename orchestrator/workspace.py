"""Where a student works on a lab, and who the student is inside containers: files are exchanged by a bind mount.

Whatever is in a workspace may have been made by a student's program, which sees it as /work: nothing here follows a
link that lies in it, nor a folder that becomes one meanwhile.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
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
        # Programs that are judged have the student's group: they are kept out of the folder as a whole.
        folder.chmod(0o700)
        give_to_student(folder)
    except OSError as error:
        raise MachineError(f"{folder} can't be made: {error.strerror}") from error
    return folder


def give_to_student(folder: Path) -> None:
    """Make root's files in a workspace the student's; nothing when ipclab is not run by root."""
    if os.getuid() != 0:
        return
    # By descriptor and name: a path could lead elsewhere by the time it is used, and /etc/passwd is root's, too.
    for _, folders, files, here in os.fwalk(folder):
        for name in (".", *folders, *files):
            with suppress(FileNotFoundError):
                if os.stat(name, dir_fd=here, follow_symlinks=False).st_uid == 0:
                    os.chown(name, ROOTS_STUDENT_UID, STUDENT_GID, dir_fd=here, follow_symlinks=False)


@contextmanager
def folder_in(workspace: Path, name: str) -> Iterator[int]:
    """A descriptor of a folder in a workspace, made if it is not there.

    Raises:
        MachineError: It can't be made, or is something else: a link, for example.
    """
    try:
        above = os.open(workspace, os.O_RDONLY | os.O_DIRECTORY)
        try:
            with suppress(FileExistsError):
                os.mkdir(name, dir_fd=above)
            here = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, dir_fd=above)
        finally:
            os.close(above)
    except OSError as error:
        raise MachineError(f"{workspace / name} is no folder to write in: {error.strerror}") from error
    try:
        yield here
    finally:
        os.close(here)


def create(folder: int, name: str, content: bytes) -> bool:
    """Write a new file in the folder with that descriptor; False when there is something of that name, which is kept.

    Raises:
        OSError: It can't be written.
    """
    try:
        # O_EXCL: two runs at once, or a file that appears meanwhile, must not cost a student any work.
        descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644, dir_fd=folder)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    return True
