"""The agents of an instance: one per container, started when first needed, closed together."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType
from typing import Final, Self

from orchestrator.agent.client import START_TIMEOUT_S, Agent
from orchestrator.engine.base import Engine
from orchestrator.errors import InternalError

AT_ONCE: Final = 4
"""Starting an agent is mostly Python's start in the container: more at once than cores gains nothing."""


class _Place:
    """One container's agent, and the lock under which it is started."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.agent: Agent | None = None


class AgentPool:
    """Agents by container name; may be used from several threads.

    An agent whose stream broke is replaced by the next `get`. What it had started is gone by then, and `Process` values
    of the old one raise AgentGone.
    """

    def __init__(self, engine: Engine, *, timeout_s: float = START_TIMEOUT_S) -> None:
        """Start agents through `engine`, giving each `timeout_s` to greet."""
        self._engine = engine
        self._timeout_s = timeout_s
        self._lock = threading.Lock()
        self._places: dict[str, _Place] = {}
        self._closed = False

    def get(self, container: str) -> Agent:
        """The agent of a container, started if there is none or the last one broke; one attempt.

        Raises:
            AgentGone: The container is absent or does not run, or its agent ended at once.
            AgentTimeout: The agent did not greet in time.
        """
        place = self._place(container)
        with place.lock:
            if self._closed:
                raise InternalError(f"the agent of {container} was asked for after all agents had been closed")
            if place.agent is None or place.agent.broken:
                place.agent = None
                place.agent = Agent.start(self._engine, container, timeout_s=self._timeout_s)
            return place.agent

    def start_all(self, containers: Iterable[str]) -> dict[str, Agent]:
        """The agents of several containers by name, started at the same time.

        Raises:
            AgentError: One did not start; those that did stay in the pool.
        """
        with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="agent") as threads:
            started = {container: threads.submit(self.get, container) for container in containers}
        return {container: one.result() for container, one in started.items()}

    def close(self) -> None:
        """Let all agents go; each kills what it started. Closing twice does no harm."""
        with self._lock:
            self._closed = True
            places = list(self._places.values())
        for place in places:
            with place.lock:
                if place.agent is not None:
                    place.agent.close()

    def __enter__(self) -> Self:
        """The pool itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()

    def _place(self, container: str) -> _Place:
        with self._lock:
            return self._places.setdefault(container, _Place())
