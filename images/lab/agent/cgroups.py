"""Control groups: how often the container has met its limits. See cgroups(7).

The engine shows a container its own group under /sys/fs/cgroup: in one folder (version 2), or in one for each
controller (version 1). How high the limits are does not belong here.
"""

from __future__ import annotations

import proc
from kind import Kind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from kind import Fact
    from match import Match
    from scan import Scan

ROOT = "/sys/fs/cgroup"
FORKS_REFUSED = ((f"{ROOT}/pids.events", b"max"), (f"{ROOT}/pids/pids.events", b"max"))
OOM_KILLS = ((f"{ROOT}/memory.events", b"oom_kill"), (f"{ROOT}/memory/memory.oom_control", b"oom_kill"))
"""Files and the words in them: of version 2, then of version 1."""


def _count(places: tuple[tuple[str, bytes], ...]) -> int | None:
    """The number behind a word in the first file that there is; None when no file has it."""
    for path, word in places:
        for line in proc.read(path).split(b"\n"):
            name, _, number = line.partition(b" ")
            if name == word and number.isdigit():
                return int(number)
    return None


def _find(_scan: Scan, _match: Match) -> list[Fact]:
    """One fact: what has been refused and killed since the container was started."""
    return [{"forks_refused": _count(FORKS_REFUSED), "oom_kills": _count(OOM_KILLS)}]


LIMITS = Kind("limits", "forks_refused oom_kills", _find)
