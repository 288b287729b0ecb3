"""The plan for each state that the world can be found in, word for word."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from orchestrator.labels import InstanceName
from orchestrator.reconcile import reconcile
from orchestrator.resolve import resolve
from orchestrator.spec.lab import Lab
from orchestrator.world import (
    ContainerSpec,
    Desired,
    Observed,
    ObservedContainer,
    ObservedNetwork,
    ObservedVolume,
    SandboxSpec,
)

MAIN = InstanceName("lab-90")
P = "ipclab.lab-90.main"
LAB: dict[str, Any] = {
    "title": "Two hosts, one of them in two networks",
    "networks": {
        "lan": {"ipv4": "10.90.0.0/28", "ipv6": "fd00:90::/64"},
        "wan": {"ipv4": "10.91.0.0/28", "ipv6": "fd00:91::/64"},
    },
    "hosts": {
        "alpha": {
            "containers": {"left": {}, "right": {}},
            "networks": {
                "lan": {"ipv4": "10.90.0.2", "ipv6": "fd00:90::2"},
                "wan": {"ipv4": "10.91.0.2", "ipv6": "fd00:91::2"},
            },
        },
        "beta": {
            "containers": {"solo": {}},
            "share": [],
            "volume": None,
            "networks": {"lan": {"ipv4": "10.90.0.3", "ipv6": "fd00:90::3"}},
        },
    },
}


def wanted(instance: InstanceName = MAIN, image: str = "ipclab/lab:1", **hosts: Any) -> Desired:
    text = LAB | {"hosts": {name: host | hosts.get(name, {}) for name, host in LAB["hosts"].items()}}
    return resolve(Lab.model_validate(text), instance, slot=0, images={"lab": image})


def running(desired: Desired) -> Observed:
    """The world in which all that is desired is there, sandboxes started at 1000 and containers at 2000."""
    return Observed(
        containers=(*map(sandbox_of, desired.sandboxes), *map(container_of, desired.containers)),
        networks=tuple(
            ObservedNetwork(f"id-{spec.name}", spec.name, (spec.ipv4, spec.ipv6), spec.labels)
            for spec in desired.networks
        ),
        volumes=tuple(ObservedVolume(spec.name, spec.labels) for spec in desired.volumes),
        images={spec.reference: f"id-{spec.reference}" for spec in desired.images},
        subnets=tuple((spec.name, (spec.ipv4, spec.ipv6)) for spec in desired.networks),
    )


def sandbox_of(spec: SandboxSpec) -> ObservedContainer:
    return ObservedContainer(
        id=f"id-{spec.name}",
        name=spec.name,
        state="running",
        started_ns=1000,
        image_id=f"id-{spec.image}",
        labels=spec.labels,
        networks=frozenset(attachment.network for attachment in spec.attachments),
    )


def container_of(spec: ContainerSpec) -> ObservedContainer:
    return ObservedContainer(
        id=f"id-{spec.name}",
        name=spec.name,
        state="running",
        started_ns=2000,
        image_id=f"id-{spec.image}",
        labels=spec.labels,
        joined=frozenset({f"id-{spec.sandbox}"} if spec.share else ()),
    )


def changed(observed: Observed, name: str, **changes: Any) -> Observed:
    """The same world with one container changed."""
    containers = [
        replace(container, **changes) if container.name == f"{P}.{name}" else container
        for container in observed.containers
    ]
    return replace(observed, containers=tuple(containers))


def without(observed: Observed, *names: str) -> Observed:
    """The same world without some objects."""
    gone = {f"{P}.{name}" for name in names}
    return replace(
        observed,
        containers=tuple(thing for thing in observed.containers if thing.name not in gone),
        networks=tuple(thing for thing in observed.networks if thing.name not in gone),
        volumes=tuple(thing for thing in observed.volumes if thing.name not in gone),
    )


def lines(desired: Desired | None, observed: Observed) -> list[str]:
    """The plan's text, names shortened to what stands after the instance."""
    return str(reconcile(desired, observed)).replace(f"{P}.", "").splitlines()


UP = wanted()
THERE = running(UP)

