"""The pool: one agent a container, replaced when it broke, closed together."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from orchestrator.agent.pool import AgentPool
from orchestrator.agent.scripted import GREETING, ScriptedStream, answers
from orchestrator.errors import AgentGone, InternalError, ObjectMissing


class Containers:
    """An engine whose containers each have a scripted agent; it counts the ones that it started."""

    def __init__(self, *names: str) -> None:
        self.names = names
        self.started: list[str] = []
        self.streams: list[ScriptedStream] = []
        self.lock = threading.Lock()

    def open_exec(self, container: str, argv: Sequence[str], *, user: str) -> ScriptedStream:
        if container not in self.names:
            raise ObjectMissing(f"no such container: {container}")
        greeting = {**GREETING, "pid": len(container)}
        stream = ScriptedStream(answers(hello=greeting))
        with self.lock:
            self.started.append(container)
            self.streams.append(stream)
        return stream


def pool_of(engine: Containers) -> AgentPool:
    return AgentPool(engine)  # type: ignore[arg-type]


def test_an_agent_is_started_when_it_is_first_needed() -> None:
    engine = Containers("a", "b")
    with pool_of(engine) as pool:
        assert engine.started == []
        assert pool.get("a") is pool.get("a")
        assert engine.started == ["a"]


def test_all_are_started_at_once_and_given_by_name() -> None:
    engine = Containers("a", "bb", "ccc")
    with pool_of(engine) as pool:
        agents = pool.start_all(engine.names)
        assert {name: agent.hello.pid for name, agent in agents.items()} == {"a": 1, "bb": 2, "ccc": 3}
        assert pool.get("bb") is agents["bb"]
    assert sorted(engine.started) == ["a", "bb", "ccc"]


def test_one_that_does_not_start_does_not_take_the_others_along() -> None:
    engine = Containers("a", "b")
    with pool_of(engine) as pool:
        with pytest.raises(AgentGone, match="nowhere"):
            pool.start_all(["a", "nowhere", "b"])
        pool.get("a")
        pool.get("b")
    assert sorted(engine.started) == ["a", "b"]


def test_a_broken_agent_is_replaced_by_the_next_get() -> None:
    engine = Containers("a")
    with pool_of(engine) as pool:
        first = pool.get("a")
        engine.streams[0].close()
        with pytest.raises(AgentGone):
            first.ping()
        pool.get("a").ping()
        with pytest.raises(AgentGone):
            first.ping()
    assert engine.started == ["a", "a"]


def test_each_get_tries_once() -> None:
    engine = Containers()
    with pool_of(engine) as pool:
        with pytest.raises(AgentGone):
            pool.get("a")
        engine.names = ("a",)
        pool.get("a").ping()


def test_closing_ends_all_streams_and_nothing_starts_after_it() -> None:
    engine = Containers("a", "b")
    pool = pool_of(engine)
    pool.start_all(["a", "b"])
    pool.close()
    pool.close()
    assert all(stream.closed for stream in engine.streams)
    with pytest.raises(InternalError, match="closed"):
        pool.get("a")


def test_threads_share_one_agent() -> None:
    engine = Containers("a")
    with pool_of(engine) as pool:
        threads = [threading.Thread(target=pool.get, args=("a",)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert engine.started == ["a"]
