"""Checks: pytest functions with points, hosts as testinfra sees them, programs, and what the kernel saw.

A test author needs `from orchestrator.checks import check` and the fixtures; everything else here is for comparisons.
"""

from orchestrator.checks.marks import check
from orchestrator.checks.outcome import TimedOut

__all__ = ["TimedOut", "check"]
