"""`ipclab check --watch`: the checks again whenever a source, a check or a definition is saved."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from orchestrator.checks.stage import Live
from orchestrator.errors import IpclabError
from orchestrator.spec.load import LabDefinition, load_lab
from orchestrator.ui.checking import Wanted, check_once
from orchestrator.ui.table import console, literal
from orchestrator.workspace import workspace_of

PAUSE_S = 0.2
WATCHED = frozenset({".c", ".h", ".py", ".yaml"})

Saved = dict[Path, tuple[int, int, int]]
"""What tells one content of a file from another: modification time, inode (editors save by renaming), size."""


def watch_and_check(definition: LabDefinition, wanted: Wanted) -> int:
    """Run the checks, and again at every change, until an interrupt; the last run's exit code."""
    folders = watched_folders(definition, wanted)
    live = Live()
    try:
        while True:
            seen = saved(folders)
            code = _round(definition.root, wanted, live)
            console().print(literal("\nwatching for saved files; Ctrl-C ends", "dim"))
            try:
                changed = await_change(folders, seen)
            except KeyboardInterrupt:
                return code
            if any(path.is_relative_to(definition.root) for path in changed):
                _forget(definition.root, live)
    finally:
        live.close()


def _round(root: Path, wanted: Wanted, live: Live) -> int:
    """One run. Files that are half edited must not end the watch."""
    try:
        record = check_once(load_lab(root, only=wanted.exercises or None), wanted, live)
    except IpclabError as error:
        live.close()
        console(stderr=True).print(literal(str(error), "red"), soft_wrap=True)
        return error.exit_code
    if record.exit_code not in (0, 1):
        # Agents may be gone; the next run starts new ones.
        live.close()
    return record.exit_code


def _forget(root: Path, live: Live) -> None:
    """Let go of what was made from the lab's files: reference builds, and the tests that Python has imported."""
    live.close()
    for name, module in list(sys.modules.items()):
        if Path(getattr(module, "__file__", None) or "/").is_relative_to(root):
            del sys.modules[name]


def watched_folders(definition: LabDefinition, wanted: Wanted) -> list[Path]:
    """Where the files lie that a run depends on: the sources that are judged, and the lab."""
    given = wanted.options.get("submission")
    sources = [Path(given) if given else workspace_of(definition.root), definition.root]
    return [source / name for source in sources for name in wanted.exercises or definition.exercises]


def saved(folders: list[Path]) -> Saved:
    """What the watched files are now. Editors' own files, hidden or with a tail such as `~`, don't count."""
    found = {}
    for path in (path for folder in folders for path in [*folder.rglob("*"), folder.parent / "lab.yaml"]):
        if path.suffix in WATCHED and not path.name.startswith("."):
            try:
                state = path.stat()
            except FileNotFoundError:
                # Gone between the listing and the look: editors save by renaming.
                continue
            found[path] = (state.st_mtime_ns, state.st_ino, state.st_size)
    return found


def await_change(folders: list[Path], seen: Saved) -> set[Path]:
    """The files that are not as in `seen`, as soon as there are any and none changes any more."""
    now = saved(folders)
    while now == seen:
        time.sleep(PAUSE_S)
        now = saved(folders)
    # Several files are saved at once, and one may be written in several steps.
    settled = None
    while now != settled:
        settled = now
        time.sleep(PAUSE_S)
        now = saved(folders)
    return {path for path in seen.keys() | now.keys() if seen.get(path) != now.get(path)}
