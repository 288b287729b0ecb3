"""One instance on an engine under test, with a name and addresses of its own, and nothing of it left behind."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import IPv6Network
from pathlib import Path
from typing import Protocol

import pytest

from orchestrator import lifecycle
from orchestrator.engine import images
from orchestrator.engine.base import Engine, ExecStream
from orchestrator.engine.client import Clients
from orchestrator.engine.context import reference
from orchestrator.engine.docker import DockerEngine
from orchestrator.engine.endpoint import find_endpoint
from orchestrator.engine.fake import FakeEngine
from orchestrator.labels import InstanceName
from orchestrator.world import (
    Attachment,
    ContainerSpec,
    ImageSpec,
    Limits,
    NetworkSpec,
    ObservedContainer,
    SandboxSpec,
    VolumeSpec,
)

LIMITS = Limits(
    memory_bytes=128 << 20,
    pids=64,
    tmp_bytes=8 << 20,
    tmp_inodes=256,
    cpus=1.0,
    file_bytes=4 << 20,
    open_files=128,
    mqueue_bytes=512 << 10,
)
ALL = frozenset({"ipc", "net", "pid"})


class Hands(Protocol):
    """What somebody may do to an engine's objects by hand."""

    def kill(self, name: str) -> None: ...

    def restart(self, name: str) -> None: ...

    def remove_by_hand(self, name: str) -> None: ...


class DockerHands:
    """By hand as with the docker command."""

    def __init__(self, clients: Clients) -> None:
        self._clients = clients

    def kill(self, name: str) -> None:
        with self._clients.calling(f"kill {name}") as client:
            client.kill(name)
            client.wait(name)

    def restart(self, name: str) -> None:
        with self._clients.calling(f"restart {name}") as client:
            client.restart(name, timeout=0)

    def remove_by_hand(self, name: str) -> None:
        with self._clients.calling(f"remove {name}") as client:
            if client.networks(names=[name]):
                client.remove_network(name)
            else:
                client.remove_container(name, force=True)


@dataclass
class Bench:
    """An engine, and specs for one instance on it."""

    engine: Engine
    hands: Hands
    image: str
    name: InstanceName = field(
        default_factory=lambda: InstanceName("contract", f"t{os.getpid()}-{random.randrange(16**6):06x}")
    )
    subnet: int = field(default_factory=lambda: random.randrange(0x10000))

    def network(self, key: str = "lan", number: int = 0) -> NetworkSpec:
        """The instance's `number`th pair of subnets."""
        name = self.name.named(f"net-{key}")
        ipv4 = f"10.{224 + self.subnet // 4096}.{self.subnet // 16 % 256}.{self.subnet % 16 * 16}/28"
        ipv6 = str(IPv6Network(f"fd00:c0de:{self.subnet:x}:{number:x}::/64"))
        if number:
            ipv4 = f"10.{240 + self.subnet // 8192}.{self.subnet // 32 % 256}.{self.subnet % 32 * 8}/29"
        return NetworkSpec(name, key, ipv4, ipv6, 0, self.name.labels("network", network=key))

    def place(self, network: NetworkSpec, host: int) -> Attachment:
        """The address of the host with this number in a network."""
        ipv4, _, last = network.ipv4.partition("/")[0].rpartition(".")
        ipv6 = IPv6Network(network.ipv6)[host]
        return Attachment(network.name, f"{ipv4}.{int(last) + host}", str(ipv6))

    def volume(self, host: str = "alpha") -> VolumeSpec:
        return VolumeSpec(self.name.named(f"vol-{host}"), 1 << 20, 64, self.name.labels("volume", host=host))

    def sandbox(self, host: str = "alpha", *places: Attachment, volume: str | None = None) -> SandboxSpec:
        return SandboxSpec(
            name=self.name.named(host),
            host=host,
            hostname=host,
            image=self.image,
            attachments=places,
            hosts={},
            sysctls={"kernel.shmmni": "17"},
            shm_bytes=1 << 20,
            volume=volume,
            labels=self.name.labels("sandbox", host=host, definition="d1"),
        )

    def container(self, sandbox: SandboxSpec, key: str = "left", share: frozenset[str] = ALL) -> ContainerSpec:
        return ContainerSpec(
            name=self.name.named(sandbox.host, key),
            host=sandbox.host,
            container=key,
            hostname=sandbox.host,
            image=self.image,
            sandbox=sandbox.name,
            share=share,
            volume=sandbox.volume,
            limits=LIMITS,
            shm_bytes=1 << 20,
            labels=self.name.labels("container", host=sandbox.host, container=key),
        )

    def running_sandbox(self, host: str = "alpha", *places: Attachment, volume: str | None = None) -> SandboxSpec:
        spec = self.sandbox(host, *places, volume=volume)
        self.engine.create_sandbox(spec)
        self.engine.start(spec.name)
        return spec

    def running_container(self, sandbox: SandboxSpec, key: str = "left", share: frozenset[str] = ALL) -> ContainerSpec:
        spec = self.container(sandbox, key, share)
        self.engine.create_container(spec)
        self.engine.start(spec.name)
        return spec

    def seen(self, name: str) -> ObservedContainer:
        """One container as the engine shows it."""
        (found,) = [one for one in self.engine.observe(self.name).containers if one.name == name]
        return found

    def another(self) -> Bench:
        """A bench for another instance on the same engine."""
        return replace(self, name=InstanceName("contract", f"{self.name.instance}-b"), subnet=self.subnet ^ 1)

    def clean(self) -> None:
        """Remove all that there is of the instance."""
        there = self.engine.observe(self.name)
        for container in there.containers:
            self.engine.remove_container(container.name)
        for network in there.networks:
            self.engine.remove_network(network.name)
        for volume in there.volumes:
            self.engine.remove_volume(volume.name)
        left = self.engine.observe(self.name)
        assert (left.containers, left.networks, left.volumes) == ((), (), ())


