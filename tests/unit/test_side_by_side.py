"""Who gets which exercise when several workers judge a lab."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

from orchestrator.checks.side_by_side import ByExercise

ROOT = Path(__file__).parents[2]
LAB = ("sysv-shm", "fifo", "tcp", "display", "isolation")
"""The last two have hosts of their own."""


@dataclass(eq=False)
class Node:
    """A worker that does everything at once."""

    name: str
    got: list[int] = field(default_factory=list)
    shutting_down: bool = False

    @property
    def gateway(self) -> SimpleNamespace:
        return SimpleNamespace(id=self.name)

    def send_runtest_some(self, indices: list[int]) -> None:
        self.got += indices

    def shutdown(self) -> None:
        self.shutting_down = True


def dealt(checks: list[str], *workers: str) -> dict[str, list[str]]:
    """Worker to exercises, each when it has none left; they take turns."""
    option = SimpleNamespace(loadscopereorder=False)
    config = SimpleNamespace(rootpath=ROOT, option=option, getvalue=lambda name: ["popen"] * len(workers))
    scheduling = ByExercise(config, None)
    nodes = [Node(worker) for worker in workers]
    for node in nodes:
        scheduling.add_node(node)
        scheduling.add_node_collection(node, checks)
    scheduling.schedule()
    done = dict.fromkeys(workers, 0)
    while scheduling.has_pending:
        for node in nodes:
            if done[node.name] < len(node.got):
                scheduling.mark_test_complete(node, node.got[done[node.name]])
                done[node.name] += 1
    return {node.name: list(dict.fromkeys(checks[index].split("/")[2] for index in node.got)) for node in nodes}


def checks_of(*exercises: str) -> list[str]:
    return [f"labs/lab-11/{name}/test_it.py::test_{number}" for name in exercises for number in range(4)]


def test_the_first_worker_takes_the_exercises_that_need_hosts_of_their_own_first() -> None:
    found = dealt(checks_of(*LAB), "gw0", "gw1")
    assert found["gw0"][:2] == ["display", "isolation"]
    assert found["gw1"][:2] == ["sysv-shm", "fifo"]
    assert sorted(found["gw0"] + found["gw1"]) == sorted(LAB)


def test_others_take_them_when_there_is_nothing_else() -> None:
    found = dealt(checks_of("display", "isolation"), "gw0", "gw1")
    assert found == {"gw0": ["display"], "gw1": ["isolation"]}


def test_outside_of_labs_the_order_is_kept() -> None:
    checks = [f"tests/unit/{name}/test_it.py::test_{number}" for name in "abc" for number in range(4)]
    assert dealt(checks, "gw0") == {"gw0": ["a", "b", "c"]}
