"""The model of `lab.yaml`: networks, hosts, containers, limits, the exercises in their order.

Shapes and values of one file only; what must hold between files and names is in `rules`.
"""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from orchestrator.spec.quantity import Size, size_bytes

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$", max_length=32)]
Share = Literal["ipc", "net", "pid"]


class Part(BaseModel):
    """What every part of a definition has in common: frozen, no unknown keys, no silent conversions."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


class Network(Part):
    """A link between hosts; nothing else is reachable through it."""

    ipv4: IPv4Network = Field(description="The IPv4 subnet, for example 10.11.0.0/28")
    ipv6: IPv6Network = Field(description="The IPv6 subnet, for example fd00:11::/64")


class Address(Part):
    """A host's addresses in one network."""

    ipv4: IPv4Address
    ipv6: IPv6Address


class IpcLimits(Part):
    """The IPC limits of a host, set once on its sandbox (shm_overview(7), mq_overview(7), proc(5))."""

    shm_size: Size = Field(size_bytes("16MiB"), description="Size of /dev/shm")
    shmmax: Size = Field(size_bytes("16MiB"), description="The largest System V segment")
    shmall: Size = Field(size_bytes("32MiB"), description="All System V segments together")
    shmmni: int = Field(64, ge=1, le=4096, description="How many System V segments")
    msgmax: Size = Field(size_bytes("8KiB"), description="The largest System V message")
    msgmnb: Size = Field(size_bytes("16KiB"), description="The bytes in one System V queue")
    msgmni: int = Field(32, ge=1, le=4096, description="How many System V queues")
    semmsl: int = Field(250, ge=1, le=32000, description="Semaphores in one System V set")
    semmns: int = Field(4000, ge=1, le=1024000, description="System V semaphores altogether")
    semopm: int = Field(100, ge=1, le=500, description="Operations in one semop()")
    semmni: int = Field(64, ge=1, le=32000, description="How many System V semaphore sets")
    queues_max: int = Field(64, ge=1, le=1024, description="How many POSIX queues")
    msg_max: int = Field(64, ge=1, le=1024, description="Messages in one POSIX queue")
    msgsize_max: Size = Field(size_bytes("16KiB"), description="The largest POSIX message")


class Volume(Part):
    """A host's shared volume at /ipc, for FIFOs and socket files."""

    size: Size = size_bytes("16MiB")
    inodes: int = Field(1024, ge=16, le=100_000)


class ContainerLimits(Part):
    """What a container may take; the values of a lab's `limits` hold where a container names none."""

    memory: Size = size_bytes("256MiB")
    pids: int = Field(128, ge=8, le=4096)
    cpus: float = Field(1.0, gt=0, le=64)
    tmp: Size = Field(size_bytes("64MiB"), description="Size of /tmp and of the folder that programs run in")
    tmp_inodes: int = Field(4096, ge=64, le=1_000_000)
    file_size: Size = Field(size_bytes("32MiB"), description="The largest file that a program may write")
    open_files: int = Field(256, ge=16, le=65536)
    mqueue: Size = Field(size_bytes("2MiB"), description="Bytes in all POSIX queues of one user (RLIMIT_MSGQUEUE)")


class Container(Part):
    """A place on a host where programs run."""

    image: Name = Field("lab", description="A folder of images/")
    limits: ContainerLimits | None = None


class Host(Part):
    """A simulated machine."""

    containers: dict[Name, Container] = Field(min_length=1)
    networks: dict[Name, Address] = Field(default_factory=dict)
    share: frozenset[Share] = Field(
        default=frozenset({"ipc", "net", "pid"}),
        description="The namespaces that its containers take from its sandbox; leave one out to study isolation",
    )
    ipc: IpcLimits = IpcLimits.model_construct()
    volume: Volume | None = Volume.model_construct()


class Lab(Part):
    """A `lab.yaml`."""

    title: str = Field(min_length=1, max_length=120)
    summary: str = ""
    networks: dict[Name, Network] = Field(default_factory=dict)
    hosts: dict[Name, Host] = Field(min_length=1)
    limits: ContainerLimits = ContainerLimits.model_construct()
    exercises: tuple[Name, ...] = Field(default=(), description="Folders beside lab.yaml, in teaching order")
