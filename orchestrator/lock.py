"""A lock that one process of this user holds at a time, gone when its holder is, however that ended.

flock(2) on a file of a private folder; what the lock guards is the caller's matter. It does not reach other users or
machines of the same engine: the executor recovers when it loses a race against those.
"""

from __future__ import annotations

import fcntl
import os
import shlex
import stat
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from orchestrator.errors import MachineError

POLL_S = 0.05
PATIENCE_S = 300.0
"""Longer than building the image from nothing takes."""
HOLDER_BYTES = 400


def lock_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """The folder for this user's locks, made if need be: below XDG_RUNTIME_DIR, else below /tmp.

    Raises:
        MachineError: Somebody else owns it.
    """
    runtime = environment.get("XDG_RUNTIME_DIR")
    folder = Path(runtime, "ipclab") if runtime and Path(runtime).is_dir() else Path(f"/tmp/ipclab-{os.getuid()}")
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise MachineError(f"{folder} is not a folder of yours", fix=f"Remove it: rm -r {folder}")
    return folder


@contextmanager
def held(
    name: str,
    *,
    folder: Path | None = None,
    patience_s: float = PATIENCE_S,
    settle_s: float = 0.0,
    on_wait: Callable[[str], None] = lambda line: None,
) -> Iterator[None]:
    """Hold the lock of that name while the block runs; `on_wait` hears once who has it when it is not free.

    When its last holder was killed with the lock in its hand, the block begins `settle_s` later: what that process
    had asked others to do comes to an end first.

    Raises:
        MachineError: It did not become free within `patience_s`; says who holds it.
    """
    path = (folder or lock_folder()) / f"{name}.lock"
    descriptor = _wait_for(path, time.monotonic() + patience_s, on_wait)
    try:
        if os.fstat(descriptor).st_size and settle_s:
            on_wait(f"{_holder(path)} was killed at work: waiting a moment for what it began")
            time.sleep(settle_s)
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()} {shlex.join(sys.argv)}".encode(errors="replace")[:HOLDER_BYTES], 0)
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(descriptor)


def _wait_for(path: Path, deadline: float, on_wait: Callable[[str], None]) -> int:
    told = False
    while (descriptor := _taken(path)) is None:
        who = _holder(path)
        if time.monotonic() > deadline:
            raise MachineError(f"{path.stem} is still in use by {who}", fix="Wait until that has ended, or end it.")
        if not told:
            on_wait(f"waiting for {who}")
        told = True
        time.sleep(POLL_S)
    return descriptor


def _taken(path: Path) -> int | None:
    """A descriptor that holds the lock; None when another holds it, or removed the file that we had opened."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if path.stat().st_ino == os.fstat(descriptor).st_ino:
            return descriptor
    except (BlockingIOError, FileNotFoundError):
        pass
    os.close(descriptor)
    return None


def _holder(path: Path) -> str:
    try:
        pid, _, command = path.read_text(errors="replace").partition(" ")
    except FileNotFoundError:
        return "a process that has just ended"
    return f"process {pid} ({ascii(command)[1:-1]})" if pid else "a process that has just begun"
