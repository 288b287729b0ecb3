"""A throw-away host on which the engine and its kernel are tried out: what works is observed from inside a container.

The engine may be on another machine, so nothing here reads this one's /proc. What is tried is `probe`'s; what the
findings mean is `doctor`'s.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestrator import lifecycle, probe
from orchestrator.engine.base import Engine
from orchestrator.errors import MachineError, ObjectConflict
from orchestrator.labels import InstanceName
from orchestrator.world import Attachment, ContainerSpec, Limits, NetworkSpec, SandboxSpec, VolumeSpec

LAB = "doctor"
HOST = "patient"
TIMEOUT_S = 20.0
ATTEMPTS = 4
LIMITS = Limits(
    memory_bytes=128 << 20,
    pids=32,
    tmp_bytes=1 << 20,
    tmp_inodes=64,
    cpus=1.0,
    file_bytes=1 << 20,
    open_files=64,
    mqueue_bytes=512 << 10,
)
SYSCTLS = dict.fromkeys(probe.SYSCTLS, "17")


def try_out(engine: Engine, image: str) -> Mapping[str, Any]:
    """What `probe` found in a container of an instance that is gone again.

    Raises:
        MachineError: The engine could not make the instance, or the container said something else.
    """
    name = InstanceName(LAB, f"t{secrets.token_hex(4)}")
    try:
        return _probed(engine, _made(engine, name, image))
    finally:
        lifecycle.down(engine, name)


def _made(engine: Engine, name: InstanceName, image: str) -> str:
    network = _network(engine, name)
    volume = VolumeSpec(name.named(f"vol-{HOST}"), 1 << 20, 64, name.labels("volume", host=HOST))
    engine.create_volume(volume)
    sandbox = SandboxSpec(
        name=name.named(HOST),
        host=HOST,
        hostname=HOST,
        image=image,
        attachments=(_place(network),),
        hosts={},
        sysctls=SYSCTLS,
        shm_bytes=1 << 20,
        volume=volume.name,
        labels=name.labels("sandbox", host=HOST),
    )
    engine.create_sandbox(sandbox)
    engine.start(sandbox.name)
    container = ContainerSpec(
        name=name.named(HOST, "main"),
        host=HOST,
        container="main",
        hostname=HOST,
        image=image,
        sandbox=sandbox.name,
        share=frozenset({"ipc", "net", "pid"}),
        volume=volume.name,
        limits=LIMITS,
        shm_bytes=1 << 20,
        labels=name.labels("container", host=HOST, container="main"),
    )
    engine.create_container(container)
    engine.start(container.name)
    return container.name


def _network(engine: Engine, name: InstanceName) -> NetworkSpec:
    """A small network at a random place of 198.18.0.0/15, which RFC 2544 keeps for trials."""
    for attempt in range(1, ATTEMPTS + 1):
        place = secrets.randbelow(2**14)
        spec = NetworkSpec(
            name=name.named("net-lan"),
            key="lan",
            ipv4=f"198.{18 + place // 2**13}.{place // 32 % 256}.{place % 32 * 8}/29",
            ipv6=f"fd00:1bc1:{place:x}::/64",
            slot=0,
            labels=name.labels("network", network="lan", slot="0"),
        )
        try:
            engine.create_network(spec)
        except ObjectConflict:
            if attempt == ATTEMPTS:
                raise
        else:
            return spec
    raise AssertionError("the last attempt returns or raises")


def _place(network: NetworkSpec) -> Attachment:
    start, _, last = network.ipv4.partition("/")[0].rpartition(".")
    return Attachment(network.name, f"{start}.{int(last) + 2}", network.ipv6.replace("::/64", "::2"))


def _probed(engine: Engine, container: str) -> Mapping[str, Any]:
    source = Path(probe.__file__).read_text()
    deadline = time.monotonic() + TIMEOUT_S
    said = b""
    with engine.open_exec(container, ["python3", "-I", "-S", "-c", source]) as stream:
        while piece := stream.read(max(deadline - time.monotonic(), 0.001)):
            said += piece
        complaint = stream.stderr_tail().decode(errors="replace").strip()
    try:
        found = json.loads(said)
    except ValueError as error:
        raise MachineError(f"the trial in a container failed: {complaint or said[:200]!r}") from error
    if not isinstance(found, dict):
        raise MachineError("the trial in a container said something else than expected")
    return found
