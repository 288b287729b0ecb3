"""A lab as a Compose file, for whoever wants its hosts without us: the same sandboxes, limits and networks.

Made from the bodies that we would send to an engine ourselves, so the two can't drift apart. Works with the oldest tool
in use, docker-compose 1.29 of Debian 12. Containers are named as those of an instance called `compose`, so that
`pytest labs/LAB --instance compose --as-is` judges in them.
"""

from __future__ import annotations

from typing import Any

import yaml

from orchestrator.engine.translate import Json, container_body, network_body, sandbox_body, version, volume_options
from orchestrator.labels import InstanceName
from orchestrator.lifecycle import EXPORTED_SLOT
from orchestrator.resolve import SANDBOX_IMAGE, resolve
from orchestrator.spec.load import LabDefinition
from orchestrator.world import ContainerSpec, Desired, NetworkSpec, SandboxSpec, VolumeSpec

HEAD = """\
# {title}
# Written by `ipclab compose {lab}`; do not edit. Build the image first: `ipclab build`. Then:
#   docker-compose -f compose/{lab}.yaml up -d
#   docker exec -it -u student {first} bash --login
#   docker-compose -f compose/{lab}.yaml down -v
"""
INSTANCE = "compose"
OLDEST_API = version("1.41")
HOST_KEYS = {
    "CapAdd": "cap_add",
    "CapDrop": "cap_drop",
    "Dns": "dns",
    "DnsOptions": "dns_opt",
    "ExtraHosts": "extra_hosts",
    "Memory": "mem_limit",
    "MemorySwap": "memswap_limit",
    "PidsLimit": "pids_limit",
    "ReadonlyRootfs": "read_only",
    "SecurityOpt": "security_opt",
    "ShmSize": "shm_size",
    "Sysctls": "sysctls",
}
"""Settings of `HostConfig` that Compose knows by another name."""
JOINED_KEYS = {"IpcMode": "ipc", "NetworkMode": "network_mode", "PidMode": "pid"}
BODY_KEYS = {"Image": "image", "Entrypoint": "entrypoint", "Cmd": "command", "User": "user", "Hostname": "hostname"}


def export(definition: LabDefinition) -> str:
    """The text of the Compose file."""
    used = {one.image for host in definition.lab.hosts.values() for one in host.containers.values()}
    images = {name: f"ipclab/{name}:latest" for name in used | {SANDBOX_IMAGE}}
    desired = resolve(definition.lab, InstanceName(definition.name, INSTANCE), slot=EXPORTED_SLOT, images=images)
    head = HEAD.format(
        title=" ".join(definition.lab.title.split()), lab=definition.name, first=desired.containers[0].name
    )
    return head + yaml.safe_dump(_document(desired), sort_keys=False, width=120)


def _document(desired: Desired) -> Json:
    services = {_key(spec.name): _sandbox(spec) for spec in desired.sandboxes}
    services |= {_key(spec.name): _container(spec) for spec in desired.containers}
    return {
        "version": "2.4",
        "services": services,
        "networks": {_key(spec.name): _network(spec) for spec in desired.networks},
        "volumes": {_key(spec.name): _volume(spec) for spec in desired.volumes},
    }


def _key(name: str) -> str:
    """`alpha-left` for `ipclab.lab-11.compose.alpha.left`."""
    return "-".join(name.split(".")[3:])


def _sandbox(spec: SandboxSpec) -> Json:
    places = {_key(one.network): {"ipv4_address": one.ipv4, "ipv6_address": one.ipv6} for one in spec.attachments}
    return (
        _service(spec.name, sandbox_body(spec))
        | {"ipc": "shareable"}
        | ({"networks": places} if places else {"network_mode": "none"})
    )


def _container(spec: ContainerSpec) -> Json:
    body = container_body(spec, _key(spec.sandbox))
    modes = {key: body["HostConfig"][said] for said, key in JOINED_KEYS.items() if body["HostConfig"][said]}
    return _service(spec.name, body) | {
        # The body's `container:ID` has the sandbox's service in the place of the id.
        **{key: mode.replace("container:", "service:") for key, mode in modes.items()},
        "depends_on": [_key(spec.sandbox)],
        "cpus": body["HostConfig"]["NanoCpus"] / 1e9,
        "ulimits": {one["Name"]: one["Hard"] for one in body["HostConfig"]["Ulimits"]},
        "tmpfs": [f"{path}:{options}" for path, options in body["HostConfig"]["Tmpfs"].items()],
        "environment": body["Env"],
    }


def _service(name: str, body: Json) -> Json:
    host = body["HostConfig"]
    found: list[tuple[str, Any]] = [
        *((key, body.get(said)) for said, key in BODY_KEYS.items()),
        ("container_name", name),
        *((key, host.get(said)) for said, key in HOST_KEYS.items()),
        ("logging", {"driver": host["LogConfig"]["Type"]}),
        ("volumes", [f"{_key(mount['Source'])}:{mount['Target']}:nocopy" for mount in host["Mounts"]]),
    ]
    return {key: value for key, value in found if value not in (None, "", [], {})}


def _network(spec: NetworkSpec) -> Json:
    body = network_body(spec, OLDEST_API)
    return {
        "internal": body["internal"],
        "enable_ipv6": body["enable_ipv6"],
        "driver_opts": body["options"],
        "ipam": {"config": [{"subnet": pool["Subnet"]} for pool in body["ipam"]["Config"]]},
    }


def _volume(spec: VolumeSpec) -> Json:
    return {"driver": "local", "driver_opts": volume_options(spec)}
