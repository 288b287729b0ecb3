"""Slots: which row of subnets an instance uses, so that instances side by side never share an address.

Slot 0 is what lab.yaml says. Slot k moves each subnet k times its own size further; a host keeps its place in it.
Nothing here knows what a host is made of: that is `resolve`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from ipaddress import (
    AddressValueError,
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_network,
)
from itertools import chain, combinations
from typing import Protocol, TypeVar

from orchestrator.errors import MachineError, UsageError
from orchestrator.labels import SLOT, InstanceName, instance_of
from orchestrator.world import Observed

SEARCHED = 1024
"""Slots that are tried; more instances of one lab than this on one engine are somebody's mistake."""


class Addressed(Protocol):
    """A network as its definition has it."""

    @property
    def ipv4(self) -> IPv4Network:
        """Its IPv4 subnet."""

    @property
    def ipv6(self) -> IPv6Network:
        """Its IPv6 subnet."""


class Networked(Protocol):
    """What has networks: a lab's model, or what was kept of it."""

    @property
    def networks(self) -> Mapping[str, Addressed]:
        """By name."""


Subnet = IPv4Network | IPv6Network
AnySubnet = TypeVar("AnySubnet", IPv4Network, IPv6Network)


def moved(subnet: AnySubnet, slot: int) -> AnySubnet:
    """The subnet that lies `slot` times its own size after `subnet`.

    Raises:
        UsageError: It is past the end of the address family, or a private subnet would become a public one.
    """
    start = int(subnet.network_address) + slot * subnet.num_addresses
    try:
        there = type(subnet)((start, subnet.prefixlen))
    except AddressValueError:
        raise UsageError(_past_the_end(subnet, slot)) from None
    if there.is_global and not subnet.is_global:
        raise UsageError(_past_the_end(subnet, slot))
    return there


def _past_the_end(subnet: Subnet, slot: int) -> str:
    return f"the subnet {slot} places after {subnet} is not a private one: lab.yaml leaves too little room behind it"


def moved_ipv4(address: IPv4Address, subnet: IPv4Network, slot: int) -> IPv4Address:
    """The address with the same place in the moved subnet."""
    return moved(subnet, slot)[int(address) - int(subnet.network_address)]


def moved_ipv6(address: IPv6Address, subnet: IPv6Network, slot: int) -> IPv6Address:
    """The address with the same place in the moved subnet."""
    return moved(subnet, slot)[int(address) - int(subnet.network_address)]


def choose_slot(lab: Networked, instance: InstanceName, observed: Observed) -> int:
    """The slot that the instance's networks carry; else the smallest that overlaps no network of the engine.

    A slot that is carried but no longer fits (the definition changed) counts as none.

    Raises:
        MachineError: Every slot that was tried overlaps something.
    """
    own = [network for network in observed.networks if instance_of(network.labels) == instance]
    carried = sorted(int(slot) for slot in (network.labels.get(SLOT, "") for network in own) if slot.isdecimal())
    names = {network.name for network in own}
    taken = [ip_network(text) for name, subnets in observed.subnets if name not in names for text in subnets]
    for slot in chain(carried, range(SEARCHED)):
        if _fits(lab, slot, taken):
            return slot
    raise MachineError(
        f"no room for the networks of {instance}: all of {SEARCHED} rows of subnets overlap what this engine has",
        fix="`docker network ls` shows what is there; `ipclab clean` removes the instances that nobody needs.",
    )


def _fits(lab: Networked, slot: int, taken: Iterable[Subnet]) -> bool:
    try:
        row = [moved(network.ipv4, slot) for network in lab.networks.values()]
        row6 = [moved(network.ipv6, slot) for network in lab.networks.values()]
    except UsageError:
        return False
    mine: list[Subnet] = [*row, *row6]
    pairs = chain(combinations(mine, 2), ((one, other) for one in mine for other in taken))
    return not any(overlap(one, other) for one, other in pairs)


def overlap(one: Subnet, other: Subnet) -> bool:
    """Whether two subnets of any family have an address in common."""
    if isinstance(one, IPv4Network) and isinstance(other, IPv4Network):
        return one.overlaps(other)
    return isinstance(one, IPv6Network) and isinstance(other, IPv6Network) and one.overlaps(other)
