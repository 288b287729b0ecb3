"""Specs as bodies of Docker's API, and what it lists as observed values."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.engine.translate import (
    container_body,
    nanoseconds,
    network_body,
    observed_container,
    observed_network,
    sandbox_body,
    subnets,
    volume_options,
)
from orchestrator.world import Attachment, Bind, ContainerSpec, Limits, NetworkSpec, SandboxSpec, VolumeSpec

NETWORK = NetworkSpec("net", "lan", "10.0.0.0/28", "fd00::/64", 0, {"ipclab.lab": "x"})
LIMITS = Limits(2**28, 128, 2**26, 4096, 1.5, 2**25, 256, 819200)
ID = "0123456789abcdef"


def sandbox(*places: Attachment, volume: str | None = "vol") -> SandboxSpec:
    hosts = {"beta": ("10.0.0.3", "fd00::3")}
    return SandboxSpec("sb", "alpha", "alpha", "img", places, hosts, {"kernel.shmmax": "1"}, 2**24, volume, {"l": "1"})


def container(*share: str, **more: Any) -> ContainerSpec:
    return ContainerSpec(
        "c", "alpha", "left", "alpha", "img", "sb", frozenset(share), "vol", LIMITS, 2**20, labels={"l": "1"}, **more
    )


def test_a_network_leads_nowhere_on_an_old_engine_as_far_as_it_can() -> None:
    body = network_body(NETWORK, (1, 41))
    assert body["internal"] and body["enable_ipv6"] and body["check_duplicate"]
    assert body["options"] == {"com.docker.network.bridge.inhibit_ipv4": "true"}
    assert body["ipam"]["Config"] == [{"Subnet": "10.0.0.0/28"}, {"Subnet": "fd00::/64"}]


def test_a_network_is_isolated_on_an_engine_that_can() -> None:
    options = network_body(NETWORK, (1, 48))["options"]
    assert {key.rpartition(".")[2]: value for key, value in options.items()} == {
        "gateway_mode_ipv4": "isolated",
        "gateway_mode_ipv6": "isolated",
    }


def test_a_volume_is_a_sized_tmpfs() -> None:
    options = volume_options(VolumeSpec("vol", 1024, 64))
    assert (options["type"], options["device"]) == ("tmpfs", "tmpfs")
    assert set(options["o"].split(",")) >= {"size=1024", "nr_inodes=64", "mode=1777", "nosuid", "nodev", "noexec"}


def test_a_sandbox_becomes_pause_behind_its_fence() -> None:
    body = sandbox_body(sandbox(Attachment("net", "10.0.0.2", "fd00::2")))
    command = [*body["Entrypoint"], *body["Cmd"]]
    assert command == ["/usr/lib/ipclab/fence", "fd00::3", "--", "/usr/lib/ipclab/pause", "sandbox", "alpha"]
    assert body["HostConfig"]["CapDrop"] == ["ALL"]
    assert body["HostConfig"]["CapAdd"] == ["NET_ADMIN"]


def test_a_sandbox_holds_its_hosts_addresses_name_and_settings() -> None:
    body = sandbox_body(sandbox(Attachment("net", "10.0.0.2", "fd00::2"), Attachment("other", "10.1.0.2", "fd01::2")))
    host = body["HostConfig"]
    assert (body["Hostname"], host["NetworkMode"], host["IpcMode"]) == ("alpha", "net", "shareable")
    addresses = {"IPv4Address": "10.0.0.2", "IPv6Address": "fd00::2"}
    assert body["NetworkingConfig"] == {"EndpointsConfig": {"net": {"IPAMConfig": addresses}}}
    assert host["ExtraHosts"] == ["beta:10.0.0.3", "beta:fd00::3"]
    assert (host["ShmSize"], host["Sysctls"]) == (2**24, {"kernel.shmmax": "1"})


def test_a_host_without_network_or_volume_has_none() -> None:
    body = sandbox_body(sandbox(volume=None))
    assert body["HostConfig"]["NetworkMode"] == "none"
    assert body["HostConfig"]["Mounts"] == []
    assert "NetworkingConfig" not in body


def test_a_container_joins_what_it_shares_by_id() -> None:
    body = container_body(container("ipc", "net", "pid"), ID)
    host = body["HostConfig"]
    assert {host["IpcMode"], host["NetworkMode"], host["PidMode"]} == {f"container:{ID}"}
    # Docker refuses these for a joiner, or ignores them.
    assert "Hostname" not in body and host["ShmSize"] is None and host["Sysctls"] == {}
    assert body["Labels"] == {"l": "1", "ipclab.sandbox": ID}


def test_a_container_has_of_its_own_what_it_does_not_share() -> None:
    body = container_body(container(sysctls={"kernel.shmmax": "1"}), ID)
    host = body["HostConfig"]
    assert (host["IpcMode"], host["NetworkMode"], host["PidMode"]) == ("private", "none", "")
    assert (body["Hostname"], host["ShmSize"], host["Sysctls"]) == ("alpha", 2**20, {"kernel.shmmax": "1"})


@pytest.mark.parametrize(
    "body", [sandbox_body(sandbox()), container_body(container(), ID)], ids=["sandbox", "container"]
)
def test_nothing_can_fill_the_engine_or_gain_rights(body: dict[str, Any]) -> None:
    host = body["HostConfig"]
    assert host["ReadonlyRootfs"] is True
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert host["CapDrop"] == ["ALL"]
    assert host["LogConfig"]["Type"] == "none"
    assert host["RestartPolicy"] == {"Name": "no"}
    assert host["PidsLimit"] > 0
    assert all(mount["VolumeOptions"] == {"NoCopy": True} for mount in host["Mounts"])


def test_a_container_has_limits_and_sized_file_systems() -> None:
    host = container_body(container(binds=(Bind("/home/me/work", "/work"),)), ID)["HostConfig"]
    assert host["Memory"] == host["MemorySwap"] == 2**28
    assert (host["NanoCpus"], host["PidsLimit"]) == (1_500_000_000, 128)
    limits = {one["Name"]: (one["Soft"], one["Hard"]) for one in host["Ulimits"]}
    assert limits == {"core": (0, 0), "fsize": (2**25,) * 2, "nofile": (256,) * 2, "msgqueue": (819200,) * 2}
    assert {path: f"size={2**26}" in options for path, options in host["Tmpfs"].items()} == {
        "/tmp": True,
        "/build": True,
    }
    assert {"Type": "bind", "Source": "/home/me/work", "Target": "/work"} in host["Mounts"]


INSPECTED: dict[str, Any] = {
    "Id": ID,
    "Name": "/c",
    "Image": "sha256:1",
    "State": {"Status": "running", "StartedAt": "2024-02-29T10:11:12.5Z"},
    "HostConfig": {"IpcMode": f"container:{ID}", "NetworkMode": f"container:{ID}", "PidMode": ""},
    "NetworkSettings": {"Networks": {}},
}


def test_a_container_is_observed_with_whom_it_joined() -> None:
    seen = observed_container({"Labels": {"a": "b"}}, INSPECTED)
    assert (seen.id, seen.name, seen.state, seen.image_id, seen.labels) == (ID, "c", "running", "sha256:1", {"a": "b"})
    assert seen.joined == {ID}
    assert seen.networks == frozenset()
    assert seen.started_ns == int(datetime(2024, 2, 29, 10, 11, 12, tzinfo=UTC).timestamp()) * 10**9 + 500_000_000


def test_no_network_is_no_network() -> None:
    alone = INSPECTED | {"NetworkSettings": {"Networks": {"none": {}, "net": {}}}}
    assert observed_container({"Labels": None}, alone).networks == {"net"}
    assert observed_container({"Labels": None}, INSPECTED | {"NetworkSettings": None}).networks == frozenset()


def test_a_network_may_have_no_subnets() -> None:
    assert subnets({"IPAM": {"Config": None}}) == subnets({"IPAM": None}) == subnets({}) == ()
    listed = {"Id": "1", "Name": "n", "Labels": None, "IPAM": {"Config": [{"Subnet": "10.0.0.0/8"}, {}]}}
    assert observed_network(listed).subnets == ("10.0.0.0/8",)


@given(st.datetimes(datetime(1970, 1, 2), datetime(2200, 1, 1)), st.integers(0, 10**9 - 1))
def test_times_are_exact_to_the_nanosecond(when: datetime, fraction: int) -> None:
    whole = when.replace(microsecond=0, tzinfo=UTC)
    # Go leaves trailing zeros off.
    text = f"{whole:%Y-%m-%dT%H:%M:%S}" + f".{fraction:09d}".rstrip("0").rstrip(".") + "Z"
    assert nanoseconds(text) == int(whole.timestamp()) * 10**9 + fraction


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00Z", "", "now"])
def test_never_is_zero(text: str) -> None:
    assert nanoseconds(text) == 0
