"""Cases judged side by side, by processes with an instance of the lab each: most of the time a case waits."""

from __future__ import annotations

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess

from orchestrator.checks.stage import Live, instance_of_worker
from orchestrator.errors import IpclabError, MachineError
from orchestrator.grade.proof import Case, Finding, prove
from orchestrator.grade.run import clearing_away
from orchestrator.interruption import interrupted_once
from orchestrator.labels import InstanceName
from orchestrator.spec.load import LabDefinition

CASES_A_WORKER = 6
"""What makes a worker worth the 5 s of its instance's way up and down: a case takes 2 to 3 s."""
WORKERS_A_PROCESSOR = 2
"""A case waits for two thirds of its time."""
PATIENCE_S = 10.0
"""How long a worker that was told to end may take."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A case, and what its random values come from."""

    case: Case
    run: int
    """Which time it is that the case is judged, from 0."""
    seed: str


def worthwhile(turns: int) -> int:
    """How many workers so many turns are worth."""
    return max(1, min(WORKERS_A_PROCESSOR * len(os.sched_getaffinity(0)), turns // CASES_A_WORKER))


def prove_all(
    definition: LabDefinition,
    name: InstanceName,
    turns: Sequence[Turn],
    show: Callable[[Turn, Finding], None],
    jobs: int | None = None,
) -> None:
    """Judge the cases and show each finding as it comes, not in order. The first worker's instance is left up.

    Raises:
        IpclabError: What stopped a worker.
    """
    jobs = min(jobs or worthwhile(len(turns)), len(turns))
    with clearing_away(name, jobs):
        workers = [_Worker(definition, instance_of_worker(name.instance, number)) for number in range(jobs)]
        try:
            _hand_out(deque(turns), workers, show)
        finally:
            for worker in workers:
                worker.end()


class _Worker:
    """A process that judges one case after another."""

    def __init__(self, definition: LabDefinition, instance: str) -> None:
        spawning = multiprocessing.get_context("spawn")
        self.pipe, theirs = spawning.Pipe()
        self.turn: Turn | None = None
        self.process: SpawnProcess = spawning.Process(target=_work, args=(theirs, definition, instance))
        self.process.start()
        theirs.close()

    def give(self, turn: Turn | None) -> None:
        """Let it judge a case; None when there is no other."""
        self.turn = turn
        self.pipe.send(turn)

    def take(self) -> Finding:
        """What it found.

        Raises:
            IpclabError: What stopped it.
        """
        try:
            found = self.pipe.recv()
        except EOFError:
            self.process.join(PATIENCE_S)
            told = f"the process that judged {self.turn and self.turn.case.title} has ended: {self.process.exitcode}"
            raise MachineError(told, fix="Run it again.") from None
        if isinstance(found, IpclabError):
            raise found
        assert isinstance(found, Finding)
        return found

    def end(self) -> None:
        """Let it end by itself if it has nothing to do, else end it."""
        if self.turn is not None:
            self.process.terminate()
        self.process.join(PATIENCE_S)
        self.process.kill()
        self.process.join()
        self.pipe.close()


def _hand_out(left: deque[Turn], workers: Sequence[_Worker], show: Callable[[Turn, Finding], None]) -> None:
    for worker in workers:
        worker.give(left.popleft())
    busy = {worker.pipe: worker for worker in workers}
    while busy:
        for pipe in wait(list(busy)):
            worker = busy[pipe]  # type: ignore[index]  # all that wait() was given are of this type
            turn, found = worker.turn, worker.take()
            assert turn is not None
            worker.give(left.popleft() if left else None)
            if worker.turn is None:
                del busy[worker.pipe]
            show(turn, found)


def _work(pipe: Connection, definition: LabDefinition, instance: str) -> None:
    """What a worker does, from its beginning to its end."""
    live = Live()
    with interrupted_once():
        try:
            while (turn := pipe.recv()) is not None:
                pipe.send(prove(turn.case, definition, instance, turn.seed, live))
        except IpclabError as error:
            pipe.send(error)
        except (KeyboardInterrupt, EOFError, BrokenPipeError):
            pass  # whoever wanted to know does not want to any more
        finally:
            live.close()
