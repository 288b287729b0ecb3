"""From a lab's model to desired objects: names, addresses, slots, sysctls, limits."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.errors import MachineError, UsageError
from orchestrator.labels import InstanceName
from orchestrator.resolve import resolve
from orchestrator.slots import choose_slot
from orchestrator.spec.lab import Lab
from orchestrator.world import Bind, Desired, Observed, ObservedNetwork, definition

MAIN = InstanceName("lab-90")
IMAGES = {"lab": "ipclab/lab:0123456789ab"}


def lab(**changes: Any) -> Lab:
    text: dict[str, Any] = {
        "title": "Two hosts",
        "networks": {"lan": {"ipv4": "10.90.0.0/28", "ipv6": "fd00:90::/64"}},
        "hosts": {
            "alpha": {
                "containers": {"left": {}, "right": {}},
                "networks": {"lan": {"ipv4": "10.90.0.2", "ipv6": "fd00:90::2"}},
            },
            "beta": {
                "containers": {"solo": {}},
                "networks": {"lan": {"ipv4": "10.90.0.3", "ipv6": "fd00:90::3"}},
            },
        },
    }
    return Lab.model_validate(text | changes)


def resolved(model: Lab | None = None, *, slot: int = 0, binds: tuple[Bind, ...] = ()) -> Desired:
    return resolve(model or lab(), MAIN, slot=slot, images=IMAGES, binds=binds)


def engine_with(*networks: tuple[str, str], ours: ObservedNetwork | None = None) -> Observed:
    subnets = tuple((name, (text,)) for name, text in networks)
    if ours is None:
        return Observed(subnets=subnets)
    return Observed(networks=(ours,), subnets=(*subnets, (ours.name, ours.subnets)))


def our_network(slot: str, *subnets: str, instance: InstanceName = MAIN) -> ObservedNetwork:
    labels = instance.labels("network", network="lan", slot=slot)
    return ObservedNetwork("0a", instance.named("net-lan"), subnets, labels)


def test_names_of_a_lab_with_two_hosts() -> None:
    desired = resolved()
    assert [spec.name for spec in desired.networks] == ["ipclab.lab-90.main.net-lan"]
    assert [spec.name for spec in desired.volumes] == ["ipclab.lab-90.main.vol-alpha", "ipclab.lab-90.main.vol-beta"]
    assert [spec.name for spec in desired.sandboxes] == ["ipclab.lab-90.main.alpha", "ipclab.lab-90.main.beta"]
    assert [spec.name for spec in desired.containers] == [
        "ipclab.lab-90.main.alpha.left",
        "ipclab.lab-90.main.alpha.right",
        "ipclab.lab-90.main.beta.solo",
    ]


def test_slot_0_is_what_the_definition_says() -> None:
    desired = resolved()
    assert (desired.networks[0].ipv4, desired.networks[0].ipv6) == ("10.90.0.0/28", "fd00:90::/64")
    place = desired.sandboxes[1].attachments[0]
    assert (place.network, place.ipv4, place.ipv6) == ("ipclab.lab-90.main.net-lan", "10.90.0.3", "fd00:90::3")


def test_slot_2_lies_two_subnets_further_and_hosts_keep_their_offsets() -> None:
    desired = resolved(slot=2)
    assert (desired.networks[0].ipv4, desired.networks[0].ipv6) == ("10.90.0.32/28", "fd00:90:0:2::/64")
    place = desired.sandboxes[1].attachments[0]
    assert (place.ipv4, place.ipv6) == ("10.90.0.35", "fd00:90:0:2::3")


def test_hosts_know_each_other_by_name_in_both_families() -> None:
    alpha, beta = resolved().sandboxes
    assert alpha.hosts == {"beta": ("10.90.0.3", "fd00:90::3")}
    assert beta.hosts == {"alpha": ("10.90.0.2", "fd00:90::2")}


def test_a_host_does_not_know_the_address_of_one_that_it_shares_no_network_with() -> None:
    networks = {
        "lan": {"ipv4": "10.90.0.0/28", "ipv6": "fd00:90::/64"},
        "wan": {"ipv4": "10.90.1.0/28", "ipv6": "fd00:91::/64"},
    }

    def place(network: str, last: int) -> dict[str, Any]:
        prefix = {"lan": ("10.90.0", "fd00:90"), "wan": ("10.90.1", "fd00:91")}[network]
        return {network: {"ipv4": f"{prefix[0]}.{last}", "ipv6": f"{prefix[1]}::{last}"}}

    hosts = {
        "left": {"containers": {"a": {}}, "networks": place("lan", 2)},
        "router": {"containers": {"a": {}}, "networks": place("wan", 3) | place("lan", 3)},
        "right": {"containers": {"a": {}}, "networks": place("wan", 4)},
        "alone": {"containers": {"a": {}}},
    }
    left, router, right, alone = resolved(lab(networks=networks, hosts=hosts)).sandboxes
    assert left.hosts == {"router": ("10.90.0.3", "fd00:90::3")}
    assert right.hosts == {"router": ("10.90.1.3", "fd00:91::3")}
    assert router.hosts == {"left": ("10.90.0.2", "fd00:90::2"), "right": ("10.90.1.4", "fd00:91::4")}
    assert alone.hosts == {}
    assert alone.attachments == ()
    assert [attachment.network.rpartition(".")[2] for attachment in router.attachments] == ["net-wan", "net-lan"]


def test_limits_of_a_hosts_ipc_become_sysctls_of_its_sandbox() -> None:
    hosts = {"alpha": {"containers": {"left": {}}, "ipc": {"shmall": "4097B", "semmni": 7, "msgsize_max": "1KiB"}}}
    sandbox = resolved(lab(hosts=hosts)).sandboxes[0]
    assert {key: value for key, value in sandbox.sysctls.items() if not key.startswith("net.")} == {
        "kernel.shmmax": "16777216",
        "kernel.shmall": "2",  # pages, rounded up
        "kernel.shmmni": "64",
        "kernel.msgmax": "8192",
        "kernel.msgmnb": "16384",
        "kernel.msgmni": "32",
        "kernel.sem": "250 4000 100 7",
        "fs.mqueue.queues_max": "64",
        "fs.mqueue.msg_max": "64",
        "fs.mqueue.msgsize_max": "1024",
    }
    assert sandbox.sysctls["net.ipv4.ip_unprivileged_port_start"] == "1024"


def test_a_host_may_keep_ipv4_out_of_its_ipv6_sockets() -> None:
    hosts = {
        "alpha": {"containers": {"left": {}}},
        "beta": {"containers": {"left": {}, "right": {}}, "share": ["ipc"], "bindv6only": True},
    }
    desired = resolved(lab(hosts=hosts))
    assert ["net.ipv6.bindv6only" in sandbox.sysctls for sandbox in desired.sandboxes] == [False, True]
    assert [container.sysctls.get("net.ipv6.bindv6only") for container in desired.containers] == [None, "1", "1"]


def test_a_container_that_shares_everything_carries_no_sysctls() -> None:
    assert [dict(spec.sysctls) for spec in resolved().containers] == [{}, {}, {}]


def test_a_container_with_its_own_ipc_namespace_has_the_hosts_limits_in_it() -> None:
    hosts = {"alpha": {"containers": {"left": {}}, "share": ["net"], "ipc": {"shmmni": 5, "shm_size": "1MiB"}}}
    container = resolved(lab(hosts=hosts)).containers[0]
    assert container.share == {"net"}
    assert container.sysctls["kernel.shmmni"] == "5"
    assert container.shm_bytes == 2**20
    assert not any(key.startswith("net.") for key in container.sysctls)


def test_a_containers_own_limits_hold_over_the_labs_one_by_one() -> None:
    hosts = {"alpha": {"containers": {"left": {"limits": {"pids": 9}}, "right": {}}}}
    left, right = resolved(lab(hosts=hosts, limits={"memory": "64MiB", "pids": 50})).containers
    assert (left.limits.memory_bytes, left.limits.pids) == (64 * 2**20, 9)
    assert (right.limits.memory_bytes, right.limits.pids) == (64 * 2**20, 50)


def test_a_host_without_a_volume_has_none_anywhere() -> None:
    hosts = {"alpha": {"containers": {"left": {}}, "volume": None}}
    desired = resolved(lab(hosts=hosts))
    assert desired.volumes == ()
    assert (desired.sandboxes[0].volume, desired.containers[0].volume) == (None, None)


def test_every_object_carries_lab_instance_role_and_the_hash_of_its_definition() -> None:
    desired = resolve(lab(), InstanceName("lab-90", "second"), slot=1, images=IMAGES)
    network, volume = desired.networks[0], desired.volumes[0]
    sandbox, container = desired.sandboxes[0], desired.containers[1]
    common = {"ipclab.lab": "lab-90", "ipclab.instance": "second"}
    assert network.labels == common | {
        "ipclab.role": "network",
        "ipclab.network": "lan",
        "ipclab.slot": "1",
        "ipclab.definition": definition(network),
    }
    assert volume.labels == common | {
        "ipclab.role": "volume",
        "ipclab.host": "alpha",
        "ipclab.definition": definition(volume),
    }
    assert sandbox.labels == common | {
        "ipclab.role": "sandbox",
        "ipclab.host": "alpha",
        "ipclab.definition": definition(sandbox),
    }
    assert container.labels == common | {
        "ipclab.role": "container",
        "ipclab.host": "alpha",
        "ipclab.container": "right",
        "ipclab.definition": definition(container),
    }


def test_a_folder_that_is_bound_is_part_of_each_containers_definition() -> None:
    bind = Bind("/home/me/work", "/work")
    bound = resolved(binds=(bind,)).containers
    assert {spec.binds for spec in bound} == {(bind,)}
    assert bound[0].labels["ipclab.definition"] != resolved().containers[0].labels["ipclab.definition"]


def test_an_image_that_two_containers_use_is_listed_once_and_the_sandboxes_one_always() -> None:
    hosts = {"alpha": {"containers": {"left": {"image": "rust"}, "right": {"image": "rust"}}}}
    desired = resolve(lab(hosts=hosts), MAIN, slot=0, images=IMAGES | {"rust": "ipclab/rust:1"})
    assert [spec.reference for spec in desired.images] == ["ipclab/lab:0123456789ab", "ipclab/rust:1"]
    assert (desired.sandboxes[0].image, desired.containers[0].image) == ("ipclab/lab:0123456789ab", "ipclab/rust:1")


def test_an_image_without_a_folder_is_the_authors_error() -> None:
    hosts = {"alpha": {"containers": {"left": {"image": "rust"}}}}
    with pytest.raises(UsageError, match="images/rust"):
        resolved(lab(hosts=hosts))


def test_the_first_instance_takes_slot_0_and_the_next_one_slot_1() -> None:
    assert choose_slot(lab(), MAIN, engine_with()) == 0
    assert choose_slot(lab(), MAIN, engine_with(("another", "10.90.0.0/28"))) == 1
    assert choose_slot(lab(), MAIN, engine_with(("another", "10.90.0.0/28"), ("third", "10.90.0.16/28"))) == 2


def test_a_network_that_covers_several_slots_is_stepped_over() -> None:
    assert choose_slot(lab(), MAIN, engine_with(("wide", "10.90.0.0/24"))) == 16


def test_the_second_family_counts_too() -> None:
    assert choose_slot(lab(), MAIN, engine_with(("six", "fd00:90::/64"))) == 1


def test_an_instance_keeps_the_slot_that_its_network_carries() -> None:
    ours = our_network("3", "10.90.0.48/28", "fd00:90:0:3::/64")
    assert choose_slot(lab(), MAIN, engine_with(ours=ours)) == 3


def test_an_instances_own_subnets_are_not_in_its_way() -> None:
    assert choose_slot(lab(), MAIN, engine_with(ours=our_network("0", "10.90.0.0/28", "fd00:90::/64"))) == 0


def test_the_network_of_another_instance_is_in_the_way() -> None:
    theirs = our_network("0", "10.90.0.0/28", instance=InstanceName("lab-90", "second"))
    assert choose_slot(lab(), MAIN, engine_with(ours=theirs)) == 1


def test_a_slot_that_no_longer_fits_is_given_up() -> None:
    ours = our_network("1", "10.80.0.16/28")
    assert choose_slot(lab(), MAIN, engine_with(("another", "10.90.0.16/28"), ours=ours)) == 0


@pytest.mark.parametrize("slot", ["", "x", "-1", "9" * 30])
def test_a_slot_label_that_is_no_slot_is_ignored(slot: str) -> None:
    assert choose_slot(lab(), MAIN, engine_with(ours=our_network(slot, "10.90.0.0/28"))) == 0


def test_a_slot_in_which_the_labs_own_networks_would_overlap_is_stepped_over() -> None:
    networks = {
        "small": {"ipv4": "10.90.1.0/28", "ipv6": "fd00:90::/64"},
        "large": {"ipv4": "10.90.0.0/24", "ipv6": "fd00:91::/64"},
    }
    model = lab(networks=networks, hosts={"alpha": {"containers": {"left": {}}}})
    assert choose_slot(model, MAIN, engine_with(("another", "10.90.0.0/24"))) == 2


def test_an_engine_without_room_is_the_machines_problem() -> None:
    with pytest.raises(MachineError, match="no room for the networks of lab-90"):
        choose_slot(lab(), MAIN, engine_with(("everything", "10.0.0.0/8")))


@pytest.mark.parametrize(
    ("ipv4", "slot"),
    [("255.255.255.224/28", 2), ("192.168.255.240/28", 1), ("10.255.255.240/28", 1)],
)
def test_a_slot_past_the_end_of_the_private_addresses_is_an_error(ipv4: str, slot: int) -> None:
    networks = {"lan": {"ipv4": ipv4, "ipv6": "fd00:90::/64"}}
    model = lab(networks=networks, hosts={"alpha": {"containers": {"left": {}}}})
    with pytest.raises(UsageError, match=f"places after {ipv4}"):
        resolved(model, slot=slot)


def test_a_lab_without_networks_needs_no_slot() -> None:
    model = lab(networks={}, hosts={"alpha": {"containers": {"left": {}}}})
    assert choose_slot(model, MAIN, engine_with(("everything", "0.0.0.0/0"))) == 0


def test_a_host_that_no_exercise_needs_is_left_out_unless_it_is_there() -> None:
    lab = Lab.model_validate(
        {
            "title": "t",
            "hosts": {
                "alpha": {"containers": {"left": {}}},
                "screen": {"containers": {"x": {"image": "x11"}}, "only_for": ["display"]},
            },
            "exercises": ["fifo", "display"],
        }
    )
    whole = resolve(lab, InstanceName("lab-11"), slot=0, images={"lab": "ipclab/lab:1", "x11": "ipclab/x11:1"})
    assert whole.needed_by(["fifo", "display"], []) == whole
    assert whole.needed_by(["fifo"], ["screen"]) == whole
    assert whole.exercises == ("fifo", "display")
    less = whole.needed_by(["fifo"], [])
    assert [spec.host for spec in (*less.sandboxes, *less.containers)] == ["alpha", "alpha"]
    assert [spec.name for spec in less.images] == ["lab"]
    assert [spec.name for spec in less.volumes] == ["ipclab.lab-11.main.vol-alpha"]
