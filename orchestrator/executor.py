"""Carries a plan out: several operations at a time, each as soon as what it waits for has ended.

What to do is `reconcile`'s matter, how one operation is done the engine's. Here is when, and what a failure stops.
"""

from __future__ import annotations

import heapq
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from orchestrator.engine.base import Engine
from orchestrator.errors import InternalError
from orchestrator.plan import Operation, Plan, Verb
from orchestrator.world import ContainerSpec, ImageSpec, NetworkSpec, SandboxSpec, VolumeSpec

PARALLEL = 4
"""Operations at a time. Two processors, three hosts, seconds to come up: 1.9 with 1, 1.4 with 2, 1.3 with 3, 1.2 with 4
and with 6: making network namespaces is serial in the kernel, the rest of a start is not."""

COST_MS = {
    Verb.BUILD_IMAGE: 30_000,
    Verb.CREATE_NETWORK: 60,
    Verb.CREATE_VOLUME: 5,
    Verb.CREATE_SANDBOX: 20,
    Verb.ATTACH_NETWORK: 10,
    Verb.START_SANDBOX: 250,
    Verb.CREATE_CONTAINER: 20,
    Verb.START_CONTAINER: 90,
    Verb.REMOVE_CONTAINER: 100,
    Verb.REMOVE_SANDBOX: 140,
    Verb.REMOVE_NETWORK: 60,
    Verb.REMOVE_VOLUME: 5,
}
"""What an operation takes, seen on Engine 20.10 with two processors; only the order of the starts hangs on it."""


class Stage(StrEnum):
    """How far an operation got."""

    STARTED = "started"
    ENDED = "ended"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened to an operation of a plan of `total`, of which `ended` had ended by then."""

    stage: Stage
    operation: Operation
    ended: int
    total: int
    duration_s: float = 0.0
    error: BaseException | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """An operation that did not succeed."""

    operation: Operation
    error: BaseException


Listener = Callable[[Event], None]
ImageBuilder = Callable[[ImageSpec], None]
AnySpec = TypeVar("AnySpec", NetworkSpec, VolumeSpec, SandboxSpec, ContainerSpec, ImageSpec)


def ignore(event: Event) -> None:
    """Listen to nothing."""


def execute(
    plan: Plan,
    engine: Engine,
    *,
    build_image: ImageBuilder,
    on_event: Listener = ignore,
    parallel: int = PARALLEL,
) -> None:
    """Carry out a plan. `on_event` is called in this thread, before an operation starts and after it ended.

    Raises:
        IpclabError: The first operation that failed did so with it. Those that were running have ended by then, no
            more were started; what else failed is in its notes.
    """
    raise_first(carry_out(plan, engine, build_image=build_image, on_event=on_event, parallel=parallel))


def raise_first(failures: Sequence[Failure]) -> None:
    """Raise the first failure's error, the others noted in it; nothing if there are none."""
    if not failures:
        return
    first, *others = failures
    first.error.add_note(f"while carrying out: {first.operation}")
    for other in others:
        first.error.add_note(f"also failed: {other.operation}: {other.error}")
    raise first.error


def carry_out(
    plan: Plan,
    engine: Engine,
    *,
    build_image: ImageBuilder,
    on_event: Listener = ignore,
    parallel: int = PARALLEL,
) -> list[Failure]:
    """The operations that failed, in the order in which they did; after the first no more were started.

    An interrupt (or an error of `on_event`) likewise lets the running ones end, starts no more, and goes on up.
    """
    # Leaving the pool waits for its threads, and it never has more work than threads: that is the letting end.
    with ThreadPoolExecutor(parallel, thread_name_prefix="ipclab") as pool:
        return _Run(plan, engine, build_image, on_event, pool, parallel).failures()


