"""Up and down as a whole: killed at every operation, meddled with, raced against; it ends where it should."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from ipaddress import ip_network
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.convergence import RACES, converge
from orchestrator.engine.fake import FakeEngine
from orchestrator.errors import (
    EngineError,
    EngineTimeout,
    EngineUnavailable,
    IpclabError,
    ObjectConflict,
    ObjectMissing,
)
from orchestrator.executor import execute
from orchestrator.labels import InstanceName
from orchestrator.plan import Plan
from orchestrator.reconcile import reconcile
from orchestrator.resolve import resolve
from orchestrator.slots import choose_slot, moved
from orchestrator.spec.lab import Lab
from orchestrator.world import Desired, ImageSpec, NetworkSpec, Observed, SandboxSpec, VolumeSpec

MAIN = InstanceName("lab-90")
SECOND = InstanceName("lab-90", "second")
REFERENCE = "ipclab/lab:test"
NEVER = 10**9
"""A call that does not come: a fault there takes back one that was due earlier."""


def place(last: int, *networks: str) -> dict[str, Any]:
    prefixes = {"lan": ("10.90.0", "fd00:90"), "wan": ("10.91.0", "fd00:91")}
    return {key: {"ipv4": f"{prefixes[key][0]}.{last}", "ipv6": f"{prefixes[key][1]}::{last}"} for key in networks}


def lab(**hosts: Any) -> Lab:
    networks = {
        "lan": {"ipv4": "10.90.0.0/28", "ipv6": "fd00:90::/64"},
        "wan": {"ipv4": "10.91.0.0/28", "ipv6": "fd00:91::/64"},
    }
    default = {
        "alpha": {"containers": {"left": {}, "right": {}}, "networks": place(2, "lan", "wan")},
        "beta": {"containers": {"left": {}}, "networks": place(3, "lan"), "share": ["ipc"], "volume": None},
    }
    return Lab.model_validate({"title": "Hosts", "networks": networks, "hosts": hosts or default})


@pytest.fixture
def locks(tmp_path: Path) -> Path:
    return tmp_path


class World:
    """An engine, and our way up and down on it without pauses."""

    def __init__(self, engine: FakeEngine, locks: Path, *, parallel: int = 2) -> None:
        self.engine = engine
        self.locks = locks
        self.parallel = parallel

    def wanted(self, model: Lab, name: InstanceName = MAIN) -> Callable[[Observed], Desired]:
        def desired(observed: Observed) -> Desired:
            return resolve(model, name, slot=choose_slot(model, name, observed), images={"lab": REFERENCE})

        return desired

    def converge(self, desired_of: Callable[[Observed], Desired | None], name: InstanceName = MAIN) -> Plan:
        return converge(
            name,
            desired_of,
            self.engine,
            build_image=self.build,
            images=[REFERENCE],
            parallel=self.parallel,
            pauses_s=(0, 0),
            locks=self.locks,
        )

    def carry_out_once(self, desired_of: Callable[[Observed], Desired | None]) -> None:
        """One look, one plan: without anybody in between that has to be enough."""
        observed = self.engine.observe(MAIN, images=[REFERENCE])
        execute(reconcile(desired_of(observed), observed), self.engine, build_image=self.build)

    def build(self, spec: ImageSpec) -> None:
        self.engine.build_image(b"Dockerfile", [spec.reference], {}, lambda line: None)

    def up(self, model: Lab | None = None, name: InstanceName = MAIN) -> Plan:
        return self.converge(self.wanted(model or lab(), name), name)

    def down(self, name: InstanceName = MAIN) -> Plan:
        return self.converge(lambda observed: None, name)

    def assert_whole(self, model: Lab | None = None, name: InstanceName = MAIN) -> None:
        """Nothing is left to do, and each container is in the namespaces that it should be in."""
        observed = self.engine.observe(name, images=[REFERENCE])
        desired = self.wanted(model or lab(), name)(observed)
        assert str(reconcile(desired, observed)) == "nothing to do"
        there = {container.name: container for container in observed.containers}
        assert {container.state for container in observed.containers} == {"running"}
        for sandbox in desired.sandboxes:
            assert there[sandbox.name].networks == {attachment.network for attachment in sandbox.attachments}
        for spec in desired.containers:
            own, donor = self.engine.namespaces(spec.name), self.engine.namespaces(spec.sandbox)
            assert {kind for kind in own if own[kind] == donor[kind]} == spec.share

    def assert_gone(self, name: InstanceName = MAIN) -> None:
        left = self.engine.observe(name)
        assert (left.containers, left.networks, left.volumes) == ((), (), ())


@pytest.fixture
def world(locks: Path) -> World:
    return World(FakeEngine(), locks)


class Killed(BaseException):
    """What happens to an orchestrator that is killed: it ends there and then."""


def test_up_gives_the_plan_that_it_carried_out_and_the_next_gives_an_empty_one(world: World) -> None:
    assert str(world.up()).startswith("create network ipclab.lab-90.main.net-lan: absent")
    calls = list(world.engine.calls)
    assert not world.up()
    assert world.engine.calls == calls


def count_of_calls(way: Callable[[World], object], before: Callable[[World], object]) -> int:
    """How many calls of the engine it takes."""
    with TemporaryDirectory() as folder:
        world = World(FakeEngine(), Path(folder))
        before(world)
        done = len(world.engine.calls)
        way(world)
        return len(world.engine.calls) - done


UP_CALLS = count_of_calls(World.up, lambda world: None)
DOWN_CALLS = count_of_calls(World.down, World.up)


@pytest.mark.parametrize("parallel", [1, 3])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("number", range(1, UP_CALLS + 1))
def test_up_killed_at_any_call_is_finished_or_undone(locks: Path, number: int, after: bool, parallel: int) -> None:
    for finish in (True, False):
        world = World(FakeEngine(), locks, parallel=parallel)
        world.engine.fail_at(number, Killed(), after=after)
        with pytest.raises(Killed):
            world.up()
        if finish:
            world.up()
            world.assert_whole()
        world.down()
        world.assert_gone()


@pytest.mark.parametrize("parallel", [1, 3])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("number", range(1, DOWN_CALLS + 1))
def test_down_killed_at_any_call_is_finished_or_undone(locks: Path, number: int, after: bool, parallel: int) -> None:
    for finish in (True, False):
        world = World(FakeEngine(), locks, parallel=parallel)
        world.up()
        world.engine.fail_at(number, Killed(), after=after)
        with pytest.raises(Killed):
            world.down()
        if not finish:
            world.up()
            world.assert_whole()
        world.down()
        world.assert_gone()


@pytest.mark.parametrize("error", [ObjectMissing("gone"), ObjectConflict("taken"), EngineTimeout("no answer")])
@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("number", range(1, UP_CALLS + 1))
def test_a_race_that_is_lost_once_is_not_noticed(world: World, number: int, after: bool, error: EngineError) -> None:
    world.engine.fail_at(number, error, after=after)
    assert world.up()
    world.assert_whole()


def test_an_engine_that_refuses_is_not_asked_again(world: World) -> None:
    world.engine.fail_at(3, EngineError("the engine's disk is full"))
    with pytest.raises(EngineError, match="disk is full"):
        world.up()
    assert len(world.engine.calls) <= 4


def test_an_engine_that_went_away_is_not_asked_again(world: World) -> None:
    world.engine.fail_at(3, EngineUnavailable("gone"))
    with pytest.raises(EngineUnavailable, match="gone"):
        world.up()


def meddling(locks: Path, call: str, act: Callable[[FakeEngine], None], *, times: int = 1) -> World:
    """A world in which somebody acts just before a call is carried out, the first times that it comes."""
    left = [times]

    def watch(began: str) -> None:
        if began == call and left[0]:
            left[0] -= 1
            act(engine)

    engine = FakeEngine(watch=watch)
    return World(engine, locks)


def test_subnets_that_another_instance_took_meanwhile_are_stepped_over(locks: Path) -> None:
    def take(engine: FakeEngine) -> None:
        labels = SECOND.labels("network", network="lan", slot="0", definition="x")
        engine.create_network(NetworkSpec("theirs", "lan", "10.90.0.0/28", "fd00:90::/64", 0, labels))

    world = meddling(locks, f"create network {MAIN.named('net-lan')}", take)
    world.up()
    world.assert_whole()
    assert {network.labels["ipclab.slot"] for network in world.engine.observe(MAIN).networks} == {"1"}


def test_a_sandbox_that_vanishes_before_it_is_started_is_made_anew(locks: Path) -> None:
    name = MAIN.named("alpha")
    world = meddling(locks, f"start {name}", lambda engine: engine.remove_by_hand(name))
    world.up()
    world.assert_whole()


def test_a_container_that_vanishes_while_others_start_is_noticed(locks: Path) -> None:
    gone = MAIN.named("alpha", "left")
    world = meddling(locks, f"start {MAIN.named('beta', 'solo')}", lambda engine: vanish(engine, gone))
    world.parallel = 1
    world.up()
    world.assert_whole()


def vanish(engine: FakeEngine, name: str) -> None:
    with contextlib.suppress(ObjectMissing):
        engine.remove_by_hand(name)


def test_a_container_that_never_stays_up_is_an_error_that_says_what_is_left_to_do(locks: Path) -> None:
    """As with a container whose program ends at once: each time it was started, it is found to have exited."""
    name = MAIN.named("beta", "left")

    class Brittle(FakeEngine):
        def start(self, name_: str) -> None:
            super().start(name_)
            if name_ == name:
                self.kill(name)

    with pytest.raises(EngineError, match="does not stay as it was made") as caught:
        World(Brittle(), locks).up()
    assert f"remove container {name}: it is exited" in str(caught.value)


def foreign_sandbox(name: str) -> SandboxSpec:
    return SandboxSpec(name, "x", "x", REFERENCE, (), {}, {}, 1, None)


def test_a_container_of_our_name_that_is_not_ours_is_named_and_left_alone(world: World) -> None:
    world.engine.create_sandbox(foreign_sandbox(MAIN.named("alpha")))
    with pytest.raises(
        ObjectConflict, match=r"a container ipclab.lab-90.main.alpha that ipclab did not make"
    ) as caught:
        world.up()
    assert "docker rm -f ipclab.lab-90.main.alpha" in caught.value.fix
    world.down()
    world.assert_gone()
    world.engine.start(MAIN.named("alpha"))


def test_a_network_of_our_name_that_is_not_ours_is_named(locks: Path) -> None:
    engine = FakeEngine(foreign={MAIN.named("net-lan"): ("192.168.1.0/24",)})
    with pytest.raises(ObjectConflict, match=r"a network ipclab.lab-90.main.net-lan that ipclab did not make"):
        World(engine, locks).up()


def test_a_volume_of_our_name_that_is_not_ours_is_named(world: World) -> None:
    # One without our labels is made, and is nobody's that we know: it stays, as somebody else's would.
    with pytest.raises(ObjectConflict):
        world.engine.create_volume(VolumeSpec(MAIN.named("vol-alpha"), 1, 1))
    with pytest.raises(ObjectConflict, match=r"a volume ipclab.lab-90.main.vol-alpha that ipclab did not make"):
        world.up()


def racing(locks: Path, *, times: int) -> World:
    """A world in which somebody takes the addresses that were chosen, each time before they are used."""
    number = iter(range(99))

    def take(engine: FakeEngine) -> None:
        slot = next(number)
        ipv4, ipv6 = (moved(ip_network(one), slot) for one in ("10.90.0.0/28", "fd00:90::/64"))
        engine.create_network(NetworkSpec(f"theirs-{slot}", "lan", str(ipv4), str(ipv6), slot, {}))

    return meddling(locks, f"create network {MAIN.named('net-lan')}", take, times=times)


def test_as_many_instances_as_a_class_has_may_begin_at_once(locks: Path) -> None:
    world = racing(locks, times=RACES)
    world.up()
    world.assert_whole()


def test_a_network_that_takes_our_addresses_each_time_is_named(locks: Path) -> None:
    with pytest.raises(ObjectConflict, match=r"overlap those of the network theirs-26"):
        racing(locks, times=99).up()


def test_two_instances_live_side_by_side(world: World) -> None:
    world.up()
    world.up(name=SECOND)
    world.assert_whole()
    world.assert_whole(name=SECOND)
    world.down()
    world.assert_gone()
    world.assert_whole(name=SECOND)


def test_taking_down_takes_everything_that_is_observed_even_without_a_definition(world: World) -> None:
    world.up()
    world.up(lab(gamma={"containers": {"solo": {}}}))
    world.down()
    world.assert_gone()


def test_two_that_go_up_and_two_that_go_down_at_once_leave_all_or_nothing(world: World) -> None:
    errors: list[BaseException] = []

    def work(way: Callable[[], object]) -> None:
        try:
            way()
        except IpclabError as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(way,)) for way in (world.up, world.down) * 2]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []
    if world.engine.observe(MAIN).containers:
        world.assert_whole()
    else:
        world.assert_gone()


HOSTS = ("alpha", "beta")
CONTAINERS = ("left", "right")
NAMES = [
    *(MAIN.named(host) for host in HOSTS),
    *(MAIN.named(host, container) for host in HOSTS for container in CONTAINERS),
]
OTHERS = [*(MAIN.named(f"vol-{host}") for host in HOSTS), *(MAIN.named(f"net-{key}") for key in ("lan", "wan"))]
ACTS = ("kill", "restart", "remove", "state", "half", "disconnect", "connect", "replace", "twin", "interrupt")
STATES = ("created", "running", "paused", "restarting", "removing", "exited", "dead")


@st.composite
def labs(draw: st.DrawFn) -> Lab:
    """A lab of one or two hosts; two draws often have much in common."""
    addresses = dict(zip(HOSTS, draw(st.permutations([2, 3])), strict=True))
    hosts = {}
    for name in draw(st.lists(st.sampled_from(HOSTS), min_size=1, unique=True)):
        containers = draw(st.lists(st.sampled_from(CONTAINERS), min_size=1, unique=True))
        networks = draw(st.lists(st.sampled_from(["lan", "wan"]), unique=True))
        hosts[name] = {
            "containers": {key: {"limits": {"pids": draw(st.sampled_from([64, 65]))}} for key in containers},
            "share": draw(st.lists(st.sampled_from(["ipc", "net", "pid"]), unique=True)),
            "ipc": {"shmmni": draw(st.sampled_from([64, 65]))},
            "volume": draw(st.sampled_from([None, {"size": "1MiB"}, {"size": "2MiB"}])),
            "networks": place(addresses[name], *networks),
        }
    return lab(**hosts)


@st.composite
def meddlings(draw: st.DrawFn) -> Callable[[World], None]:
    """Something that somebody does to an instance between two of our commands."""
    act = draw(st.sampled_from(ACTS))
    name = draw(st.sampled_from(NAMES))
    if act == "remove":
        gone = draw(st.sampled_from(NAMES + OTHERS))
        return lambda world: world.engine.remove_by_hand(gone)
    if act == "state":
        state = draw(st.sampled_from(STATES))
        return lambda world: world.engine.put_into(name, state)
    network = MAIN.named(draw(st.sampled_from(["net-lan", "net-wan"])))
    if act == "disconnect":
        return lambda world: world.engine.disconnect(name, network)
    if act == "connect":
        return lambda world: connect(world, name, network)
    if act == "half":
        return lambda world: half_made(world, name, network)
    if act == "replace":
        return lambda world: replace_sandbox(world, name)
    if act == "twin":
        model = draw(labs())
        return lambda world: twin(world, model)
    if act == "interrupt":
        number, after, model = draw(st.integers(1, 25)), draw(st.booleans()), draw(st.none() | labs())
        return lambda world: interrupt(world, number, after, model)
    return lambda world: getattr(world.engine, act)(name)


def connect(world: World, name: str, network: str) -> None:
    spec = world.engine.spec(name)
    if isinstance(spec, SandboxSpec):
        world.engine.attach_network(name, spec, network)


def half_made(world: World, name: str, network: str) -> None:
    """As somebody who was killed leaves it who created, and did not yet attach or start."""
    world.engine.put_into(name, "created")
    world.engine.disconnect(name, network)


def twin(world: World, model: Lab) -> None:
    """A second sandbox of a host, running, under another name: somebody renamed one."""
    desired = world.wanted(model)(world.engine.observe(MAIN))
    old = desired.sandboxes[0]
    spec = SandboxSpec("renamed", "x", "x", REFERENCE, old.attachments, {}, {}, 1, None, old.labels)
    world.engine.create_sandbox(spec)
    world.engine.start(spec.name)


def replace_sandbox(world: World, name: str) -> None:
    """Another sandbox of the same name and definition: who joined the first one is not in its namespaces."""
    spec = world.engine.spec(name)
    if isinstance(spec, SandboxSpec):
        world.engine.remove_by_hand(name)
        world.engine.create_sandbox(spec)
        for attachment in spec.attachments:
            world.engine.attach_network(name, spec, attachment.network)
        world.engine.start(name)


def interrupt(world: World, number: int, after: bool, model: Lab | None) -> None:
    world.engine.fail_at(number, Killed(), after=after)
    with contextlib.suppress(Killed):
        world.down() if model is None else world.up(model)
    world.engine.fail_at(NEVER, Killed())


@contextlib.contextmanager
def populated() -> Iterator[World]:
    """A world in which others live, too: another instance, a container and a network that are not ours."""
    with TemporaryDirectory() as folder:
        world = World(FakeEngine(foreign={"bridge": ("172.17.0.0/16",), "theirs": ("10.90.0.32/28",)}), Path(folder))
        world.up(name=SECOND)
        world.engine.create_sandbox(foreign_sandbox("theirs"))
        world.engine.start("theirs")
        yield world


@given(first=st.just(lab()) | labs(), meddlings=st.lists(meddlings(), max_size=5), last=st.none() | labs())
@settings(deadline=None, max_examples=150)
def test_whatever_happened_up_makes_it_whole_and_down_leaves_nothing_of_it_and_all_of_the_others(
    first: Lab, meddlings: list[Callable[[World], None]], last: Lab | None
) -> None:
    with populated() as world:
        others = world.engine.observe(SECOND), world.engine.namespaces("theirs")
        world.up(first)
        for meddle in meddlings:
            with contextlib.suppress(EngineError):
                meddle(world)
        world.carry_out_once(world.wanted(last or first))
        world.assert_whole(last or first)
        world.carry_out_once(lambda observed: None)
        world.assert_gone()
        now = world.engine.observe(SECOND)
        assert (now.containers, now.networks, now.volumes) == (
            others[0].containers,
            others[0].networks,
            others[0].volumes,
        )
        assert world.engine.namespaces("theirs") == others[1]
