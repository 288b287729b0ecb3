"""How a plan is carried out: what runs beside what, in which order, and what happens when something fails."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from orchestrator.engine.fake import FakeEngine
from orchestrator.errors import EngineError, ImageError, InternalError
from orchestrator.executor import Event, Stage, critical_path_ms, execute
from orchestrator.labels import InstanceName
from orchestrator.plan import Operation, Plan, Verb, key_of
from orchestrator.reconcile import reconcile
from orchestrator.resolve import resolve
from orchestrator.spec.lab import Lab
from orchestrator.world import Desired, ImageSpec, Observed

MAIN = InstanceName("lab-90")
REFERENCE = "ipclab/lab:test"
HELD_S = 5.0
"""Longer than any of these tests takes when all is well."""


def desired(hosts: int = 2) -> Desired:
    names = ["alpha", "beta", "gamma", "delta"][:hosts]
    text = {
        "title": "Hosts",
        "networks": {"lan": {"ipv4": "10.90.0.0/28", "ipv6": "fd00:90::/64"}},
        "hosts": {
            name: {
                "containers": {"left": {}, "right": {}},
                "networks": {"lan": {"ipv4": f"10.90.0.{place}", "ipv6": f"fd00:90::{place}"}},
            }
            for place, name in enumerate(names, 2)
        },
    }
    return resolve(Lab.model_validate(text), MAIN, slot=0, images={"lab": REFERENCE})


def plan_for(engine: FakeEngine, wanted: Desired | None) -> Plan:
    return reconcile(wanted, engine.observe(MAIN, images=[REFERENCE]))


def no_image(spec: ImageSpec) -> None:
    raise AssertionError(f"{spec.reference} is there")


def run(plan: Plan, engine: FakeEngine, **more: Any) -> None:
    execute(plan, engine, **({"build_image": no_image} | more))


def test_a_plan_carried_out_leaves_nothing_to_do() -> None:
    engine = FakeEngine()
    run(plan_for(engine, desired()), engine)
    assert not plan_for(engine, desired())
    run(plan_for(engine, None), engine)
    assert not plan_for(engine, None)


def test_an_empty_plan_calls_nothing() -> None:
    engine = FakeEngine()
    run(Plan(), engine)
    assert engine.calls == []


@pytest.mark.parametrize("parallel", [1, 2, 3, 16])
def test_nothing_starts_before_what_it_waits_for_has_ended(parallel: int) -> None:
    engine = FakeEngine()
    plan = plan_for(engine, desired(4))
    ended: set[str] = set()

    def check(event: Event) -> None:
        if event.stage is Stage.STARTED:
            assert event.operation.after <= ended
        else:
            ended.add(event.operation.key)

    run(plan, engine, parallel=parallel, on_event=check)
    assert ended == {operation.key for operation in plan.operations}


def test_each_operation_is_told_when_it_starts_and_when_it_ends() -> None:
    engine = FakeEngine()
    plan = plan_for(engine, desired())
    events: list[Event] = []
    run(plan, engine, on_event=events.append)
    started = [event.operation for event in events if event.stage is Stage.STARTED]
    ended = [event for event in events if event.stage is Stage.ENDED]
    assert sorted(map(str, started)) == sorted(map(str, plan.operations))
    assert [event.ended for event in ended] == list(range(1, len(started) + 1))
    assert {event.total for event in events} == {len(started)}
    assert all(event.duration_s >= 0 for event in ended)


def test_events_come_in_the_callers_thread() -> None:
    engine = FakeEngine()
    threads: set[int] = set()
    run(plan_for(engine, desired()), engine, on_event=lambda event: threads.add(threading.get_ident()))
    assert threads == {threading.get_ident()}


def together(number: int) -> Callable[[str], None]:
    """A watch that lets calls go on when `number` of them have begun, and breaks when that does not happen."""
    barrier = threading.Barrier(number)

    def watch(call: str) -> None:
        if call.startswith("create volume"):
            barrier.wait(HELD_S)

    return watch


def test_what_waits_for_nothing_runs_side_by_side() -> None:
    engine = FakeEngine(watch=together(3))
    run(plan_for(engine, desired(3)), engine, parallel=3)


def test_no_more_than_the_given_number_run_at_a_time() -> None:
    lock, running, most = threading.Lock(), 0, 0

    def count(event: Event) -> None:
        nonlocal running, most
        with lock:
            running += 1 if event.stage is Stage.STARTED else -1
            most = max(most, running)

    engine = FakeEngine()
    run(plan_for(engine, desired(4)), engine, parallel=3, on_event=count)
    assert most == 3


def chain(*operations: tuple[str, str]) -> Plan:
    """Creating volumes: (name, what it waits for)."""
    key = {name: key_of(Verb.REMOVE_VOLUME, name) for name, _ in operations}
    return Plan.of(
        Operation(Verb.REMOVE_VOLUME, name, "test", frozenset({key[after]} if after else ()))
        for name, after in operations
    )


def test_what_most_waits_for_goes_first() -> None:
    engine = FakeEngine()
    run(chain(("lone", ""), ("first", ""), ("second", "first"), ("third", "second")), engine, parallel=1)
    assert [call.removeprefix("remove volume ") for call in engine.calls] == ["first", "second", "lone", "third"]


def test_of_equals_the_one_that_stands_first_in_the_plan_goes_first() -> None:
    engine = FakeEngine()
    run(chain(("b", ""), ("a", ""), ("c", "")), engine, parallel=1)
    assert [call.removeprefix("remove volume ") for call in engine.calls] == ["b", "a", "c"]


def test_the_critical_path_of_going_up_is_image_sandbox_container() -> None:
    plan = reconcile(desired(1), Observed())
    ahead = critical_path_ms(plan)
    assert max(ahead, key=lambda key: ahead[key]) == f"build image {REFERENCE}"
    assert ahead[f"start sandbox {MAIN.named('alpha')}"] > ahead[f"create container {MAIN.named('alpha', 'left')}"]


def test_building_an_image_is_left_to_the_builder() -> None:
    engine = FakeEngine(images=[])
    built: list[ImageSpec] = []

    def build(spec: ImageSpec) -> None:
        engine.build_image(b"Dockerfile", [spec.reference], {}, lambda line: None)
        built.append(spec)

    run(plan_for(engine, desired()), engine, build_image=build)
    assert built == [ImageSpec("lab", REFERENCE)]
    assert not plan_for(engine, desired())


def test_a_failed_build_stops_what_needs_the_image() -> None:
    engine = FakeEngine(images=[])

    def build(spec: ImageSpec) -> None:
        raise ImageError("step 3 failed")

    with pytest.raises(ImageError, match="step 3 failed"):
        run(plan_for(engine, desired()), engine, build_image=build)
    assert not any("sandbox" in call or "container" in call for call in engine.calls)


def test_after_a_failure_nothing_more_is_started_and_its_error_is_raised() -> None:
    engine = FakeEngine()
    plan = plan_for(engine, desired())
    engine.fail_at(4, EngineError("the engine's disk is full"))
    with pytest.raises(EngineError, match="disk is full") as caught:
        run(plan, engine, parallel=1)
    assert len(engine.calls) == 4
    assert caught.value.__notes__[0].startswith("while carrying out: create ")


def builds(*names: str) -> Plan:
    return Plan.of(Operation(Verb.BUILD_IMAGE, name, "absent", spec=ImageSpec(name, name)) for name in names)


def test_what_runs_beside_a_failure_comes_to_its_end() -> None:
    failed = threading.Event()
    events: list[str] = []

    def build(spec: ImageSpec) -> None:
        if spec.name == "bad":
            raise ImageError("no")
        assert failed.wait(HELD_S)

    def listen(event: Event) -> None:
        events.append(f"{event.stage} {event.operation.target}")
        if event.stage is Stage.FAILED:
            failed.set()

    with pytest.raises(ImageError, match="no"):
        run(builds("bad", "good", "never"), FakeEngine(), parallel=2, build_image=build, on_event=listen)
    assert events == ["started bad", "started good", "failed bad", "ended good"]


def test_a_second_failure_is_a_note_of_the_first() -> None:
    barrier = threading.Barrier(2)

    def build(spec: ImageSpec) -> None:
        barrier.wait(HELD_S)
        raise ImageError(f"can't build {spec.name}")

    with pytest.raises(ImageError) as caught:
        run(builds("one", "two"), FakeEngine(), parallel=2, build_image=build)
    other = {"can't build one": "two", "can't build two": "one"}[caught.value.what]
    assert f"also failed: build image {other}: absent: can't build {other}" in caught.value.__notes__


def test_a_failure_is_told_with_its_error() -> None:
    engine = FakeEngine()
    error = EngineError("no")
    engine.fail_at(1, error)
    events: list[Event] = []
    with pytest.raises(EngineError):
        run(plan_for(engine, desired()), engine, parallel=1, on_event=events.append)
    assert (events[-1].stage, events[-1].error) == (Stage.FAILED, error)


def test_an_interrupt_lets_the_running_ones_end_and_starts_no_more() -> None:
    engine = FakeEngine()

    def interrupt(event: Event) -> None:
        if event.stage is Stage.ENDED and event.ended == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(plan_for(engine, desired()), engine, parallel=2, on_event=interrupt)
    assert 2 <= len(engine.calls) <= 4
    assert not any(thread.name.startswith("ipclab") for thread in threading.enumerate())


def test_a_plan_that_does_not_say_what_to_make_is_our_bug() -> None:
    with pytest.raises(InternalError, match="does not say what to make"):
        run(Plan.of([Operation(Verb.CREATE_VOLUME, "x", "absent")]), FakeEngine())