class _Run:
    """One plan being carried out."""

    def __init__(
        self,
        plan: Plan,
        engine: Engine,
        build_image: ImageBuilder,
        on_event: Listener,
        pool: ThreadPoolExecutor,
        parallel: int,
    ) -> None:
        self.total = len(plan.operations)
        self.calls = _calls(engine, build_image)
        self.on_event = on_event
        self.pool = pool
        self.parallel = parallel
        self.ended = 0
        self.failed: list[Failure] = []
        self.running: dict[Future[None], tuple[Operation, float]] = {}
        self.waiting = {operation.key: set(operation.after) for operation in plan.operations}
        self.operations = {operation.key: operation for operation in plan.operations}
        order = {operation.key: place for place, operation in enumerate(plan.operations)}
        self.urgency = {key: (-ahead, order[key], key) for key, ahead in critical_path_ms(plan).items()}
        self.ready = [self.urgency[key] for key, after in self.waiting.items() if not after]
        heapq.heapify(self.ready)

    def failures(self) -> list[Failure]:
        while True:
            while self.ready and not self.failed and len(self.running) < self.parallel:
                self._start(self.operations[heapq.heappop(self.ready)[2]])
            if not self.running:
                return self.failed
            for future in wait(self.running, return_when=FIRST_COMPLETED).done:
                self._finish(future)

    def _start(self, operation: Operation) -> None:
        self.on_event(Event(Stage.STARTED, operation, self.ended, self.total))
        future = self.pool.submit(self.calls[operation.verb], operation)
        self.running[future] = operation, time.monotonic()

    def _finish(self, future: Future[None]) -> None:
        operation, began = self.running.pop(future)
        took_s = time.monotonic() - began
        error = future.exception()
        if error is not None:
            self.failed.append(Failure(operation, error))
            self.on_event(Event(Stage.FAILED, operation, self.ended, self.total, took_s, error))
            return
        self.ended += 1
        self._release(operation.key)
        self.on_event(Event(Stage.ENDED, operation, self.ended, self.total, took_s))

    def _release(self, ended: str) -> None:
        for key, after in self.waiting.items():
            if ended in after:
                after.remove(ended)
                if not after:
                    heapq.heappush(self.ready, self.urgency[key])


def critical_path_ms(plan: Plan) -> dict[str, int]:
    """For each operation's key how long it and the longest chain that waits for it will about take."""
    ahead: dict[str, int] = {}
    for operation in reversed(plan.operations):
        behind = [ahead[other.key] for other in plan.operations if operation.key in other.after]
        ahead[operation.key] = COST_MS[operation.verb] + max(behind, default=0)
    return ahead


def _calls(engine: Engine, build_image: ImageBuilder) -> dict[Verb, Callable[[Operation], None]]:
    """The one engine call behind each verb."""
    return {
        Verb.BUILD_IMAGE: lambda it: build_image(_spec(it, ImageSpec)),
        Verb.CREATE_NETWORK: lambda it: engine.create_network(_spec(it, NetworkSpec)),
        Verb.CREATE_VOLUME: lambda it: engine.create_volume(_spec(it, VolumeSpec)),
        Verb.CREATE_SANDBOX: lambda it: engine.create_sandbox(_spec(it, SandboxSpec)),
        Verb.ATTACH_NETWORK: lambda it: engine.attach_network(it.target, _spec(it, SandboxSpec), it.detail),
        Verb.START_SANDBOX: lambda it: engine.start(it.target),
        Verb.CREATE_CONTAINER: lambda it: engine.create_container(_spec(it, ContainerSpec)),
        Verb.START_CONTAINER: lambda it: engine.start(it.target),
        Verb.REMOVE_CONTAINER: lambda it: engine.remove_container(it.target),
        Verb.REMOVE_SANDBOX: lambda it: engine.remove_container(it.target),
        Verb.REMOVE_NETWORK: lambda it: engine.remove_network(it.target),
        Verb.REMOVE_VOLUME: lambda it: engine.remove_volume(it.target),
    }


def _spec(operation: Operation, kind: type[AnySpec]) -> AnySpec:
    if not isinstance(operation.spec, kind):
        raise InternalError(f"the plan does not say what to make: {operation}")
    return operation.spec
