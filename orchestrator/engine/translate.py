"""Our specs as the bodies of Docker's API, and what it lists as our observed values. Pure: JSON in, JSON out.

Field names are those of the Engine API, version 1.41. What a setting is for is said here, beside it; which calls are
made, in which order, is `docker`'s matter.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from orchestrator import labels
from orchestrator.world import (
    Attachment,
    ContainerSpec,
    Limits,
    NetworkSpec,
    ObservedContainer,
    ObservedNetwork,
    ObservedVolume,
    SandboxSpec,
    VolumeSpec,
)

Json = dict[str, Any]

PAUSE = "/usr/lib/ipclab/pause"
FENCE = "/usr/lib/ipclab/fence"
"""Becomes a sandbox's pause after it has closed the network's ways to anything but the neighbours."""

ROOT = "0:0"
"""With `no-new-privileges` an exec as root has the container's capabilities only where the container is root's, too.

Nor can a student's process send a signal to one of root's: SIGTERM to process 1 would end the host."""

AGENT_CAPABILITIES = ("SETUID", "SETGID", "SETPCAP", "KILL", "SYS_PTRACE", "DAC_OVERRIDE", "CHOWN", "FOWNER")
"""What the agent may do as root in a container; a student's program has none of it."""

NO_RESOLVER = "127.0.0.1"
"""Who is asked for names that no host of the lab has: the host itself, where nobody answers.

Without it, engines before 23.0.11 ask their machine's own resolver for a container, even in a network that leads
nowhere (CVE-2024-29018), and names carry data out."""

IMPATIENT = ("timeout:1", "attempts:1")
"""A mistyped name fails after a second instead of twenty, resolv.conf(5)."""

SANDBOX_PIDS = 32
"""Room for pause, an agent, and the threads of the runtime that starts them."""

ISOLATED_API = (1, 48)
"""Engine 28 can keep its machine's addresses out of a bridge of both families; moby/moby#49262."""

NEVER = "0001-01-01T00:00:00Z"


def network_body(spec: NetworkSpec, engine_api: tuple[int, ...]) -> Json:
    """`POST /networks/create`: a bridge that leads nowhere. docs/decisions/network-isolation.md says how far."""
    prefix = "com.docker.network.bridge"
    options = {f"{prefix}.inhibit_ipv4": "true"}
    if engine_api >= ISOLATED_API:
        options = {f"{prefix}.gateway_mode_ipv4": "isolated", f"{prefix}.gateway_mode_ipv6": "isolated"}
    return {
        "name": spec.name,
        "driver": "bridge",
        "internal": True,
        "enable_ipv6": True,
        "options": options,
        "labels": dict(spec.labels),
        # Without it, Engine 20.10 makes a second network of the same name.
        "check_duplicate": True,
        "ipam": {"Driver": "default", "Config": [{"Subnet": spec.ipv4}, {"Subnet": spec.ipv6}]},
    }


def volume_options(spec: VolumeSpec) -> dict[str, str]:
    """Options of the `local` driver: a tmpfs of its own, which holds FIFOs, socket files and no programs."""
    options = f"size={spec.size_bytes},nr_inodes={spec.inodes},mode=1777,nosuid,nodev,noexec"
    return {"type": "tmpfs", "device": "tmpfs", "o": options}


def sandbox_body(spec: SandboxSpec) -> Json:
    """`POST /containers/create` for a sandbox: it alone carries sysctls, addresses and the size of /dev/shm."""
    first = spec.attachments[0] if spec.attachments else None
    host = {
        **_common(spec.volume),
        "IpcMode": "shareable",
        "ShmSize": spec.shm_bytes,
        "Sysctls": dict(spec.sysctls),
        "NetworkMode": first.network if first else "none",
        "ExtraHosts": [f"{name}:{address}" for name, addresses in spec.hosts.items() for address in addresses],
        "Dns": [NO_RESOLVER],
        "DnsOptions": list(IMPATIENT),
        "PidsLimit": SANDBOX_PIDS,
        # The fence's, which gives it up before it becomes pause.
        "CapAdd": ["NET_ADMIN"],
    }
    neighbours = [address for addresses in spec.hosts.values() for address in addresses if ":" in address]
    command = [FENCE, *neighbours, "--", PAUSE, "sandbox", spec.host]
    body = _container(spec.image, spec.labels, command, host) | {"Hostname": spec.hostname}
    if first:
        body["NetworkingConfig"] = {"EndpointsConfig": {first.network: endpoint(first)}}
    return body


def container_body(spec: ContainerSpec, sandbox_id: str) -> Json:
    """`POST /containers/create` for a container that joins the sandbox with this id."""
    joined = f"container:{sandbox_id}"
    alone = "net" not in spec.share
    host = {
        **_common(spec.volume),
        **_limits(spec.limits),
        "IpcMode": joined if "ipc" in spec.share else "private",
        "ShmSize": None if "ipc" in spec.share else spec.shm_bytes,
        "PidMode": joined if "pid" in spec.share else "",
        "NetworkMode": "none" if alone else joined,
        "Sysctls": dict(spec.sysctls),
        "CapAdd": [*AGENT_CAPABILITIES, *(grant.upper() for grant in spec.grants)],
        "Tmpfs": _tmpfs(spec.limits),
    }
    host["Mounts"] += [{"Type": "bind", "Source": bind.source, "Target": bind.target} for bind in spec.binds]
    marked = {**spec.labels, labels.SANDBOX: sandbox_id}
    place = f"{spec.host}/{spec.container}"
    body = _container(spec.image, marked, [PAUSE, "container", place], host)
    # A shell's prompt shows it.
    body["Env"] = [f"IPCLAB_CONTAINER={place}"]
    # Who joins a network namespace takes the host name with it; Docker refuses another one.
    return body | ({"Hostname": spec.hostname} if alone else {})


