"""Subnets and addresses as authors write them, read without leniency. Whether they fit is for `network_rules`."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Annotated, TypeVar

from pydantic import BeforeValidator, WithJsonSchema

from orchestrator.spec.refusal import Refused, shown

_A = TypeVar("_A", IPv4Address, IPv6Address)
_N = TypeVar("_N", IPv4Network, IPv6Network)


def _address(kind: type[_A], family: str, example: str) -> Callable[[object], _A]:
    def read(text: object) -> _A:
        if isinstance(text, kind):
            return text
        # ipaddress also takes whole numbers, and IPv6 addresses with a zone.
        if not isinstance(text, str) or "%" in text:
            raise Refused(f"{shown(text)} is no {family} address", f"write it like {example}")
        try:
            return kind(text)
        except ValueError as error:
            raise Refused(f"{shown(text)} is no {family} address", f"write it like {example}") from error

    return read


def _subnet(kind: type[_N], family: str, example: str) -> Callable[[object], _N]:
    def read(text: object) -> _N:
        if isinstance(text, kind):
            return text
        no_subnet = Refused(f"{shown(text)} is no {family} subnet", f"write ADDRESS/LENGTH, such as {example}")
        if not isinstance(text, str) or "%" in text or not text.rpartition("/")[2].isdecimal():
            raise no_subnet
        try:
            subnet = kind(text, strict=False)
        except ValueError as error:
            raise no_subnet from error
        if str(subnet.network_address) != str(_host_part(kind, text)):
            raise Refused(f"{shown(text)} is an address in the subnet {subnet}, not a subnet", f"write {subnet}")
        return subnet

    return read


def _host_part(kind: type[IPv4Network] | type[IPv6Network], text: str) -> IPv4Address | IPv6Address:
    address = text.rpartition("/")[0]
    return IPv4Address(address) if kind is IPv4Network else IPv6Address(address)


def _schema(example: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "examples": [example]})


Address4 = Annotated[IPv4Address, BeforeValidator(_address(IPv4Address, "IPv4", "10.11.0.3")), _schema("10.11.0.3")]
Address6 = Annotated[IPv6Address, BeforeValidator(_address(IPv6Address, "IPv6", "fd00:11::3")), _schema("fd00:11::3")]
Subnet4 = Annotated[IPv4Network, BeforeValidator(_subnet(IPv4Network, "IPv4", "10.11.0.0/28")), _schema("10.11.0.0/28")]
Subnet6 = Annotated[IPv6Network, BeforeValidator(_subnet(IPv6Network, "IPv6", "fd00:11::/64")), _schema("fd00:11::/64")]
