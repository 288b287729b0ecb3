"""Whether an instance is known to be as its definition wants it, without reading the definition.

What `up` does depends on nothing but its inputs and what the engine has: `reconcile` is pure. So when both are what
they were when there was nothing to do, there is nothing to do now. Their digest is kept in a private file; a missing or
stale one costs time and nothing else. It makes `up` of a lab that is up quick: YAML and models are not even imported.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path

from orchestrator.labels import InstanceName
from orchestrator.lock import lock_folder
from orchestrator.world import Observed

PACKAGE = Path(__file__).parent


def digest(lab_file: Path, name: InstanceName, references: Mapping[str, str], place: str, observed: Observed) -> str:
    """A digest of everything that decides what `up` does: the definition, our code, images, and what there is.

    `place` is where the engine answers: whether it sees this machine's folders hangs on that.
    """
    parts = [
        str(lab_file),
        hashlib.sha256(lab_file.read_bytes()).hexdigest(),
        str(name),
        place,
        json.dumps(references, sort_keys=True),
        *sorted(_code()),
        json.dumps(asdict(observed), sort_keys=True, default=sorted),
    ]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _code() -> Iterator[str]:
    """Our own files with their sizes and times: another version of us may want another world."""
    for folder in (PACKAGE, PACKAGE / "spec", PACKAGE / "engine"):
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(".py"):
                    status = entry.stat()
                    yield f"{entry.path} {status.st_size} {status.st_mtime_ns}"


def is_known(name: InstanceName, found: str) -> bool:
    """Whether this digest is the one that was remembered."""
    try:
        return _file(name).read_text() == found
    except OSError:
        return False


def remember(name: InstanceName, found: str) -> None:
    """Keep a digest of a moment at which there was nothing to do."""
    path = _file(name)
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.write_text(found)
    fresh.replace(path)


def _file(name: InstanceName) -> Path:
    return lock_folder() / f"{name.lab}.{name.instance}.settled"
