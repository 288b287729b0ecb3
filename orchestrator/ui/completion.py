"""What a shell offers when Tab is pressed: labs, places, exercises. It prints nothing and never fails."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from orchestrator.errors import IpclabError

if TYPE_CHECKING:
    from orchestrator.spec.lab import Lab


def labs_folder(context: click.Context) -> Path:
    """The folder of labs that was named so far."""
    return Path(context.params.get("labs") or os.environ.get("IPCLAB_LABS") or "labs")


def complete_lab(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Names of labs."""
    from orchestrator.spec.find import lab_names

    try:
        return [name for name in lab_names(labs_folder(context)) if name.startswith(incomplete)]
    except (IpclabError, OSError):
        return []


def complete_place(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """HOST/CONTAINER of the lab that stands before."""
    lab = _lab(context)
    places = [f"{name}/{key}" for name, host in lab.hosts.items() for key in host.containers] if lab else []
    return [place for place in places if place.startswith(incomplete)]


def complete_exercise(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Exercises of the lab that stands before, but for those that were named already."""
    lab = _lab(context)
    named = context.params.get("exercises") or ()
    return [name for name in (lab.known if lab else ()) if name.startswith(incomplete) and name not in named]


def _lab(context: click.Context) -> Lab | None:
    from orchestrator.spec.find import find_lab
    from orchestrator.spec.load import load_lab_only

    try:
        return load_lab_only(find_lab(labs_folder(context), str(context.params.get("lab")))).lab
    except (IpclabError, OSError):
        return None
