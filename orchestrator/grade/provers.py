"""Cases judged side by side, by processes with an instance of the lab each: most of the time a case waits."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait

from orchestrator.checks.stage import About, Live, instance_of_worker
from orchestrator.errors import InternalError, IpclabError, MachineError
from orchestrator.grade.proof import Case, Finding, prove
from orchestrator.grade.run import clearing_away
from orchestrator.interruption import ALL, held_back, interrupted_once, uninterrupted
from orchestrator.labels import InstanceName
from orchestrator.spec.load import LabDefinition

CASES_A_WORKER = 6
"""What makes a worker worth the 5 s of its instance's way up and down: a case takes 2 to 3 s."""
WORKERS_A_PROCESSOR = 2
"""A case waits for two thirds of its time."""
PATIENCE_S = 8.0
"""How long all workers together may take to end: a CI system waits for some ten seconds until it kills."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A case, and what its random values come from."""

    case: Case
    run: int
    """Which time it is that the case is judged, from 0."""
    seed: str


Judge = Callable[[LabDefinition, str, str | None, Turn, Live], Finding]
"""Judges a turn: the definition, an instance of it, what images are built on, the turn, labs that are live."""


def judge(definition: LabDefinition, instance: str, base_image: str | None, turn: Turn, live: Live) -> Finding:
    """Judge a case, as workers do."""
    return prove(turn.case, definition, instance, turn.seed, live, base_image)


def worthwhile(turns: int) -> int:
    """How many workers so many turns are worth."""
    return max(1, min(WORKERS_A_PROCESSOR * len(os.sched_getaffinity(0)), turns // CASES_A_WORKER))


def prove_all(
    definition: LabDefinition,
    name: InstanceName,
    turns: Sequence[Turn],
    show: Callable[[Turn, Finding], None],
    *,
    jobs: int | None = None,
    base_image: str | None = None,
    judge: Judge = judge,
) -> None:
    """Judge the cases and show each finding as it comes, not in order. The first worker's instance is left up.

    Raises:
        IpclabError: What stopped a worker.
    """
    jobs = min(jobs or worthwhile(len(turns)), len(turns))
    left, workers = deque(turns), list[_Worker]()
    with clearing_away(name, jobs):
        try:
            for number in range(jobs):
                instance = instance_of_worker(name.instance, number)
                with held_back(), _masked():  # one that is started is known, and is ended
                    workers.append(_Worker(judge, definition, instance, base_image))
                workers[-1].give(left.popleft())
            _hand_out(left, workers, show)
        finally:
            with uninterrupted():
                _end(workers)


def _hand_out(left: deque[Turn], workers: Sequence[_Worker], show: Callable[[Turn, Finding], None]) -> None:
    busy = {worker.pipe: worker for worker in workers}
    while busy:
        for pipe in wait(list(busy)):
            worker = busy[pipe]  # type: ignore[index]  # nothing else was given to wait()
            turn, found = worker.take()
            if left:
                worker.give(left.popleft())
            else:
                del busy[worker.pipe]
            show(turn, found)


def _end(workers: Sequence[_Worker]) -> None:
    for worker in workers:
        worker.stop()
    deadline = time.monotonic() + PATIENCE_S
    for worker in workers:
        worker.wait(deadline)


class _Worker:
    """A process that judges one case after another."""

    def __init__(self, judge: Judge, definition: LabDefinition, instance: str, base_image: str | None) -> None:
        spawning = multiprocessing.get_context("spawn")
        self.pipe, theirs = spawning.Pipe()
        self.turn: Turn | None = None
        """What it judges."""
        self.process = spawning.Process(target=_work, args=(theirs, judge, definition, instance, base_image))
        self.process.start()
        theirs.close()

    def give(self, turn: Turn) -> None:
        """Let it judge a case."""
        self.turn = turn
        with suppress(OSError):  # it has ended: take() tells
            self.pipe.send(turn)

    def take(self) -> tuple[Turn, Finding]:
        """What it judged, and what it found.

        Raises:
            IpclabError: What stopped it.
        """
        assert self.turn is not None
        turn = self.turn
        try:
            found = self.pipe.recv()
        except (EOFError, OSError):
            raise MachineError(
                f"the process that judged {turn.case.title} {self._ending()}", fix="Run it again."
            ) from None
        self.turn = None
        if isinstance(found, Finding):
            return turn, found
        error = About.from_plain(found).error
        assert error is not None
        raise error

    def _ending(self) -> str:
        self.process.join(PATIENCE_S)
        code = self.process.exitcode
        if code is None:
            return "does not answer"
        return f"was ended by {signal.Signals(-code).name}" if code < 0 else f"has ended with status {code}"

    def stop(self) -> None:
        """Let it end: by itself when it has nothing to do."""
        self.pipe.close()
        if self.turn is not None:
            self.process.terminate()

    def wait(self, deadline: float) -> None:
        """Return when it has ended; in the end it is killed."""
        self.process.join(max(0.0, deadline - time.monotonic()))
        self.process.kill()
        self.process.join()


@contextmanager
def _masked() -> Iterator[None]:
    """Let a process that is started in the block begin with signals that wait until it is ready for them."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ALL)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _work(pipe: Connection, judge: Judge, definition: LabDefinition, instance: str, base_image: str | None) -> None:
    """What a worker does, from its beginning to its end."""
    for number in ALL:
        signal.signal(number, signal.SIG_IGN)  # a terminal's are for who started us
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    live = Live()
    with interrupted_once(), suppress(KeyboardInterrupt):
        try:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, ALL)
            while (turn := _next(pipe)) is not None:
                found = _judged(judge, definition, instance, base_image, turn, live)
                with suppress(OSError):
                    pipe.send(found)
        finally:
            live.close()


def _next(pipe: Connection) -> Turn | None:
    """The next turn; None when there is no other, or nobody to give one."""
    try:
        turn = pipe.recv()
    except (EOFError, OSError):
        return None
    assert isinstance(turn, Turn)
    return turn


def _judged(
    judge: Judge, definition: LabDefinition, instance: str, base_image: str | None, turn: Turn, live: Live
) -> Finding | dict[str, object]:
    """What was found, or what stopped it in a form that every error has."""
    try:
        return judge(definition, instance, base_image, turn, live)
    except IpclabError as error:
        return About(error=error).plain()
    except Exception as error:  # noqa: BLE001 - the last boundary of this process
        traceback.print_exc()
        return About(error=InternalError(f"{turn.case.title}: {type(error).__name__}: {error}")).plain()