def endpoint(attachment: Attachment) -> Json:
    """A sandbox's place in a network, `EndpointSettings`."""
    return {"IPAMConfig": {"IPv4Address": attachment.ipv4, "IPv6Address": attachment.ipv6}}


def _container(image: str, marks: Mapping[str, str], command: list[str], host: Json) -> Json:
    return {
        "Image": image,
        "Entrypoint": command[:1],
        "Cmd": command[1:],
        "User": ROOT,
        "Labels": dict(marks),
        "HostConfig": host,
    }


def _common(volume: str | None) -> Json:
    """What sandboxes and containers have in common in `HostConfig`."""
    shared = {
        "Type": "volume",
        "Source": volume,
        "Target": "/ipc",
        # The image's own /ipc would else lend the empty volume its owner and mode.
        "VolumeOptions": {"NoCopy": True},
    }
    return {
        "CapDrop": ["ALL"],
        "SecurityOpt": ["no-new-privileges:true"],
        "ReadonlyRootfs": True,
        "RestartPolicy": {"Name": "no"},
        # Else a program's output would fill the engine's disk.
        "LogConfig": {"Type": "none", "Config": {}},
        "Init": False,
        "Mounts": [shared] if volume else [],
    }


def _limits(limits: Limits) -> Json:
    """`Memory` is a limit of memory and swap together when both numbers are the same."""
    bounds = {
        "core": 0,
        "fsize": limits.file_bytes,
        "nofile": limits.open_files,
        "msgqueue": limits.mqueue_bytes,
    }
    return {
        "Memory": limits.memory_bytes,
        "MemorySwap": limits.memory_bytes,
        "NanoCpus": round(limits.cpus * 1e9),
        "PidsLimit": limits.pids,
        "Ulimits": [{"Name": name, "Soft": bound, "Hard": bound} for name, bound in bounds.items()],
    }


def _tmpfs(limits: Limits) -> dict[str, str]:
    """/tmp for everybody's files, and /build, where root puts the programs that it built."""
    sized = f"rw,nosuid,nodev,size={limits.tmp_bytes},nr_inodes={limits.tmp_inodes}"
    return {"/tmp": f"{sized},noexec,mode=1777", "/build": f"{sized},exec,mode=755"}


def observed_container(listed: Json, inspected: Json) -> ObservedContainer:
    """One row of `GET /containers/json` with `GET /containers/ID/json` beside it."""
    host = inspected["HostConfig"]
    modes = [str(host.get(name) or "") for name in ("IpcMode", "NetworkMode", "PidMode")]
    networks = (inspected.get("NetworkSettings") or {}).get("Networks") or {}
    return ObservedContainer(
        id=inspected["Id"],
        name=inspected["Name"].removeprefix("/"),
        state=inspected["State"]["Status"],
        started_ns=nanoseconds(inspected["State"]["StartedAt"]),
        image_id=inspected["Image"],
        labels=listed.get("Labels") or {},
        joined=frozenset(mode.partition(":")[2] for mode in modes if mode.startswith("container:")),
        networks=frozenset(networks) - {"none"},
    )


def observed_network(listed: Json) -> ObservedNetwork:
    """One row of `GET /networks`."""
    return ObservedNetwork(listed["Id"], listed["Name"], subnets(listed), listed.get("Labels") or {})


def observed_volume(listed: Json) -> ObservedVolume:
    """One row of `GET /volumes`."""
    return ObservedVolume(listed["Name"], listed.get("Labels") or {})


def subnets(listed: Json) -> tuple[str, ...]:
    """A network's subnets; `host` and `none` have none."""
    return tuple(pool["Subnet"] for pool in (listed.get("IPAM") or {}).get("Config") or () if pool.get("Subnet"))


TIME = re.compile(r"(?P<second>[-0-9]+T[0-9:]+)(?:\.(?P<fraction>[0-9]{1,9}))?(?P<zone>Z|[-+][0-9:]+)")


def nanoseconds(text: str) -> int:
    """An RFC 3339 time as nanoseconds since the epoch; 0 for Docker's "never" and for what is no time."""
    parts = TIME.fullmatch(text)
    if not parts or text == NEVER:
        return 0
    second = datetime.fromisoformat(parts["second"] + parts["zone"]).astimezone(UTC)
    return int(second.timestamp()) * 10**9 + int((parts["fraction"] or "0").ljust(9, "0"))


def version(text: str) -> tuple[int, ...]:
    """`1.41` as (1, 41), so that versions compare."""
    return tuple(int(part) for part in text.split("."))