ALPHA_AGAIN = """\
remove container alpha.left: {joined}
remove container alpha.right: {joined}
remove sandbox alpha: {cause}
create sandbox alpha: {cause}
attach network alpha net-wan: {cause}
start sandbox alpha: {cause}
create container alpha.left: {joined}
start container alpha.left: {joined}
create container alpha.right: {joined}
start container alpha.right: {joined}"""


def alpha_again(cause: str, joined: str = "its sandbox is recreated") -> list[str]:
    """Host alpha made anew, everything else left as it is."""
    return ALPHA_AGAIN.format(cause=cause, joined=joined).splitlines()


def test_from_nothing_everything_is_made_because_it_is_absent() -> None:
    assert lines(UP, Observed()) == [
        "build image ipclab/lab:1: absent",
        "create network net-lan: absent",
        "create network net-wan: absent",
        "create volume vol-alpha: absent",
        "create sandbox alpha: absent",
        "attach network alpha net-wan: absent",
        "start sandbox alpha: absent",
        "create container alpha.left: absent",
        "start container alpha.left: absent",
        "create container alpha.right: absent",
        "start container alpha.right: absent",
        "create sandbox beta: absent",
        "start sandbox beta: absent",
        "create container beta.solo: absent",
        "start container beta.solo: absent",
    ]


def test_going_up_twice_does_nothing_the_second_time() -> None:
    assert lines(UP, THERE) == ["nothing to do"]


def test_taking_down_removes_everything_and_no_image() -> None:
    assert lines(None, THERE) == [
        "remove container alpha.left: taken down",
        "remove container alpha.right: taken down",
        "remove container beta.solo: taken down",
        "remove sandbox alpha: taken down",
        "remove sandbox beta: taken down",
        "remove network net-lan: taken down",
        "remove network net-wan: taken down",
        "remove volume vol-alpha: taken down",
    ]


def test_taking_down_nothing_does_nothing() -> None:
    assert lines(None, Observed()) == ["nothing to do"]


def after(desired: Desired | None, observed: Observed) -> dict[str, list[str]]:
    """What each operation waits for."""
    plan = reconcile(desired, observed)
    return {
        operation.key.replace(f"{P}.", ""): sorted(key.replace(f"{P}.", "") for key in operation.after)
        for operation in plan.operations
    }


def test_going_up_nothing_waits_for_more_than_it_uses() -> None:
    image = "build image ipclab/lab:1"
    assert after(UP, Observed()) == {
        image: [],
        "create network net-lan": [],
        "create network net-wan": [],
        "create volume vol-alpha": [],
        "create sandbox alpha": [image, "create network net-lan", "create volume vol-alpha"],
        "attach network alpha net-wan": ["create network net-wan", "create sandbox alpha"],
        "start sandbox alpha": ["attach network alpha net-wan", "create sandbox alpha"],
        "create container alpha.left": [image, "create sandbox alpha", "create volume vol-alpha"],
        "start container alpha.left": ["create container alpha.left", "start sandbox alpha"],
        "create container alpha.right": [image, "create sandbox alpha", "create volume vol-alpha"],
        "start container alpha.right": ["create container alpha.right", "start sandbox alpha"],
        "create sandbox beta": [image, "create network net-lan"],
        "start sandbox beta": ["create sandbox beta"],
        "create container beta.solo": [image, "create sandbox beta"],
        "start container beta.solo": ["create container beta.solo"],
    }


def test_going_down_joiners_go_before_their_sandbox_and_users_before_networks_and_volumes() -> None:
    assert after(None, THERE) == {
        "remove container alpha.left": [],
        "remove container alpha.right": [],
        "remove container beta.solo": [],
        "remove sandbox alpha": ["remove container alpha.left", "remove container alpha.right"],
        "remove sandbox beta": ["remove container beta.solo"],
        "remove network net-lan": ["remove sandbox alpha", "remove sandbox beta"],
        "remove network net-wan": ["remove sandbox alpha"],
        "remove volume vol-alpha": [
            "remove container alpha.left",
            "remove container alpha.right",
            "remove sandbox alpha",
        ],
    }


@pytest.mark.parametrize("state", ["exited", "dead", "paused", "restarting"])
def test_a_container_that_does_not_run_is_made_anew_alone(state: str) -> None:
    assert lines(UP, changed(THERE, "alpha.left", state=state)) == [
        f"remove container alpha.left: it is {state}",
        f"create container alpha.left: it is {state}",
        f"start container alpha.left: it is {state}",
    ]


