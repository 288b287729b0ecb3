"""What the engine in memory keeps: containers, networks and volumes, and how they hang together.

The rules are Docker's, as `tests/contract` sees them: what joins what, what dies with what, what is in the way of what.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network

from orchestrator.errors import ObjectConflict, ObjectMissing
from orchestrator.world import ContainerSpec, NetworkSpec, ObservedContainer, SandboxSpec, VolumeSpec

NAMESPACES = ("ipc", "net", "pid")


@dataclass(slots=True, eq=False)
class Box:
    """A container or, without `sandbox`, a sandbox."""

    spec: SandboxSpec | ContainerSpec
    image_id: str
    labels: Mapping[str, str]
    sandbox: Box | None = None
    networks: set[str] = field(default_factory=set)
    id: str = ""
    state: str = "created"
    started_ns: int = 0
    namespaces: dict[str, str] = field(default_factory=dict)

    @property
    def share(self) -> frozenset[str]:
        """The namespaces that it takes from its sandbox."""
        return self.spec.share if isinstance(self.spec, ContainerSpec) else frozenset()

    def observed(self) -> ObservedContainer:
        """It as an engine shows it."""
        return ObservedContainer(
            id=self.id,
            name=self.spec.name,
            state=self.state,
            started_ns=self.started_ns,
            image_id=self.image_id,
            labels=dict(self.labels),
            joined=frozenset({self.sandbox.id} if self.sandbox and self.share else ()),
            networks=frozenset(self.networks),
        )


@dataclass(frozen=True, slots=True)
class Network:
    """A network of ours."""

    id: str
    spec: NetworkSpec


class Objects:
    """All objects of an engine, by name, the oldest first."""

    def __init__(self, foreign: Mapping[str, tuple[str, ...]]) -> None:
        """Begin with the networks of others, which have subnets and nothing else."""
        self.boxes: dict[str, Box] = {}
        self.networks: dict[str, Network] = {}
        self.volumes: dict[str, VolumeSpec] = {}
        self._foreign = dict(foreign)
        self._numbers = itertools.count(1)

    def box(self, name: str) -> Box:
        """The container of this name.

        Raises:
            ObjectMissing: There is none.
        """
        if name not in self.boxes:
            raise ObjectMissing(f"there is no container {name}")
        return self.boxes[name]

    def subnets(self) -> dict[str, tuple[str, ...]]:
        """Every network's."""
        ours = {name: (network.spec.ipv4, network.spec.ipv6) for name, network in self.networks.items()}
        return self._foreign | ours

    def add_network(self, spec: NetworkSpec) -> None:
        """Raises ObjectConflict when the name or an address is another's."""
        if spec.name in self.subnets():
            raise ObjectConflict(f"there is a network {spec.name} already")
        for name, pools in self.subnets().items():
            for pool in (ip_network(text) for text in pools):
                if pool.overlaps(ip_network(spec.ipv4 if pool.version == 4 else spec.ipv6)):
                    raise ObjectConflict(f"network {spec.name} overlaps {name}")
        self.networks[spec.name] = Network(self._id(), spec)

    def drop_network(self, name: str) -> None:
        """Who runs in it is disconnected; who does not still names it, and can't start without it."""
        self.networks.pop(name, None)
        for box in self.boxes.values():
            if box.state == "running":
                box.networks.discard(name)

    def drop_volume(self, name: str) -> None:
        """Raises ObjectConflict while a container has it, running or not."""
        if any(box.spec.volume == name for box in self.boxes.values()):
            raise ObjectConflict(f"volume {name} is in use")
        self.volumes.pop(name, None)

    def add_box(self, box: Box) -> None:
        """Raises ObjectConflict when its name is taken, ObjectMissing when its volume is absent."""
        if box.spec.volume is not None and box.spec.volume not in self.volumes:
            raise ObjectMissing(f"there is no volume {box.spec.volume}")
        if box.spec.name in self.boxes:
            raise ObjectConflict(f"there is a container {box.spec.name} already")
        box.id = self._id()
        self.boxes[box.spec.name] = box

    def attach(self, name: str, network: str) -> None:
        """Raises ObjectMissing when the container is absent, or runs and the network is; else it would not start."""
        box = self.box(name)
        if box.state == "running" and network not in self.networks:
            raise ObjectMissing(f"there is no network {network}")
        box.networks.add(network)

    def start(self, box: Box) -> None:
        """Put it into namespaces, its own or its sandbox's; a running one stays as it is."""
        if box.state == "running":
            return
        self._require_donor(box)
        self._require_addresses(box)
        number = next(self._numbers)
        box.state = "running"
        box.started_ns = number * 1_000_000
        own = {kind: f"{kind}:[{number}]" for kind in NAMESPACES}
        donated = {kind: box.sandbox.namespaces[kind] for kind in box.share} if box.sandbox else {}
        box.namespaces = own | donated

    def stop(self, box: Box) -> None:
        """End it, and with a sandbox everybody in its PID namespace."""
        if box.state != "running":
            return
        box.state = "exited"
        for other in self.boxes.values():
            if other.sandbox is box and "pid" in other.share and other.namespaces.get("pid") == box.namespaces["pid"]:
                self.stop(other)

    def forget(self, name: str) -> None:
        """Remove whatever has this name.

        Raises:
            ObjectMissing: Nothing has.
        """
        if name in self.boxes:
            self.stop(self.boxes.pop(name))
        elif name in self.networks:
            self.drop_network(name)
        elif name in self.volumes:
            del self.volumes[name]
        else:
            raise ObjectMissing(f"there is no {name}")

    def _require_donor(self, box: Box) -> None:
        if not box.sandbox or not box.share:
            return
        if self.boxes.get(box.sandbox.spec.name) is not box.sandbox:
            raise ObjectMissing(f"the sandbox that {box.spec.name} joins is gone")
        if box.sandbox.state != "running":
            raise ObjectConflict(f"the sandbox that {box.spec.name} joins is not running")

    def _require_addresses(self, box: Box) -> None:
        for network in box.networks:
            if network not in self.networks:
                raise ObjectMissing(f"there is no network {network}")
        taken = _addresses(other for other in self.boxes.values() if other.state == "running")
        if clash := _addresses([box]) & taken:
            raise ObjectConflict(f"the address {min(clash)[1]} of {box.spec.name} is another's already")

    def _id(self) -> str:
        return f"{next(self._numbers):064x}"


def _addresses(boxes: Iterable[Box]) -> set[tuple[str, str]]:
    """(network, address) of each place that they have."""
    return {
        (place.network, address)
        for box in boxes
        if isinstance(box.spec, SandboxSpec)
        for place in box.spec.attachments
        if place.network in box.networks
        for address in (place.ipv4, place.ipv6)
    }
