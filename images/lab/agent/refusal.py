"""Refusals: why a request can't be answered with what it asked for.

Everything that the agent raises on purpose is one; a refusal goes back to whoever asked, and the agent goes on.
"""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

USAGE = "usage"
"""The request is wrong."""
MISSING = "missing"
"""It names a program or process that is not there."""
LIMIT = "limit"
"""More than the agent does at once, or than fits an answer."""
OS = "os"
"""The kernel refused."""
TIMEOUT = "timeout"
"""It did not come true in time."""
LAST_WORDS = 4096
INTERNAL = "internal"
"""A bug of the agent's."""


class Refusal(Exception):
    """An error for the client: its kind, what happened in words, and further fields."""

    def __init__(self, kind: str, what: str, **more: Any) -> None:
        """Keep them."""
        super().__init__(what)
        self.kind = kind
        self.what = what
        self.more = more

    def fields(self) -> dict[str, Any]:
        """The `error` object of an answer."""
        return {"kind": self.kind, "what": self.what, **self.more}


def of_kernel(error: OSError, what: str = "") -> Refusal:
    """The refusal that tells what the kernel said, with its number and, if one was refused, the path."""
    reason = error.strerror or str(error)
    path = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else ""
    text = ": ".join(part for part in (what, path, reason) if part)
    more: dict[str, Any] = {"errno": error.errno or 0} | ({"path": path} if path else {})
    return Refusal(OS, text, **more)


def of_bug(error: Exception) -> Refusal:
    """The refusal that tells where we failed."""
    import traceback  # 5 ms, at every start, for what shall never happen

    return Refusal(INTERNAL, "".join(traceback.format_exception(error))[-LAST_WORDS:])
