"""What goes into an image of ours: its folder as a build context, and the reference that all of it gives.

Pure but for reading files. Building is `images`'s.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

IMAGES = Path(__file__).resolve().parents[2] / "images"
IGNORED_NAMES = frozenset({"__pycache__"})
REPOSITORY = "ipclab"
FOUNDATION = "lab"
"""The image that others may stand on."""


def names(images: Path = IMAGES) -> list[str]:
    """The images that can be built: the folders of `images/` that hold a Dockerfile."""
    return sorted(path.parent.name for path in images.glob("*/Dockerfile"))


def parent(name: str, images: Path = IMAGES) -> str | None:
    """The image of ours that another stands on, which its Dockerfile says with `ARG LAB`; None for one on the base."""
    text = (images / name / "Dockerfile").read_text()
    return FOUNDATION if re.search(r"^ARG LAB\b", text, re.MULTILINE) else None


def references(base: str, arguments: Mapping[str, str], images: Path = IMAGES) -> dict[str, str]:
    """The references of all images that can be built, by name, on the base with this reference."""
    return {name: reference_on(name, base, arguments, images) for name in names(images)}


def reference_on(name: str, base: str, arguments: Mapping[str, str], images: Path = IMAGES) -> str:
    """The reference of an image, whether it stands on the base or on another image of ours that does.

    Build arguments are those of the image on the base: they say who the users are.
    """
    above = parent(name, images)
    if above is None:
        return reference(name, base, arguments, images)
    return reference(name, reference(above, base, arguments, images), {}, images)


@dataclass(frozen=True, slots=True)
class Member:
    """One entry of a build context."""

    name: str
    mode: int
    content: bytes | None
    """None for a folder."""


def context(folder: Path) -> bytes:
    """A tar archive of the folder that is the same whenever the files' names, contents and executable bits are.

    A symbolic link goes in as what it points to, which may lie elsewhere.
    """
    return _archive(members(folder))


def members(folder: Path) -> Iterator[Member]:
    """Folders, each before what is in it, and files, in an order that does not depend on the file system."""
    for path in _inside(folder):
        name = path.relative_to(folder).as_posix()
        if path.is_dir():
            yield Member(name, 0o755, None)
        else:
            yield Member(name, 0o755 if path.stat().st_mode & 0o100 else 0o644, path.read_bytes())


def _inside(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.iterdir()):
        if path.name in IGNORED_NAMES or path.name.startswith("."):
            continue
        yield path
        if path.is_dir():
            yield from _inside(path)


def _archive(entries: Iterable[Member]) -> bytes:
    """Owner, group and times are 0."""
    import tarfile  # not above: every command asks for references, which need no archive

    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for entry in entries:
            header = tarfile.TarInfo(entry.name)
            header.type = tarfile.DIRTYPE if entry.content is None else tarfile.REGTYPE
            header.mode = entry.mode
            header.size = len(entry.content or b"")
            archive.addfile(header, io.BytesIO(entry.content or b""))
    return buffer.getvalue()


def reference(name: str, base: str, arguments: Mapping[str, str], images: Path = IMAGES) -> str:
    """`ipclab/lab:<12 hex>`: another one whenever the folder, the base's reference or a build argument differs."""
    digest = hashlib.sha256(json.dumps([base, sorted(arguments.items())]).encode())
    for entry in members(images / name):
        head = [entry.name, entry.mode, None if entry.content is None else len(entry.content)]
        digest.update(json.dumps(head).encode())
        digest.update(entry.content or b"")
    return f"{REPOSITORY}/{name}:{digest.hexdigest()[:12]}"


def latest(name: str) -> str:
    """The tag that Compose files and people use for the newest build."""
    return f"{REPOSITORY}/{name}:latest"


def renaming(source: str) -> bytes:
    """A build context whose image is `source` itself: building it gives that another name."""
    return _archive([Member("Dockerfile", 0o644, f"FROM {source}\n".encode())])
