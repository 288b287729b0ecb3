"""The model of `lab.yaml`: networks, hosts, containers, limits, the exercises in their order.

Shapes and values of one file only; what must hold between files and names is in `rules`.
"""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from orchestrator.spec.address import Address4, Address6, Subnet4, Subnet6
from orchestrator.spec.names import Name
from orchestrator.spec.quantity import Count, Size, size_bytes

Share = Literal["ipc", "net", "pid"]
Grant = Literal["net_bind_service", "net_raw"]


class Part(BaseModel):
    """What every part of a definition has in common: frozen, no unknown keys, no silent conversions."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Network(Part):
    """A link between hosts; nothing else is reachable through it."""

    ipv4: Subnet4 = Field(description="The IPv4 subnet, for example 10.11.0.0/28")
    ipv6: Subnet6 = Field(description="The IPv6 subnet, for example fd00:11::/64")


class Address(Part):
    """A host's addresses in one network."""

    ipv4: Address4 = Field(description="An IPv4 address of the subnet, for example 10.11.0.3")
    ipv6: Address6 = Field(description="An IPv6 address of the subnet, for example fd00:11::3")


class IpcLimits(Part):
    """The IPC limits of a host, set once on its sandbox (shm_overview(7), mq_overview(7), proc(5))."""

    shm_size: Size = Field(size_bytes("16MiB"), description="Size of /dev/shm")
    shmmax: Size = Field(size_bytes("16MiB"), description="The largest System V segment")
    shmall: Size = Field(size_bytes("32MiB"), description="All System V segments together")
    shmmni: Count = Field(64, ge=1, le=4096, description="How many System V segments")
    msgmax: Size = Field(size_bytes("8KiB"), description="The largest System V message")
    msgmnb: Size = Field(size_bytes("16KiB"), description="The bytes in one System V queue")
    msgmni: Count = Field(32, ge=1, le=4096, description="How many System V queues")
    semmsl: Count = Field(250, ge=1, le=32000, description="Semaphores in one System V set")
    semmns: Count = Field(4000, ge=1, le=1024000, description="System V semaphores altogether")
    semopm: Count = Field(100, ge=1, le=500, description="Operations in one semop()")
    semmni: Count = Field(64, ge=1, le=32000, description="How many System V semaphore sets")
    queues_max: Count = Field(64, ge=1, le=1024, description="How many POSIX queues")
    msg_max: Count = Field(64, ge=1, le=1024, description="Messages in one POSIX queue")
    msgsize_max: Size = Field(size_bytes("16KiB"), description="The largest POSIX message")


class Volume(Part):
    """A host's shared volume at /ipc, for FIFOs and socket files."""

    size: Size = Field(size_bytes("16MiB"), description="Bytes in all its files")
    inodes: Count = Field(1024, ge=16, le=100_000, description="How many files")


class ContainerLimits(Part):
    """What a container may take; the values of a lab's `limits` hold where a container names none."""

    memory: Size = Field(size_bytes("256MiB"), description="Memory; there is no swap on top")
    pids: Count = Field(64, ge=8, le=4096, description="How many processes and threads")
    cpus: float = Field(1.0, gt=0, le=64, strict=True, description="Processor time, in processors")
    tmp: Size = Field(size_bytes("64MiB"), description="Size of /tmp and of the folder that programs run in")
    tmp_inodes: Count = Field(4096, ge=64, le=1_000_000, description="How many files in each of these")
    file_size: Size = Field(size_bytes("32MiB"), description="The largest file that a program may write")
    open_files: Count = Field(256, ge=16, le=65536, description="Descriptors of one process")
    mqueue: Size = Field(
        size_bytes("800KiB"),
        description="Bytes in all POSIX queues of one user (RLIMIT_MSGQUEUE); many engines can set no more than 800KiB",
    )


class Container(Part):
    """A place on a host where programs run."""

    image: Name = Field("lab", description="A folder of images/")
    limits: ContainerLimits | None = Field(None, description="Where it differs from the lab's limits")
    grants: tuple[Grant, ...] = Field(
        default=(), description="Capabilities (capabilities(7)) that an exercise may give to programs in it"
    )


class Host(Part):
    """A simulated machine."""

    containers: dict[Name, Container] = Field(min_length=1, description="Where programs run, by name")
    networks: dict[Name, Address] = Field(default_factory=dict, description="Its addresses, by network")
    share: frozenset[Share] = Field(
        default=frozenset({"ipc", "net", "pid"}),
        description="The namespaces that its containers take from its sandbox; leave one out to study isolation",
    )
    bindv6only: bool = Field(
        False, strict=True, description="Whether its IPv6 sockets take no IPv4 unless a program says so (ipv6(7))"
    )
    ipc: IpcLimits = Field(IpcLimits.model_construct(), description="Its limits for System V and POSIX objects")
    volume: Volume | None = Field(Volume.model_construct(), description="Its volume at /ipc; null for none")
    only_for: tuple[Name, ...] = Field(
        default=(), description="The exercises that it is brought up for; for every one when none is named"
    )


class Lab(Part):
    """A `lab.yaml`."""

    title: str = Field(min_length=1, max_length=120, description="What it is called, on one line")
    summary: str = Field("", description="What it is about, in a few sentences")
    networks: dict[Name, Network] = Field(default_factory=dict, description="Links between hosts, by name")
    hosts: dict[Name, Host] = Field(min_length=1, description="The simulated machines, by name")
    limits: ContainerLimits = Field(ContainerLimits.model_construct(), description="What each container may take")
    exercises: tuple[Name, ...] = Field(default=(), description="Folders beside lab.yaml, in teaching order")
    drafts: tuple[Name, ...] = Field(
        default=(),
        description="Folders of exercises that are being written: left out of everything that does not name them",
    )

    @property
    def known(self) -> tuple[str, ...]:
        """The exercises that can be named: drafts, too."""
        return (*self.exercises, *self.drafts)