def test_a_container_that_is_on_its_way_out_is_awaited_and_made_anew() -> None:
    assert lines(UP, changed(THERE, "alpha.left", state="removing"))[0] == (
        "remove container alpha.left: it is being removed"
    )


@pytest.mark.parametrize("state", ["exited", "dead", "paused", "restarting"])
def test_a_sandbox_that_does_not_run_takes_its_containers_with_it(state: str) -> None:
    assert lines(UP, changed(THERE, "alpha", state=state)) == alpha_again(f"it is {state}")


def test_a_container_that_was_removed_by_hand_comes_back_alone() -> None:
    assert lines(UP, without(THERE, "alpha.left")) == [
        "create container alpha.left: absent",
        "start container alpha.left: absent",
    ]


def test_a_sandbox_that_was_removed_by_hand_brings_its_containers_down_first() -> None:
    expected = [line for line in alpha_again("absent", "its sandbox is absent") if "remove sandbox" not in line]
    assert lines(UP, without(THERE, "alpha")) == expected


def test_a_container_that_was_created_and_never_started_is_only_started() -> None:
    assert lines(UP, changed(THERE, "alpha.left", state="created", started_ns=0)) == [
        "start container alpha.left: it was never started"
    ]


def test_a_host_that_was_created_and_never_started_is_only_started_sandbox_first() -> None:
    half = changed(THERE, "alpha", state="created", started_ns=0)
    half = changed(without(half, "alpha.right"), "alpha.left", state="created", started_ns=0)
    assert lines(UP, half) == [
        "start sandbox alpha: it was never started",
        "start container alpha.left: it was never started",
        "create container alpha.right: absent",
        "start container alpha.right: absent",
    ]
    assert after(UP, half)["start container alpha.left"] == ["start sandbox alpha"]


def test_a_sandbox_that_was_created_and_not_yet_attached_to_all_its_networks_is_attached() -> None:
    half = changed(THERE, "alpha", state="created", started_ns=0, networks=frozenset({f"{P}.net-lan"}))
    assert lines(UP, without(half, "alpha.left", "alpha.right"))[:2] == [
        "attach network alpha net-wan: it was never started",
        "start sandbox alpha: it was never started",
    ]


def test_a_container_that_never_ran_and_changed_since_is_made_anew() -> None:
    half = changed(THERE, "alpha.left", state="created", started_ns=0, labels=MAIN.labels("container", definition="0"))
    assert lines(UP, half)[0] == "remove container alpha.left: definition changed"


def test_a_container_that_runs_though_its_sandbox_was_never_started_is_made_anew() -> None:
    odd = changed(THERE, "alpha", state="created", started_ns=0)
    assert lines(UP, without(odd, "alpha.right"))[:2] == [
        "remove container alpha.left: its sandbox was not running",
        "start sandbox alpha: it was never started",
    ]


def test_a_sandbox_that_was_restarted_keeps_running_and_its_containers_join_it_anew() -> None:
    cause = "its sandbox was restarted after it"
    assert lines(UP, changed(THERE, "alpha", started_ns=3000)) == [
        f"remove container alpha.left: {cause}",
        f"remove container alpha.right: {cause}",
        f"create container alpha.left: {cause}",
        f"start container alpha.left: {cause}",
        f"create container alpha.right: {cause}",
        f"start container alpha.right: {cause}",
    ]


def test_a_restarted_sandbox_does_not_matter_to_a_container_that_shares_nothing() -> None:
    assert lines(UP, changed(THERE, "beta", started_ns=3000)) == ["nothing to do"]


def test_a_container_that_joined_another_sandbox_is_made_anew() -> None:
    stale = changed(THERE, "alpha.right", joined=frozenset({"id-of-one-that-is-gone"}))
    assert lines(UP, stale)[0] == "remove container alpha.right: joined to another sandbox"


def test_a_container_that_should_share_nothing_and_joined_a_sandbox_is_made_anew() -> None:
    stale = changed(THERE, "beta.solo", joined=frozenset({f"id-{P}.beta"}))
    assert lines(UP, stale)[0] == "remove container beta.solo: joined to a sandbox"


