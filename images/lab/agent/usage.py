"""Usage: what processes have taken of the processors, and how often they gave one away. See getrusage(2), proc(5).

Whose processes they are does not belong here.
"""

from __future__ import annotations

import os

import proc

TYPE_CHECKING = False
if TYPE_CHECKING:
    import resource
    from collections.abc import Iterable

    from proc import Stat

    Usage = tuple[float, ...]

FIELDS = ("user_s", "system_s", "voluntary_switches", "involuntary_switches")
"""The parts of a usage, as results call them."""
NONE: Usage = (0.0, 0.0, 0, 0)
TICKS_PER_S = os.sysconf("SC_CLK_TCK")
SWITCHES = (b"\nvoluntary_ctxt_switches:\t", b"\nnonvoluntary_ctxt_switches:\t")


def of_ended(used: resource.struct_rusage) -> Usage:
    """What a child took that has been waited for, with all that it waited for itself."""
    return (used.ru_utime, used.ru_stime, used.ru_nvcsw, used.ru_nivcsw)


def of_present(stat: Stat) -> Usage:
    """What a process has taken that is there, dead or alive, with all that it has waited for.

    Times are cut off to whole ticks. Of switches only those of its present threads can be told.
    """
    voluntary, involuntary = switches(stat.pid)
    user, system = stat.utime + stat.children_utime, stat.stime + stat.children_stime
    return (user / TICKS_PER_S, system / TICKS_PER_S, voluntary, involuntary)


def total(usages: Iterable[Usage]) -> Usage:
    """All of them together."""
    return tuple(map(sum, zip(NONE, *usages, strict=True)))


def highest(*usages: Usage) -> Usage:
    """The most of each part."""
    return tuple(map(max, *usages))


def switches(pid: int) -> tuple[int, int]:
    """How often a process's threads have given a processor away, and how often they lost one."""
    texts = [proc.read(f"/proc/{pid}/task/{thread}/status") for thread in proc.threads(pid)]
    voluntary, involuntary = (sum(_number(text, name) for text in texts) for name in SWITCHES)
    return (voluntary, involuntary)


def _number(text: bytes, name: bytes) -> int:
    """The number behind a name; 0 without one."""
    rest = text.partition(name)[2]
    return int(rest.split(None, 1)[0]) if rest else 0
