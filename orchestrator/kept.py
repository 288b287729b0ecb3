"""Small private files that save work and may vanish at any time: what `settled` and `resolved` keep between commands.

They lie in the folder of locks, which only this user can read or write, and are worth nothing after a restart.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from orchestrator.labels import InstanceName
from orchestrator.lock import lock_folder

PACKAGE = Path(__file__).parent


def read(name: InstanceName, kind: str) -> str:
    """What was kept for an instance; empty if there is nothing."""
    try:
        return _file(name, kind).read_text()
    except (OSError, ValueError):
        return ""


def write(name: InstanceName, kind: str, text: str) -> None:
    """Keep `text`, whole or not at all."""
    path = _file(name, kind)
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.write_text(text)
    fresh.replace(path)


def digest(parts: Iterable[str]) -> str:
    """One digest of all parts."""
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def code() -> Iterator[str]:
    """Our own files with their sizes and times: another version of us may want another world."""
    for folder in (PACKAGE, PACKAGE / "spec", PACKAGE / "engine"):
        with os.scandir(folder) as entries:
            for entry in sorted(entries, key=lambda one: one.name):
                if entry.name.endswith(".py"):
                    status = entry.stat()
                    yield f"{entry.path} {status.st_size} {status.st_mtime_ns}"


def _file(name: InstanceName, kind: str) -> Path:
    return lock_folder() / f"{name.lab}.{name.instance}.{kind}"
