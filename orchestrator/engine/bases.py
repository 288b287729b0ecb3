"""What images are built on: which base a choice means. Making one that is not there is `base_image`'s."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from orchestrator.engine.context import REPOSITORY
from orchestrator.engine.machine import Machine
from orchestrator.errors import UsageError

SUITE = "bookworm"
"""The oldest that will do, and what machines get that are not Debian."""
TOO_OLD = frozenset({"jessie", "stretch", "buster", "bullseye"})
TARBALLS = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2", ".tar.zst")
PATHS = ("/", "./", "../", "~")


@dataclass(frozen=True, slots=True)
class Base:
    """What images are built on: its name on the engine, and where it comes from if it is not there."""

    reference: str
    tarball: Path | None = None
    suite: str = ""
    """A Debian suite, when the choice is ours."""


def choose_base(choice: str | None, machine: Machine) -> Base:
    """The base that `--base-image` names, else the one of this machine's Debian release, else of `SUITE`.

    Raises:
        UsageError: `choice` looks like a tarball's path, and there is no such file.
    """
    if not choice:
        suite = suite_of(machine)
        return Base(f"{REPOSITORY}/base:{suite}", suite=suite)
    # Not whatever there is a file of: a file `debian` in the current folder does not make that image a tarball.
    if choice.endswith(TARBALLS) or choice.startswith(PATHS):
        return _tarball(Path(choice).expanduser())
    return Base(choice)


def _tarball(path: Path) -> Base:
    try:
        status = path.stat()
    except OSError as error:
        raise UsageError(f"the base image {path} can't be read: {error.strerror}") from error
    # Not a digest of the content: every command would read some hundred megabytes to learn a name.
    marks = f"{path.resolve()} {status.st_size} {status.st_mtime_ns}"
    return Base(f"{REPOSITORY}/base:{hashlib.sha256(marks.encode()).hexdigest()[:12]}", tarball=path)


def suite_of(machine: Machine) -> str:
    """The Debian release that a base is made of: this machine's own, for whose archive it has keys and mirrors."""
    codename = machine.release.get("VERSION_CODENAME", "")
    own = machine.release.get("ID") == "debian" and codename and codename not in TOO_OLD
    return codename if own else SUITE
