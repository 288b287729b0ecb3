"""Which exercise which pytest worker gets: whole ones, in the lab's order, and where their hosts are already."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from xdist.scheduler import LoadFileScheduling

from orchestrator.spec.load import load_lab_only

if TYPE_CHECKING:
    import pytest
    from xdist.workermanage import WorkerController

FIRST = "gw0"
"""The worker that uses the instance that was asked for, which has all hosts."""


class ByExercise(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """Keeps an exercise's checks in one worker, because they build on each other.

    Hosts that only some exercises need cost seconds to make: the first worker, which has them, takes these exercises
    first, and the others take them last, when there is nothing else to do.
    """

    def __init__(self, config: pytest.Config, log: object) -> None:
        """As xdist makes one."""
        super().__init__(config, log)
        config.option.loadscopereorder = False
        self._special: dict[Path, frozenset[str]] = {}

    def _assign_work_unit(self, node: WorkerController) -> None:
        wanted = node.gateway.id == FIRST
        found = next((scope for scope in self.workqueue if self._is_special(scope) is wanted), None)
        if found is not None:
            self.workqueue.move_to_end(found, last=False)
        super()._assign_work_unit(node)

    def _is_special(self, scope: str) -> bool:
        """Whether hosts were made for the exercise that a test file, as in a node id, belongs to."""
        exercise = (self.config.rootpath / scope).parent
        lab = exercise.parent
        if lab not in self._special:
            hosts = load_lab_only(lab).lab.hosts.values() if (lab / "lab.yaml").is_file() else ()
            self._special[lab] = frozenset(name for host in hosts for name in host.only_for)
        return exercise.name in self._special[lab]
