"""What must hold between a lab's networks and addresses: private small subnets that lie apart, addresses in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Final, cast

from orchestrator.errors import Problem
from orchestrator.spec.document import Document
from orchestrator.spec.lab import Lab
from orchestrator.spec.suggest import did_you_mean
from orchestrator.spec.template import FAMILIES
from orchestrator.spec.tree import DataPath

Subnet = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address

_PRIVATE: Final[dict[int, tuple[Subnet, ...]]] = {
    4: (IPv4Network("10.0.0.0/8"), IPv4Network("172.16.0.0/12"), IPv4Network("192.168.0.0/16")),
    6: (IPv6Network("fd00::/8"),),
}
# Several instances of a lab lie side by side, each with subnets of its own: large ones would use up the private ranges.
_LENGTHS: Final = {4: (24, 29), 6: (64, 124)}


def problems(lab: Lab, document: Document) -> Iterator[Problem]:
    """All problems with networks and addresses."""
    for name, network in lab.networks.items():
        for subnet in (network.ipv4, network.ipv6):
            yield from _subnet(subnet, ("networks", name, f"ipv{subnet.version}"), document)
    for family in FAMILIES:
        yield from _overlaps(lab, family, document)
    yield from _addresses(lab, document)


def _subnet(subnet: Subnet, path: DataPath, document: Document) -> Iterator[Problem]:
    shortest, longest = _LENGTHS[subnet.version]
    if not _private(subnet):
        fix = f"take one inside {', '.join(map(str, _PRIVATE[subnet.version]))}"
        yield document.problem(path, f"{subnet} is not a private subnet", fix)
    elif not _sound(subnet):
        size = "large" if subnet.prefixlen < shortest else "small"
        fix = f"write a length from /{shortest} to /{longest}"
        yield document.problem(path, f"the subnet {subnet} is too {size}", fix)


def _sound(subnet: Subnet) -> bool:
    shortest, longest = _LENGTHS[subnet.version]
    return _private(subnet) and shortest <= subnet.prefixlen <= longest


def _private(subnet: Subnet) -> bool:
    ends = (subnet.network_address, subnet.broadcast_address)
    return any(all(end in block for end in ends) for block in _PRIVATE[subnet.version])


def _overlaps(lab: Lab, family: str, document: Document) -> Iterator[Problem]:
    """One problem for each subnet that overlaps another; sorted by address, so that many networks take no time."""
    order = {name: number for number, name in enumerate(lab.networks)}
    subnets = [(cast(Subnet, getattr(network, family)), name) for name, network in lab.networks.items()]
    subnets.sort(key=lambda pair: (int(pair[0].network_address), pair[0].prefixlen, order[pair[1]]))
    widest: tuple[Subnet, str] | None = None
    for subnet, name in subnets:
        if widest is not None and subnet.network_address in widest[0]:
            later, earlier = sorted(((subnet, name), widest), key=lambda pair: -order[pair[1]])
            what = f"{later[0]} overlaps {earlier[0]} of the network `{earlier[1]}`"
            yield document.problem(("networks", later[1], family), what, "take subnets that have no address in common")
        else:
            widest = (subnet, name)


@dataclass(frozen=True, slots=True)
class _Claim:
    """A host's address in a network."""

    host: str
    network: str
    address: Address
    subnet: Subnet

    @property
    def path(self) -> DataPath:
        return ("hosts", self.host, "networks", self.network, f"ipv{self.address.version}")


def _addresses(lab: Lab, document: Document) -> Iterator[Problem]:
    known = document.keys_at(("networks",))
    taken: dict[tuple[str, Address], str] = {}
    for claim in _claims(lab):
        if _sound(claim.subnet):
            yield from _fits(claim, document)
        owner = taken.setdefault((claim.network, claim.address), claim.host)
        if owner != claim.host:
            what = f"{claim.address} is already the address of `{owner}` in `{claim.network}`"
            yield document.problem(claim.path, what, "give each host an address of its own")
    for host, definition in lab.hosts.items():
        for name in definition.networks:
            if name not in known:
                fix = did_you_mean(name, known, none="declare it in `networks`")
                path = ("hosts", host, "networks", name)
                yield document.problem(path, f"there is no network `{name}`", fix, at_key=True)


def _claims(lab: Lab) -> Iterator[_Claim]:
    for host, definition in lab.hosts.items():
        for name, place in definition.networks.items():
            if name in lab.networks:
                yield _Claim(host, name, place.ipv4, lab.networks[name].ipv4)
                yield _Claim(host, name, place.ipv6, lab.networks[name].ipv6)


def _fits(claim: _Claim, document: Document) -> Iterator[Problem]:
    subnet, address = claim.subnet, claim.address
    reserved = {
        subnet.network_address: "the name of the subnet itself",
        subnet.network_address + 1: "the gateway's: the engine takes the first one",
    }
    if subnet.version == 4:
        reserved[subnet.broadcast_address] = "the broadcast address"
    if address not in subnet:
        what = f"{address} is not in {subnet}, the subnet of `{claim.network}`"
        yield document.problem(claim.path, what, f"take {subnet.network_address + 2} or a later one")
    elif address in reserved:
        what = f"{address} of `{claim.network}` is {reserved[address]}"
        yield document.problem(claim.path, what, f"take {subnet.network_address + 2} or a later one")