def test_a_changed_container_is_made_anew_alone() -> None:
    more = wanted(alpha={"containers": {"left": {"limits": {"pids": 9}}, "right": {}}})
    assert lines(more, THERE) == [
        "remove container alpha.left: definition changed",
        "create container alpha.left: definition changed",
        "start container alpha.left: definition changed",
    ]


def test_a_changed_sandbox_takes_whatever_shares_its_namespaces_with_it() -> None:
    more = wanted(alpha={"ipc": {"shmmni": 7}})
    assert lines(more, THERE) == alpha_again("definition changed")


def test_a_changed_sandbox_leaves_a_container_that_shares_nothing_alone() -> None:
    more = wanted(beta={"ipc": {"shmmni": 7}})
    beta = [line for line in lines(more, THERE) if "beta" in line]
    assert [line.partition(":")[0] for line in beta] == [
        "remove container beta.solo",  # its own IPC namespace has the host's limits, too
        "remove sandbox beta",
        "create sandbox beta",
        "start sandbox beta",
        "create container beta.solo",
        "start container beta.solo",
    ]
    restarted = changed(THERE, "beta", state="exited")
    assert not any("beta.solo" in line for line in lines(UP, restarted))


def test_a_changed_volume_takes_its_hosts_containers_with_it() -> None:
    more = wanted(alpha={"volume": {"size": "1MiB"}})
    cause = "its volume is recreated"
    assert lines(more, THERE) == [
        f"remove container alpha.left: {cause}",
        f"remove container alpha.right: {cause}",
        f"remove sandbox alpha: {cause}",
        "remove volume vol-alpha: definition changed",
        "create volume vol-alpha: definition changed",
        f"create sandbox alpha: {cause}",
        f"attach network alpha net-wan: {cause}",
        f"start sandbox alpha: {cause}",
        f"create container alpha.left: {cause}",
        f"start container alpha.left: {cause}",
        f"create container alpha.right: {cause}",
        f"start container alpha.right: {cause}",
    ]
    waits = after(more, THERE)
    assert waits["create volume vol-alpha"] == ["remove volume vol-alpha"]
    assert "create volume vol-alpha" in waits["create container alpha.left"]


def test_a_changed_network_takes_the_hosts_in_it_with_it() -> None:
    moved = resolve(Lab.model_validate(LAB), MAIN, slot=1, images={"lab": "ipclab/lab:1"})
    only_wan = replace(UP, networks=(UP.networks[0], moved.networks[1]))
    plan = lines(only_wan, THERE)
    assert plan[2:5] == [
        "remove sandbox alpha: its network net-wan is recreated",
        "remove network net-wan: definition changed",
        "create network net-wan: definition changed",
    ]
    assert not any("beta" in line for line in plan)


def test_a_network_that_was_removed_while_a_sandbox_still_names_it() -> None:
    half = without(changed(THERE, "alpha", state="created", started_ns=0), "net-wan", "alpha.left", "alpha.right")
    assert lines(UP, half)[:3] == [
        "remove sandbox alpha: its network net-wan is absent",
        "create network net-wan: absent",
        "create sandbox alpha: its network net-wan is absent",
    ]
    assert after(UP, half)["create network net-wan"] == ["remove sandbox alpha"]


def test_a_running_sandbox_that_was_disconnected_is_made_anew() -> None:
    loose = changed(THERE, "alpha", networks=frozenset({f"{P}.net-lan"}))
    assert lines(UP, loose) == alpha_again("not attached to net-wan")


def test_a_sandbox_that_was_connected_to_more_is_made_anew() -> None:
    loose = changed(THERE, "alpha", networks=frozenset({f"{P}.net-lan", f"{P}.net-wan", "bridge"}))
    assert lines(UP, loose) == alpha_again("attached to bridge")


def test_an_engine_that_calls_no_network_none_is_understood() -> None:
    alone = wanted(alpha={"networks": {}})
    assert lines(alone, changed(running(alone), "alpha", networks=frozenset({"none"}))) == ["nothing to do"]


