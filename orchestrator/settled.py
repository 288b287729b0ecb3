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

from orchestrator.engine import images
from orchestrator.engine.base import Engine
from orchestrator.engine.context import names, reference
from orchestrator.labels import InstanceName
from orchestrator.lock import lock_folder
from orchestrator.workspace import student_uid
from orchestrator.world import Observed

PACKAGE = Path(__file__).parent


def is_settled(engine: Engine, lab: Path, name: InstanceName, base_image: str | None = None) -> bool:
    """Whether `up` of the lab in the folder `lab` is known to have nothing to do."""
    try:
        known = _file(name).read_text()
    except OSError:
        return False
    references = all_references(base_image)
    return known == _digest(lab, references, engine.observe(name, images=tuple(references.values())))


def remember(lab: Path, name: InstanceName, references: Mapping[str, str], observed: Observed) -> None:
    """Keep in mind that `up` has nothing to do when this is what there is, `references` being those of all images."""
    path = _file(name)
    fresh = path.with_suffix(f".{os.getpid()}")
    fresh.write_text(_digest(lab, references, observed))
    fresh.replace(path)


def all_references(base_image: str | None = None) -> dict[str, str]:
    """The references of every image that we can build, by its folder of `images/`."""
    base = images.base_reference(base_image)
    return {name: reference(name, base, arguments()) for name in names()}


def _digest(lab: Path, references: Mapping[str, str], observed: Observed) -> str:
    """Of everything that decides what `up` does: the definition, our code, the images, and what there is."""
    parts = [
        str(lab.resolve()),
        hashlib.sha256((lab / "lab.yaml").read_bytes()).hexdigest(),
        json.dumps(references, sort_keys=True),
        *sorted(_code()),
        json.dumps(asdict(observed), sort_keys=True, default=sorted),
    ]
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def arguments() -> dict[str, str]:
    """What images are built with."""
    return {"STUDENT_UID": str(student_uid())}


def _code() -> Iterator[str]:
    """Our own files with their sizes and times: another version of us may want another world."""
    for folder in (PACKAGE, PACKAGE / "spec", PACKAGE / "engine"):
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(".py"):
                    status = entry.stat()
                    yield f"{entry.path} {status.st_size} {status.st_mtime_ns}"


def _file(name: InstanceName) -> Path:
    return lock_folder() / f"{name.lab}.{name.instance}.settled"
