"""The images of hosts and containers: the base that they stand on, made if it is missing, and their building.

What goes into an image and the reference that this gives are `context`'s; making a root file system is `bootstrap`'s.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from orchestrator.engine import bootstrap
from orchestrator.engine.apt import LOOPBACK
from orchestrator.engine.base import Engine, Progress
from orchestrator.engine.command import Runner, run
from orchestrator.engine.context import IMAGES, REPOSITORY, context, latest, reference, renaming
from orchestrator.engine.machine import Machine, this_machine
from orchestrator.engine.pull import pull_if_possible
from orchestrator.errors import EngineError, ImageError, UsageError
from orchestrator.lock import held
from orchestrator.world import ImageSpec

SUITE = "bookworm"
"""The oldest that will do, and what machines get that are not Debian."""
TOO_OLD = frozenset({"jessie", "stretch", "buster", "bullseye"})
TARBALLS = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2", ".tar.zst")
PATIENCE_S = 1800.0
PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy")
CALM_S = 5.0


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
    path = Path(choice).expanduser()
    if choice.endswith(TARBALLS) or path.is_file():
        return _tarball(path)
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


def base_reference(choice: str | None) -> str:
    """What the base is called on the engine; nothing is made."""
    return choose_base(choice, this_machine()).reference


def ensure_base(
    engine: Engine, choice: str | None, progress: Progress, *, machine: Machine | None = None, runner: Runner = run
) -> str:
    """The reference of the base image, which is there now: imported, pulled or made by mmdebstrap if it was not.

    Raises:
        UsageError: `choice` names a file that is not there.
        ImageError: It can neither be found, pulled nor made; says what to do.
    """
    machine = machine or this_machine()
    base = choose_base(choice, machine)
    if engine.image_id(base.reference) is None:
        with _alone_with(base.reference, progress):
            if engine.image_id(base.reference) is None:
                _make(engine, base, progress, machine, runner)
    return base.reference


def _make(engine: Engine, base: Base, progress: Progress, machine: Machine, runner: Runner) -> None:
    if base.tarball:
        progress(f"importing {base.tarball} as {base.reference}")
        _import(engine, base.tarball, base.reference, fix="a .tar that is not compressed is taken by every engine")
    elif not base.suite:
        progress(f"pulling {base.reference}")
        engine.pull_image(base.reference, progress)
    else:
        _make_debian(engine, base, progress, machine, runner)


def _make_debian(engine: Engine, base: Base, progress: Progress, machine: Machine, runner: Runner) -> None:
    slim = f"debian:{base.suite}-slim"
    if engine.image_id(slim) is not None or pull_if_possible(engine, slim, progress):
        engine.build_image(renaming(slim), [base.reference], {}, lambda line: None)
        return
    theirs = engine.info().architecture
    if theirs != machine.architecture:
        raise ImageError(
            f"a base image for {theirs} can't be made on this machine, which is {machine.architecture}",
            fix=bootstrap.other_base(),
        )
    progress(f"making a base image of {base.suite} with mmdebstrap")
    # Without a name, so that nothing stays if we are killed; the path is of the descriptor, which both ends can open.
    with tempfile.TemporaryFile() as archive:
        bootstrap.make_root(base.suite, archive, machine, runner, progress)
        _import(engine, Path(f"/proc/self/fd/{archive.fileno()}"), base.reference, fix=bootstrap.other_base())


def _import(engine: Engine, archive: Path, name: str, *, fix: str) -> None:
    try:
        engine.import_image(archive, name)
    except (EngineError, ImageError) as error:
        raise ImageError(error.what, fix=error.fix or fix) from error


def build(
    engine: Engine,
    spec: ImageSpec,
    *,
    base: str | None,
    arguments: Mapping[str, str],
    progress: Progress,
    images: Path = IMAGES,
) -> None:
    """Build one of our images, and its base if need be, and tag it with its reference and `latest`; one there is kept.

    `base` is the choice of `--base-image`, `arguments` are what `spec.reference` was made with. Of two processes that
    build the same image the second waits for the first.

    Raises:
        ImageError: A step failed; says which and shows its last lines.
    """
    with _alone_with(spec.reference, progress):
        if engine.image_id(spec.reference) is not None:
            return
        below = ensure_base(engine, base, progress)
        if spec.reference != reference(spec.name, below, arguments, images):
            raise ImageError(f"the files of images/{spec.name} changed while it was about to be built", fix="try again")
        engine.build_image(
            context(images / spec.name),
            [spec.reference, latest(spec.name)],
            {**proxies(os.environ), **arguments, "BASE": below},
            calm(progress),
        )


def _alone_with(reference: str, progress: Progress) -> AbstractContextManager[None]:
    """Hold the lock for making one image."""
    name = "image-" + reference.replace("/", "_").replace(":", "_")
    return held(name, patience_s=PATIENCE_S, on_wait=lambda line: progress(f"{line}, which makes {reference}"))


def proxies(environment: Mapping[str, str]) -> dict[str, str]:
    """The settings of a proxy that a step of a build needs to reach Debian's archive; not part of the image."""
    found = {name: environment.get(name) or environment.get(name.upper(), "") for name in PROXIES}
    return {name: value for name, value in found.items() if value and not _is_loopback(value)}


def _is_loopback(proxy: str) -> bool:
    return urlsplit(proxy).hostname in LOOPBACK


def calm(progress: Progress, clock: Callable[[], float] = time.monotonic) -> Progress:
    """A build's progress that people can read: all its steps, and of each step's output a line now and then."""
    told_at = clock()

    def say(line: str) -> None:
        nonlocal told_at
        is_step = line.startswith("Step ")
        if is_step or clock() - told_at >= CALM_S:
            told_at = clock()
            progress(" ".join(line.split()))

    return say