def test_another_image_makes_everything_on_it_anew() -> None:
    plan = lines(wanted(image="ipclab/lab:2"), THERE)
    assert plan[:2] == ["build image ipclab/lab:2: absent", "remove container alpha.left: its image is absent"]
    built = replace(THERE, images={"ipclab/lab:2": "id-ipclab/lab:2"})
    plan = lines(wanted(image="ipclab/lab:2"), built)
    assert plan[0] == "remove container alpha.left: image changed"
    assert not any("build" in line for line in plan)


def test_what_runs_on_the_old_image_stays_until_the_new_one_is_built() -> None:
    waits = after(wanted(image="ipclab/lab:2"), THERE)
    assert waits["remove container alpha.left"] == ["build image ipclab/lab:2"]
    assert "build image ipclab/lab:2" in waits["remove sandbox alpha"]


def test_what_left_the_definition_goes() -> None:
    less = wanted(alpha={"containers": {"left": {}}})
    assert lines(less, THERE) == ["remove container alpha.right: no longer in the definition"]


def test_a_host_that_left_the_definition_goes_with_all_it_had() -> None:
    less = replace(UP, sandboxes=UP.sandboxes[1:], containers=UP.containers[2:], volumes=(), networks=UP.networks[:1])
    cause = "no longer in the definition"
    assert lines(less, THERE) == [
        f"remove container alpha.left: {cause}",
        f"remove container alpha.right: {cause}",
        f"remove sandbox alpha: {cause}",
        f"remove network net-wan: {cause}",
        f"remove volume vol-alpha: {cause}",
    ]


def test_a_second_object_of_one_role_goes_and_frees_its_address_before_the_right_one_starts() -> None:
    twin = replace(sandbox_of(UP.sandboxes[0]), id="id-twin", name="renamed")
    world = replace(without(THERE, "alpha", "alpha.left", "alpha.right"), containers=(twin,))
    plan = lines(UP, world)
    assert "remove sandbox renamed: no longer in the definition" in plan
    assert "remove sandbox renamed" in after(UP, world)["start sandbox alpha"]


def test_two_networks_of_one_name_make_way_for_one() -> None:
    twins = replace(THERE, networks=(*THERE.networks, replace(THERE.networks[1], id="id-twin")))
    plan = lines(UP, twins)
    assert plan.count("remove network net-wan: there are two of it") == 1
    assert "create network net-wan: there are two of it" in plan
    assert lines(None, twins).count("remove network net-wan: taken down") == 1


def test_an_object_of_ours_without_a_definition_is_made_anew() -> None:
    bare = MAIN.labels("sandbox", host="alpha")
    assert lines(UP, changed(THERE, "alpha", labels=bare)) == alpha_again("its definition is unknown")


def test_two_hosts_that_swap_their_addresses_start_when_both_old_ones_are_gone() -> None:
    swapped = wanted(
        alpha={"networks": {"lan": {"ipv4": "10.90.0.3", "ipv6": "fd00:90::3"}}},
        beta={"networks": {"lan": {"ipv4": "10.90.0.2", "ipv6": "fd00:90::2"}}},
    )
    waits = after(swapped, THERE)
    assert {"remove sandbox alpha", "remove sandbox beta"} <= set(waits["start sandbox alpha"])
    assert {"remove sandbox alpha", "remove sandbox beta"} <= set(waits["start sandbox beta"])


def test_a_host_called_like_a_network_is_no_network() -> None:
    text = LAB | {"hosts": {"net-lan": {"containers": {"left": {}}}}}
    desired = resolve(Lab.model_validate(text), MAIN, slot=0, images={"lab": "ipclab/lab:1"})
    world = running(desired)
    assert lines(desired, world) == ["nothing to do"]
    stopped = [line.partition(":")[0] for line in lines(desired, changed(world, "net-lan", state="exited"))]
    assert stopped[:3] == ["remove container net-lan.left", "remove sandbox net-lan", "create sandbox net-lan"]
    assert "remove network net-lan" not in stopped


def test_another_instances_objects_are_left_alone() -> None:
    second = wanted(InstanceName("lab-90", "second"))
    both = running(second)
    mixed = replace(
        THERE,
        containers=THERE.containers + both.containers,
        networks=THERE.networks + both.networks,
        volumes=THERE.volumes + both.volumes,
    )
    assert lines(UP, mixed) == ["nothing to do"]
    assert lines(second, mixed) == ["nothing to do"]
