"""Whether an instance is known to be as its definition wants it, without reading the definition.

What `up` does depends on nothing but its inputs and what the engine has: `reconcile` is pure. So when both are what
they were when there was nothing to do, there is nothing to do now. Their digest is kept in a private file; a missing or
stale one costs time and nothing else. It makes `up` of a lab that is up quick: YAML and models are not even imported.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from orchestrator import kept
from orchestrator.engine import images
from orchestrator.engine.base import Engine
from orchestrator.engine.context import references
from orchestrator.labels import InstanceName
from orchestrator.workspace import student_uid
from orchestrator.world import Observed

KIND = "settled"


def is_settled(engine: Engine, lab: Path, name: InstanceName, base_image: str | None = None) -> bool:
    """Whether `up` of the lab in the folder `lab` is known to have nothing to do."""
    known = kept.read(name, KIND)
    if not known:
        return False
    wanted = all_references(base_image)
    return known == _digest(lab, wanted, engine.observe(name, images=tuple(wanted.values())))


def remember(lab: Path, name: InstanceName, references: Mapping[str, str], observed: Observed) -> None:
    """Keep in mind that `up` has nothing to do when this is what there is, `references` being those of all images."""
    kept.write(name, KIND, _digest(lab, references, observed))


def all_references(base_image: str | None = None) -> dict[str, str]:
    """The references of every image that we can build, by its folder of `images/`."""
    return references(images.base_reference(base_image), arguments())


def arguments() -> dict[str, str]:
    """What images are built with."""
    return {"STUDENT_UID": str(student_uid())}


def _digest(lab: Path, references: Mapping[str, str], observed: Observed) -> str:
    """Of everything that decides what `up` does: the definition, our code, the images, and what there is."""
    return kept.digest(
        [
            str(lab.resolve()),
            (lab / "lab.yaml").read_bytes().hex(),
            json.dumps(references, sort_keys=True),
            *kept.code(),
            json.dumps(asdict(observed), sort_keys=True, default=sorted),
        ]
    )
