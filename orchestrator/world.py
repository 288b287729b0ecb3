"""The world as it should be and as it is: values for sandboxes, containers, networks and volumes.

Pure data, made from a lab's model (`desired`) or by an engine (`Observed…`); no engine, no YAML here.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field, replace

from orchestrator.labels import InstanceName


@dataclass(frozen=True, slots=True)
class ImageSpec:
    """An image that a container needs: built from `context` (a folder of `images/`) under `reference`."""

    name: str
    reference: str
    """`ipclab/lab:<hash of everything that goes into it>`: another content is another reference."""


@dataclass(frozen=True, slots=True)
class NetworkSpec:
    """A bridge of one instance. Subnets are in CIDR; nothing outside is reachable through it."""

    name: str
    key: str
    """The name that lab.yaml gives it."""
    ipv4: str
    ipv6: str
    slot: int
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VolumeSpec:
    """A host's shared volume, a sized tmpfs mounted at /ipc in each of its containers."""

    name: str
    size_bytes: int
    inodes: int
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Attachment:
    """A host's place in a network."""

    network: str
    """The engine's name of the network."""
    ipv4: str
    ipv6: str


@dataclass(frozen=True, slots=True)
class Limits:
    """What a container may take. Bytes unless the name says otherwise."""

    memory_bytes: int
    pids: int
    tmp_bytes: int
    tmp_inodes: int
    cpus: float
    file_bytes: int
    open_files: int
    mqueue_bytes: int


@dataclass(frozen=True, slots=True)
class Bind:
    """A folder of this machine seen inside a container."""

    source: str
    target: str


@dataclass(frozen=True, slots=True)
class SandboxSpec:
    """The container that holds a host's namespaces; joiners take them from it."""

    name: str
    host: str
    hostname: str
    image: str
    attachments: tuple[Attachment, ...]
    hosts: Mapping[str, tuple[str, ...]]
    """Other hosts' names and their addresses, for /etc/hosts."""
    sysctls: Mapping[str, str]
    shm_bytes: int
    volume: str | None
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ContainerSpec:
    """A place on a host where programs run; `share` names what it takes from the host's sandbox."""

    name: str
    host: str
    container: str
    hostname: str
    image: str
    sandbox: str
    """The engine's name of the sandbox."""
    share: frozenset[str]
    volume: str | None
    limits: Limits
    shm_bytes: int
    """Size of /dev/shm when `ipc` is not shared."""
    sysctls: Mapping[str, str] = field(default_factory=dict)
    """Settings of the namespaces that are its own; empty when it shares them: they would hold for the whole host."""
    grants: tuple[str, ...] = ()
    """Capabilities beside the agent's own, which the agent may pass on."""
    binds: tuple[Bind, ...] = ()
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Desired:
    """One instance as its definition wants it. Order is the definition's."""

    name: InstanceName
    images: tuple[ImageSpec, ...]
    networks: tuple[NetworkSpec, ...]
    volumes: tuple[VolumeSpec, ...]
    sandboxes: tuple[SandboxSpec, ...]
    containers: tuple[ContainerSpec, ...]
    only_for: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Hosts that only some exercises need, and which these are."""
    exercises: tuple[str, ...] = ()
    """All exercises but drafts."""

    def needed_by(self, exercises: Collection[str], there: Collection[str]) -> Desired:
        """Without the hosts that none of `exercises` needs, but with those that are `there` already."""
        idle = {host for host, users in self.only_for.items() if host not in there and not {*users} & {*exercises}}
        sandboxes = tuple(spec for spec in self.sandboxes if spec.host not in idle)
        containers = tuple(spec for spec in self.containers if spec.host not in idle)
        used = {spec.image for spec in sandboxes} | {spec.image for spec in containers}
        volumes = {spec.volume for spec in sandboxes}
        return replace(
            self,
            images=tuple(spec for spec in self.images if spec.reference in used),
            volumes=tuple(spec for spec in self.volumes if spec.name in volumes),
            sandboxes=sandboxes,
            containers=containers,
        )


@dataclass(frozen=True, slots=True)
class ObservedContainer:
    """A container or sandbox of ours as the engine has it."""

    id: str
    name: str
    state: str
    """`created`, `running`, `paused`, `restarting`, `removing`, `exited` or `dead`."""
    started_ns: int
    """When it was last started, in nanoseconds since the epoch; 0 if never."""
    image_id: str
    labels: Mapping[str, str]
    joined: frozenset[str] = frozenset()
    """Ids of the containers whose namespaces it takes."""
    networks: frozenset[str] = frozenset()
    """Names of the networks it is attached to."""


@dataclass(frozen=True, slots=True)
class ObservedNetwork:
    """A network on the engine, ours or not."""

    id: str
    name: str
    subnets: tuple[str, ...]
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ObservedVolume:
    """A volume of ours."""

    name: str
    labels: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Observed:
    """What an engine has: all that is ours (of every instance asked for), and every network's subnets."""

    containers: tuple[ObservedContainer, ...] = ()
    networks: tuple[ObservedNetwork, ...] = ()
    """Networks of ours that were asked for."""
    volumes: tuple[ObservedVolume, ...] = ()
    images: Mapping[str, str] = field(default_factory=dict)
    """Reference to image id, for the references asked about that exist."""
    subnets: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """(network name, subnets) of every network on the engine: new ones must not overlap."""


MAKING = 1
"""Raise it when an engine makes something else of the same spec, so that what an older version made is recreated."""

Spec = NetworkSpec | VolumeSpec | SandboxSpec | ContainerSpec


def _plain(value: object) -> object:
    if isinstance(value, frozenset):
        return sorted(value)
    raise TypeError(f"{value!r} has no place in a definition")  # pragma: no cover


def definition(spec: Spec) -> str:
    """Sixteen hexadecimal digits that differ when anything about `spec` does, its labels left out."""
    fields = {key: value for key, value in asdict(spec).items() if key != "labels"}
    text = json.dumps(fields, sort_keys=True, default=_plain)
    return hashlib.sha256(f"{MAKING} {type(spec).__name__} {text}".encode()).hexdigest()[:16]
