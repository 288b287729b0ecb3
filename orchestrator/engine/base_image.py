"""A base image that is not there: imported from a tarball, pulled, or made on this machine from Debian's packages.

Which base that is, is `bases`' to say.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

from orchestrator.engine import bootstrap
from orchestrator.engine.base import Engine, Progress
from orchestrator.engine.bases import Base
from orchestrator.engine.command import Runner
from orchestrator.engine.context import renaming
from orchestrator.engine.machine import Machine
from orchestrator.engine.pull import pull_if_possible
from orchestrator.errors import EngineError, ImageError


def make(engine: Engine, base: Base, progress: Progress, machine: Machine, runner: Runner) -> None:
    """Make the base, in the way that its kind needs; it is there under its reference then.

    Raises:
        ImageError: It can neither be imported, pulled nor made; says what to do.
    """
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
