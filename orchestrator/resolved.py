"""What a definition comes to for one instance, kept from the last time: then YAML and models need not be imported.

`resolve` is pure, so the same lab.yaml, code, images, binds and slot give the same desired world. Importing and
building the models takes 150 ms, reading back what they gave takes 2.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Any

from orchestrator import kept
from orchestrator.labels import HOST, InstanceName
from orchestrator.slots import choose_slot
from orchestrator.world import (
    Attachment,
    Bind,
    ContainerSpec,
    Desired,
    ImageSpec,
    Limits,
    NetworkSpec,
    Observed,
    SandboxSpec,
    VolumeSpec,
)

KIND = "resolved"


@dataclass(frozen=True, slots=True)
class Definition:
    """Where an instance's definition is, and what else decides what it comes to."""

    lab: Path
    """The lab's folder."""
    name: InstanceName
    references: Mapping[str, str]
    """Images by their folder of `images/`."""
    binds: tuple[Bind, ...] = ()
    exercises: tuple[str, ...] | None = None
    """Those that it is brought up for; all when None."""

    def desired(self, observed: Observed) -> Desired:
        """The instance as it should be, given what there is: a host that is there stays, whoever needed it.

        Raises:
            DefinitionError: lab.yaml is wrong.
            MachineError: There is no room for its networks.
        """
        key = self._key()
        known = _read(self.name, key)
        if known is not None and choose_slot(known, self.name, observed) == known.slot:
            whole = known.desired
        else:
            whole = self._resolved(key, observed)
        exercises = whole.exercises if self.exercises is None else self.exercises
        return whole.needed_by(exercises, {one.labels.get(HOST, "") for one in observed.containers})

    def _key(self) -> str:
        binds = [f"{bind.source}:{bind.target}" for bind in self.binds]
        text = (self.lab / "lab.yaml").read_bytes().hex()
        return kept.digest([text, str(self.name), json.dumps(dict(self.references)), *binds, *kept.code()])

    def _resolved(self, key: str, observed: Observed) -> Desired:
        # Only here: this is what a kept one saves.
        from orchestrator.resolve import resolve
        from orchestrator.spec.load import load_lab_only

        lab = load_lab_only(self.lab).lab
        slot = choose_slot(lab, self.name, observed)
        desired = resolve(lab, self.name, slot=slot, images=self.references, binds=self.binds)
        networks = [{"ipv4": str(one.ipv4), "ipv6": str(one.ipv6)} for one in lab.networks.values()]
        text = json.dumps({"key": key, "slot": slot, "networks": networks, "desired": asdict(desired)}, default=sorted)
        kept.write(self.name, KIND, text)
        return desired


@dataclass(frozen=True, slots=True)
class _Network:
    ipv4: IPv4Network
    ipv6: IPv6Network


@dataclass(frozen=True, slots=True)
class _Known:
    """What was kept: the networks as lab.yaml has them, the slot, and what they came to."""

    networks: Mapping[str, _Network]
    slot: int
    desired: Desired


def _read(name: InstanceName, key: str) -> _Known | None:
    try:
        found = json.loads(kept.read(name, KIND) or "{}")
    except ValueError:
        return None
    if found.get("key") != key:
        return None
    networks = {
        str(number): _Network(IPv4Network(one["ipv4"]), IPv6Network(one["ipv6"]))
        for number, one in enumerate(found["networks"])
    }
    return _Known(networks, found["slot"], _desired(found["desired"]))


def _desired(plain: Mapping[str, Any]) -> Desired:
    return Desired(
        name=InstanceName(**plain["name"]),
        images=tuple(ImageSpec(**one) for one in plain["images"]),
        networks=tuple(NetworkSpec(**one) for one in plain["networks"]),
        volumes=tuple(VolumeSpec(**one) for one in plain["volumes"]),
        sandboxes=tuple(_sandbox(one) for one in plain["sandboxes"]),
        containers=tuple(_container(one) for one in plain["containers"]),
        only_for={host: tuple(users) for host, users in plain["only_for"].items()},
        exercises=tuple(plain["exercises"]),
    )


def _sandbox(plain: Mapping[str, Any]) -> SandboxSpec:
    attachments = tuple(Attachment(**one) for one in plain["attachments"])
    hosts = {name: tuple(addresses) for name, addresses in plain["hosts"].items()}
    return SandboxSpec(**{**plain, "attachments": attachments, "hosts": hosts})


def _container(plain: Mapping[str, Any]) -> ContainerSpec:
    binds = tuple(Bind(**one) for one in plain["binds"])
    share = frozenset(plain["share"])
    limits = Limits(**plain["limits"])
    return ContainerSpec(
        **{**plain, "binds": binds, "share": share, "limits": limits, "grants": tuple(plain["grants"])}
    )
