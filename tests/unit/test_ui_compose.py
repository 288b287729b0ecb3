"""The Compose file: current, complete, and nothing that we would take for ours."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from orchestrator.labels import PREFIX
from orchestrator.lifecycle import EXPORTED_SLOT
from orchestrator.spec.lab import Lab
from orchestrator.spec.load import LabDefinition, load_lab_only
from orchestrator.ui.compose import export

ROOT = Path(__file__).parents[2]
LAB = load_lab_only(ROOT / "labs" / "lab-11")


def document(definition: LabDefinition = LAB) -> dict[str, Any]:
    return dict(yaml.safe_load(export(definition)))


def test_the_file_in_the_repository_is_current() -> None:
    committed = ROOT / "compose" / "lab-11.yaml"
    assert committed.read_text() == export(LAB), "write it anew: ipclab compose lab-11"


def test_there_is_a_service_for_each_sandbox_and_each_container() -> None:
    services = document()["services"]
    hosts = LAB.lab.hosts
    assert list(services) == [*hosts, *(f"{name}-{one}" for name, host in hosts.items() for one in host.containers)]
    assert [one["container_name"].removeprefix("ipclab.lab-11.compose.") for one in services.values()] == [
        *hosts, *(f"{name}.{one}" for name, host in hosts.items() for one in host.containers)
    ]  # fmt: skip


def test_containers_take_their_sandboxes_namespaces_and_wait_for_it() -> None:
    left = document()["services"]["alpha-left"]
    assert [left[key] for key in ("ipc", "pid", "network_mode")] == ["service:alpha"] * 3
    assert left["depends_on"] == ["alpha"]


def test_a_namespace_that_is_not_shared_is_the_containers_own() -> None:
    lab = Lab.model_validate({"title": "x", "hosts": {"a": {"containers": {"one": {}}, "share": ["net"]}}})
    one = document(LabDefinition(Path("/labs/lab-99"), "lab-99", lab))["services"]["a-one"]
    assert one["ipc"] == "private"
    assert one["network_mode"] == "service:a"
    assert "pid" not in one


def test_only_sandboxes_and_who_shares_not_all_with_them_carry_kernel_settings_and_the_size_of_shared_memory() -> None:
    services = document()["services"]
    carriers = {name for name, one in services.items() if "sysctls" in one or "shm_size" in one}
    hosts = LAB.lab.hosts
    apart = {name: host for name, host in hosts.items() if not {"ipc", "net"} <= host.share}
    assert carriers == {*hosts} | {f"{name}-{one}" for name, host in apart.items() for one in host.containers}


@pytest.mark.parametrize("key", ["cap_drop", "security_opt", "read_only", "pids_limit", "logging"])
def test_students_are_as_confined_as_in_an_instance_of_ours(key: str) -> None:
    assert all(one.get(key) for one in document()["services"].values())


def test_students_containers_have_limits() -> None:
    left = document()["services"]["alpha-left"]
    assert left["mem_limit"] == left["memswap_limit"] > 0
    assert set(left["ulimits"]) >= {"core", "fsize", "nofile", "msgqueue"}
    assert all("size=" in one for one in left["tmpfs"])


def test_its_subnets_are_not_those_that_instances_take_first() -> None:
    (config,) = (network["ipam"]["config"] for network in document()["networks"].values())
    assert config == [{"subnet": "10.11.0.240/28"}, {"subnet": "fd00:11:0:f::/64"}]
    assert EXPORTED_SLOT == 15


def test_nothing_in_it_carries_our_labels_so_that_we_never_remove_it() -> None:
    assert f"{PREFIX}.lab:" not in export(LAB)
    assert "labels" not in export(LAB)


def test_a_title_of_several_lines_stays_in_its_comment() -> None:
    lab = Lab.model_validate({"title": "one\nservices: {}", "hosts": {"a": {"containers": {"b": {}}}}})
    assert export(LabDefinition(Path("/labs/lab-99"), "lab-99", lab)).splitlines()[0] == "# one services: {}"
