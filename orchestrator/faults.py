"""What is wrong with objects of ours that exist: for each that can't stay, the cause in words.

A fault spreads: whatever shares a namespace, an address or a volume with an object that goes has to go, too. What to
do about it, and in which order, is `reconcile`'s matter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from orchestrator.labels import DEFINITION, ROLE
from orchestrator.world import ContainerSpec, Desired, Observed, ObservedContainer, SandboxSpec

NOT_IN_DEFINITION = "no longer in the definition"
NO_NETWORK = frozenset({"none"})
"""What an engine may call the lack of a network."""


class _Labelled(Protocol):
    @property
    def labels(self) -> Mapping[str, str]: ...


@dataclass(frozen=True, slots=True)
class Faults:
    """Causes by engine name; what is not in here stays."""

    networks: Mapping[str, str] = field(default_factory=dict)
    volumes: Mapping[str, str] = field(default_factory=dict)
    containers: Mapping[str, str] = field(default_factory=dict)
    """Sandboxes are containers here."""

    @staticmethod
    def of_all(observed: Observed, cause: str) -> Faults:
        """Everything has to go, for one cause."""
        return Faults(
            {network.name: cause for network in observed.networks},
            {volume.name: cause for volume in observed.volumes},
            {container.name: cause for container in observed.containers},
        )


def _short(name: str) -> str:
    """The last part of an engine's name, which says enough within an instance: `net-lan`."""
    return name.rpartition(".")[2]


def is_sandbox(container: ObservedContainer) -> bool:
    """Whether it holds a host's namespaces."""
    return container.labels.get(ROLE) == "sandbox"


def find_faults(desired: Desired, observed: Observed) -> Faults:
    """What has to go before `observed`, all of it the instance's own, can become `desired`."""
    return _Search(desired, observed).faults()


class _Search:
    """Networks and volumes first, then sandboxes, then what joins them: each step reads the causes of those before."""

    def __init__(self, desired: Desired, observed: Observed) -> None:
        self.observed = observed
        self.sandboxes = {spec.name: spec for spec in desired.sandboxes}
        self.containers = {spec.name: spec for spec in desired.containers}
        self.images = observed.images
        self.wanted_networks = {spec.name: spec for spec in desired.networks}
        self.wanted_volumes = {spec.name: spec for spec in desired.volumes}
        self.there = {container.name: container for container in observed.containers}
        self.networks: dict[str, str] = {}
        self.volumes: dict[str, str] = {}
        self.gone: dict[str, str] = {}

    def faults(self) -> Faults:
        self._networks()
        self._volumes()
        for container in self.observed.containers:
            if container.name not in self.containers:
                self._note(container, self._sandbox_fault(container))
        for container in self.observed.containers:
            if container.name in self.containers:
                self._note(container, self._container_fault(container, self.containers[container.name]))
        return Faults(self.networks, self.volumes, self.gone)

    def _note(self, container: ObservedContainer, cause: str) -> None:
        if cause:
            self.gone[container.name] = cause

    def _networks(self) -> None:
        count = Counter(network.name for network in self.observed.networks)
        for network in self.observed.networks:
            cause = _definition_fault(network, self.wanted_networks.get(network.name))
            if count[network.name] > 1:
                cause = cause or "there are two of it"
            if cause:
                self.networks[network.name] = cause

    def _volumes(self) -> None:
        for volume in self.observed.volumes:
            if cause := _definition_fault(volume, self.wanted_volumes.get(volume.name)):
                self.volumes[volume.name] = cause

    def _sandbox_fault(self, container: ObservedContainer) -> str:
        spec = self.sandboxes.get(container.name)
        if spec is None:
            return NOT_IN_DEFINITION
        return (
            self._own_fault(container, spec) or self._volume_fault(spec.volume) or self._network_fault(container, spec)
        )

    def _container_fault(self, container: ObservedContainer, spec: ContainerSpec) -> str:
        return self._own_fault(container, spec) or self._volume_fault(spec.volume) or self._join_fault(container, spec)

    def _own_fault(self, container: ObservedContainer, spec: SandboxSpec | ContainerSpec) -> str:
        """What is wrong with it whatever else there is."""
        image = self.images.get(spec.image)
        if image is None:
            return "its image is absent"
        if container.labels.get(DEFINITION) != spec.labels[DEFINITION] or container.image_id != image:
            return _definition_fault(container, spec) if container.image_id == image else "image changed"
        return "" if container.state in ("running", "created") else _state_fault(container.state)

    def _volume_fault(self, name: str | None) -> str:
        if name is None:
            return ""
        if name in self.volumes:
            return "its volume is recreated"
        return "" if any(volume.name == name for volume in self.observed.volumes) else "its volume is absent"

    def _network_fault(self, container: ObservedContainer, spec: SandboxSpec) -> str:
        """Whether it is attached as it should be; one that never ran may still be attached to more."""
        there = {network.name for network in self.observed.networks}
        wanted = {attachment.network for attachment in spec.attachments}
        attached = container.networks - NO_NETWORK
        missing = wanted - attached if container.state == "running" else frozenset()
        causes = [
            *(f"its network {_short(name)} is recreated" for name in sorted(attached & self.networks.keys())),
            *(f"its network {_short(name)} is absent" for name in sorted((attached & wanted) - there)),
            *(f"attached to {_short(name)}" for name in sorted(attached - wanted)),
            *(f"not attached to {_short(name)}" for name in sorted(missing)),
        ]
        return next(iter(causes), "")

    def _join_fault(self, container: ObservedContainer, spec: ContainerSpec) -> str:
        """Whether the namespaces that it joined are those of its sandbox as it is now."""
        if not spec.share:
            return "joined to a sandbox" if container.joined else ""
        sandbox = self.there.get(spec.sandbox)
        if sandbox is None or spec.sandbox in self.gone:
            return "its sandbox is absent" if sandbox is None else "its sandbox is recreated"
        if container.joined != {sandbox.id}:
            return "joined to another sandbox"
        if container.state == "running" and container.started_ns < sandbox.started_ns:
            return "its sandbox was restarted after it"
        return "its sandbox was not running" if container.state == "running" and sandbox.state != "running" else ""


def _definition_fault(thing: _Labelled, spec: _Labelled | None) -> str:
    if spec is None:
        return NOT_IN_DEFINITION
    if DEFINITION not in thing.labels:
        return "its definition is unknown"
    return "" if thing.labels[DEFINITION] == spec.labels[DEFINITION] else "definition changed"


def _state_fault(state: str) -> str:
    """`exited`, `dead`, `paused` and `restarting` read well as they are."""
    return "it is being removed" if state == "removing" else f"it is {state}"
