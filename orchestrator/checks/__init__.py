"""Checks: pytest functions with points, hosts as testinfra sees them, programs, and what the kernel saw.

A test author imports from here: `check`, `PIPE`, `TimedOut`, conditions on fields (`Ge`, `Le`, `Ne`, `In`, `Between`,
`Contains`, `Length`). Everything else comes as fixtures.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from orchestrator.checks.marks import check
from orchestrator.checks.outcome import TimedOut

if TYPE_CHECKING:
    from orchestrator.agent.command import PIPE
    from orchestrator.agent.match import Between, Contains, Ge, In, Le, Length, Ne

__all__ = ["PIPE", "Between", "Contains", "Ge", "In", "Le", "Length", "Ne", "TimedOut", "check"]


def __getattr__(name: str) -> Any:
    """What the agent's side offers to authors, imported when it is asked for: every pytest run loads this package."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from orchestrator.agent import command, match

    return getattr(command if name == "PIPE" else match, name)
