"""The images of hosts and containers: which base they stand on, and their building.

What goes into an image and the reference that this gives are `context`'s; where a base comes from that is not there is
`base_image`'s, which is imported only then: every command asks for references, few make anything.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from orchestrator.engine.base import Engine, Progress
from orchestrator.engine.bases import choose_base
from orchestrator.engine.context import IMAGES, context, latest, parent, reference_on
from orchestrator.engine.machine import Machine, this_machine
from orchestrator.errors import ImageError
from orchestrator.lock import held
from orchestrator.world import ImageSpec

if TYPE_CHECKING:
    from orchestrator.engine.command import Runner

PATIENCE_S = 1800.0
"""Longer than the packages of an image take over a slow line."""
PROXIES = ("http_proxy", "https_proxy", "ftp_proxy", "no_proxy", "all_proxy")
CALM_S = 5.0


def base_reference(choice: str | None) -> str:
    """What the base is called on the engine; nothing is made."""
    return choose_base(choice, this_machine()).reference


def ensure_base(
    engine: Engine,
    choice: str | None,
    progress: Progress,
    *,
    machine: Machine | None = None,
    runner: Runner | None = None,
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
                from orchestrator.engine.base_image import make
                from orchestrator.engine.command import run

                make(engine, base, progress, machine, runner or run)
    return base.reference


def build(
    engine: Engine,
    spec: ImageSpec,
    *,
    base: str | None,
    arguments: Mapping[str, str],
    progress: Progress,
    images: Path = IMAGES,
) -> None:
    """Build one of our images, and what it stands on, and tag it with its reference and `latest`; one there is kept.

    `base` is the choice of `--base-image`, `arguments` are what `spec.reference` was made with. Of two processes that
    build the same image the second waits for the first.

    Raises:
        ImageError: A step failed; says which and shows its last lines.
    """
    with _alone_with(spec.reference, progress):
        if engine.image_id(spec.reference) is not None:
            return
        foundation = ensure_base(engine, base, progress)
        if spec.reference != reference_on(spec.name, foundation, arguments, images):
            raise ImageError(f"the files of images/{spec.name} changed while it was about to be built", fix="try again")
        above = parent(spec.name, images)
        if above is None:
            given = {**arguments, "BASE": foundation}
        else:
            given = {"LAB": reference_on(above, foundation, arguments, images)}
            below = ImageSpec(above, given["LAB"])
            build(engine, below, base=base, arguments=arguments, progress=progress, images=images)
        engine.build_image(
            context(images / spec.name),
            [spec.reference, latest(spec.name)],
            {**proxies(os.environ), **given},
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
    return urlsplit(proxy).hostname in ("localhost", "127.0.0.1", "::1")


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