class Spoken:
    """A stream whose process has said something and ended."""

    def __init__(self, said: bytes) -> None:
        self._said = [said]

    def read(self, timeout_s: float | None) -> bytes:
        return self._said.pop() if self._said else b""

    def fileno(self) -> int:
        return -1

    def write(self, data: bytes, timeout_s: float | None = None) -> None: ...

    def end_input(self) -> None: ...

    def stderr_tail(self) -> bytes:
        return b""

    def resize(self, rows: int, columns: int) -> None: ...

    def exit_code(self) -> int | None:
        return 0

    def close(self) -> None: ...

    def __enter__(self) -> Spoken:
        return self

    def __exit__(self, *_: object) -> None: ...


def echo(container: str, argv: Sequence[str]) -> ExecStream:
    """What `echo` does, for the engine in memory."""
    assert argv[0] == "echo"
    return Spoken(b" ".join(word.encode() for word in argv[1:]) + b"\n")


@pytest.fixture(scope="session")
def docker_clients() -> Iterator[Clients]:
    clients = Clients(find_endpoint(None, os.environ, Path.home()), 60.0)
    yield clients
    clients.close()


@pytest.fixture(scope="session")
def docker_engine() -> Iterator[DockerEngine]:
    engine = DockerEngine.connect()
    yield engine
    engine.close()


@pytest.fixture(scope="session")
def docker_image(docker_engine: DockerEngine) -> str:
    """The image of hosts and containers, built if need be."""
    arguments = lifecycle.arguments()
    spec = ImageSpec("lab", reference("lab", images.base_reference(None), arguments))
    images.build(docker_engine, spec, base=None, arguments=arguments, progress=print)
    return spec.reference


@pytest.fixture
def docker_bench(docker_engine: DockerEngine, docker_clients: Clients, docker_image: str) -> Iterator[Bench]:
    """A bench on Docker, for what the engine in memory does not have: processes, networks, a kernel."""
    bench = Bench(docker_engine, DockerHands(docker_clients), docker_image)
    yield bench
    bench.clean()


@pytest.fixture(scope="module")
def lasting_bench(docker_engine: DockerEngine, docker_clients: Clients, docker_image: str) -> Iterator[Bench]:
    """A bench on Docker for a module's tests together, which leave what they find as it is."""
    bench = Bench(docker_engine, DockerHands(docker_clients), docker_image)
    yield bench
    bench.clean()


@pytest.fixture(params=["fake", pytest.param("docker", marks=pytest.mark.docker)])
def bench(request: pytest.FixtureRequest) -> Iterator[Bench]:
    """A bench on each engine."""
    if request.param == "docker":
        yield request.getfixturevalue("docker_bench")
        return
    engine = FakeEngine(images=["ipclab/lab:test"], on_exec=echo)
    bench = Bench(engine, engine, "ipclab/lab:test")
    yield bench
    bench.clean()
