"""Limits: the resources that a program may take, by the names of setrlimit(2).

Whether a limit is wise does not belong here.
"""

from __future__ import annotations

import errno
import resource

from refusal import USAGE, Refusal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

RESOURCES = {
    "as": resource.RLIMIT_AS,
    "core": resource.RLIMIT_CORE,
    "cpu": resource.RLIMIT_CPU,
    "data": resource.RLIMIT_DATA,
    "fsize": resource.RLIMIT_FSIZE,
    "memlock": resource.RLIMIT_MEMLOCK,
    "msgqueue": resource.RLIMIT_MSGQUEUE,
    "nice": resource.RLIMIT_NICE,
    "nofile": resource.RLIMIT_NOFILE,
    "nproc": resource.RLIMIT_NPROC,
    "rss": resource.RLIMIT_RSS,
    "rtprio": resource.RLIMIT_RTPRIO,
    "rttime": resource.RLIMIT_RTTIME,
    "sigpending": resource.RLIMIT_SIGPENDING,
    "stack": resource.RLIMIT_STACK,
}
BIGGEST = 2**63 - 1


def read(given: dict[str, Any]) -> dict[str, int]:
    """The limits in a request's object, checked.

    Raises:
        Refusal: A name that is none, or a value that is not a whole number.
    """
    for name, value in given.items():
        if name not in RESOURCES:
            raise Refusal(USAGE, f"there is no limit `{name}`; there are {', '.join(RESOURCES)}")
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= BIGGEST:
            raise Refusal(USAGE, f"the limit `{name}` must be a whole number")
    return given


def apply(limits: dict[str, int]) -> None:
    """Limit this process and what it becomes. Raises OSError when a limit is above our own."""
    for name, value in limits.items():
        try:
            resource.setrlimit(RESOURCES[name], (value, value))
        except ValueError as error:  # what the module makes of EPERM and EINVAL
            raise PermissionError(errno.EPERM, f"the limit {name} can't be {value}") from error
