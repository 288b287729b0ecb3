"""What a run of pytest carries with it: the keys under which its configuration, modules and tests keep what is ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from orchestrator.checks.outcome import Outcome

if TYPE_CHECKING:  # every pytest of this environment loads the plugin, and so these keys
    from orchestrator.checks.context import CheckContext
    from orchestrator.checks.stage import Stage, Stages

STAGES: pytest.StashKey[Stages] = pytest.StashKey()
"""Of the configuration: the labs of the run."""
STAGE: pytest.StashKey[Stage] = pytest.StashKey()
"""Of a test file: its exercise."""
CONTEXT: pytest.StashKey[CheckContext] = pytest.StashKey()
"""Of a check."""
COMPARED = pytest.StashKey[tuple[str, str] | None]()
"""Of the configuration: what the last comparison expected and observed."""
OUTCOMES = pytest.StashKey[dict[str, Outcome]]()
"""Of the configuration: how the checks so far ended, by node id."""
