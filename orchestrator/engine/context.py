"""What goes into an image of ours: its folder as a build context, and the reference that all of it gives.

Pure but for reading files. Building is `images`'s.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

IMAGES = Path(__file__).resolve().parents[2] / "images"
IGNORED_NAMES = frozenset({"__pycache__"})
REPOSITORY = "ipclab"


def names(images: Path = IMAGES) -> list[str]:
    """The images that can be built: the folders of `images/` that hold a Dockerfile."""
    return sorted(path.parent.name for path in images.glob("*/Dockerfile"))


def context(folder: Path) -> bytes:
    """A tar archive of the folder that is the same whenever the files' names, contents and executable bits are.

    A symbolic link goes in as what it points to, which may lie elsewhere.
    """
    return _archive((path.relative_to(folder).as_posix(), path) for path in _inside(folder))


def _inside(folder: Path) -> Iterator[Path]:
    """Folders, each before what is in it, and files, in an order that does not depend on the file system."""
    for path in sorted(folder.iterdir()):
        if path.name in IGNORED_NAMES or path.name.startswith("."):
            continue
        yield path
        if path.is_dir():
            yield from _inside(path)


def _archive(members: Iterable[tuple[str, Path | bytes]]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name, source in members:
            header, content = _member(name, source)
            archive.addfile(header, io.BytesIO(content))
    return buffer.getvalue()


def _member(name: str, source: Path | bytes) -> tuple[tarfile.TarInfo, bytes]:
    """Owner, group and time stay 0."""
    header = tarfile.TarInfo(name)
    content = b""
    if isinstance(source, Path) and source.is_dir():
        header.type = tarfile.DIRTYPE
        header.mode = 0o755
    elif isinstance(source, Path):
        content = source.read_bytes()
        header.mode = 0o755 if source.stat().st_mode & 0o100 else 0o644
    else:
        content = source
    header.size = len(content)
    return header, content


def reference(name: str, base: str, arguments: Mapping[str, str], images: Path = IMAGES) -> str:
    """`ipclab/lab:<12 hex>`: another one whenever the folder, the base's reference or a build argument differs."""
    digest = hashlib.sha256(context(images / name))
    digest.update(json.dumps([base, sorted(arguments.items())]).encode())
    return f"{REPOSITORY}/{name}:{digest.hexdigest()[:12]}"


def latest(name: str) -> str:
    """The tag that Compose files and people use for the newest build."""
    return f"{REPOSITORY}/{name}:latest"


def renaming(source: str) -> bytes:
    """A build context whose image is `source` itself: building it gives that another name."""
    return _archive([("Dockerfile", f"FROM {source}\n".encode())])
