"""What only the engine in memory has; what it shares with Docker is in `tests/contract`."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from orchestrator.engine.fake import FakeEngine
from orchestrator.errors import EngineError, EngineUnavailable, ImageError, ObjectMissing
from orchestrator.labels import InstanceName
from orchestrator.world import ContainerSpec, Limits, NetworkSpec, SandboxSpec, VolumeSpec

NAME = InstanceName("lab-11")
IMAGE = "ipclab/lab:test"
NETWORK = NetworkSpec(NAME.named("net-lan"), "lan", "10.11.0.0/28", "fd00:11::/64", 0, NAME.labels("network"))
VOLUME = VolumeSpec(NAME.named("vol-alpha"), 2**20, 64, NAME.labels("volume"))
SANDBOX = SandboxSpec(NAME.named("alpha"), "alpha", "alpha", IMAGE, (), {}, {}, 2**20, None, NAME.labels("sandbox"))


def container(key: str, *share: str) -> ContainerSpec:
    limits = Limits(2**27, 64, 2**20, 64, 1.0, 2**20, 64, 2**16)
    return ContainerSpec(
        NAME.named("alpha", key), "alpha", key, "alpha", IMAGE, SANDBOX.name, frozenset(share), None, limits, 2**20
    )


@contextmanager
def up(engine: FakeEngine, *specs: ContainerSpec) -> Iterator[FakeEngine]:
    engine.create_sandbox(SANDBOX)
    engine.start(SANDBOX.name)
    for spec in specs:
        engine.create_container(spec)
        engine.start(spec.name)
    yield engine


def names(engine: FakeEngine) -> set[str]:
    observed = engine.observe(NAME)
    return {one.name for one in (*observed.containers, *observed.networks, *observed.volumes)}


def test_calls_that_change_something_are_noted_in_words() -> None:
    engine = FakeEngine()
    engine.observe()
    engine.image_id(IMAGE)
    engine.create_network(NETWORK)
    engine.create_volume(VOLUME)
    with up(engine, container("left", "ipc")):
        engine.remove_container(SANDBOX.name)
    assert [call.replace(f"{NAME.named()}.", "") for call in engine.calls] == [
        "create network net-lan",
        "create volume vol-alpha",
        "create sandbox alpha",
        "start alpha",
        "create container alpha.left",
        "start alpha.left",
        "remove alpha",
    ]


@pytest.mark.parametrize(("after", "there"), [(False, {VOLUME.name}), (True, {VOLUME.name, NETWORK.name})])
def test_a_fault_comes_once_before_or_after_the_effect(after: bool, there: set[str]) -> None:
    engine = FakeEngine()
    engine.fail_at(2, KeyboardInterrupt(), after=after)
    engine.create_volume(VOLUME)
    with pytest.raises(KeyboardInterrupt):
        engine.create_network(NETWORK)
    assert names(engine) == there
    engine.remove_network(NETWORK.name)
    engine.create_network(NETWORK)


def test_faults_are_counted_from_when_they_are_asked_for() -> None:
    engine = FakeEngine()
    engine.create_volume(VOLUME)
    engine.fail_at(1, EngineUnavailable("gone"))
    with pytest.raises(EngineUnavailable):
        engine.remove_volume(VOLUME.name)
    assert names(engine) == {VOLUME.name}


def test_who_joins_is_in_the_same_namespaces() -> None:
    with up(FakeEngine(), container("left", "ipc", "net", "pid"), container("right", "ipc")) as engine:
        host, left, right = (
            engine.namespaces(NAME.named(*parts)) for parts in (("alpha",), ("alpha", "left"), ("alpha", "right"))
        )
    assert host == left
    assert {kind for kind in host if host[kind] == right[kind]} == {"ipc"}


def test_who_joined_a_sandbox_that_was_restarted_stays_behind() -> None:
    with up(FakeEngine(), container("left", "ipc")) as engine:
        before = engine.namespaces(SANDBOX.name)["ipc"]
        engine.restart(SANDBOX.name)
        assert engine.namespaces(NAME.named("alpha", "left"))["ipc"] == before != engine.namespaces(SANDBOX.name)["ipc"]


def test_what_is_removed_by_hand_is_gone_used_or_not() -> None:
    engine = FakeEngine()
    engine.create_volume(VOLUME)
    engine.create_network(NETWORK)
    with up(engine, container("left", "pid")):
        for name in (VOLUME.name, NETWORK.name, SANDBOX.name):
            engine.remove_by_hand(name)
    assert names(engine) == set()
    assert [one.state for one in engine.observe().containers] == []
    with pytest.raises(ObjectMissing):
        engine.remove_by_hand(SANDBOX.name)


def test_a_watch_may_hold_a_call_up_while_others_go_on() -> None:
    go_on = threading.Event()

    def watch(call: str) -> None:
        if call.startswith("create volume"):
            assert go_on.wait(10.0)

    engine = FakeEngine(watch=watch)
    held = threading.Thread(target=engine.create_volume, args=(VOLUME,))
    held.start()
    engine.create_network(NETWORK)
    assert names(engine) == {NETWORK.name}
    go_on.set()
    held.join(10.0)
    assert names(engine) == {NETWORK.name, VOLUME.name}


def test_images_come_from_the_registry_that_a_test_gives() -> None:
    engine = FakeEngine(images=(), registry=["debian:bookworm-slim"])
    engine.pull_image("debian:bookworm-slim", print)
    assert engine.image_id("debian:bookworm-slim")
    with pytest.raises(ImageError):
        engine.pull_image("debian:none", print)


def test_programs_are_the_tests_matter() -> None:
    with up(FakeEngine()) as engine, pytest.raises(EngineError, match="runs no programs"):
        engine.open_exec(SANDBOX.name, ["true"])
