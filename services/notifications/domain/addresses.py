"""Which network addresses a webhook may be sent to.

A cooperative chooses the URL, and its DNS chooses the address; without a rule, our own machines could be made
to call themselves, their neighbours, or a cloud's metadata service (server-side request forgery).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_SIX_TO_FOUR = IPv6Network(
    "2002::/16"
)  # carries any IPv4 address inside; the standard library calls it global


@dataclass(frozen=True, slots=True)
class AddressRules:
    """Public addresses are allowed; others only inside `allowed` networks, which an installation may name."""

    allowed: tuple[Network, ...] = ()

    @classmethod
    def parse(cls, text: str) -> AddressRules:
        """From a setting: networks in CIDR form, separated by commas. ValueError if one is malformed."""
        return cls(tuple(ip_network(part.strip()) for part in text.split(",") if part.strip()))

    def excepts(self, address: Address) -> bool:
        """Whether the installation allowed this address by name, so that plain HTTP may be used too."""
        plain = _unwrapped(address)
        return any(plain.version == network.version and plain in network for network in self.allowed)

    def refuses(self, address: Address) -> bool:
        """Whether nothing may be sent to this address."""
        return not (self.excepts(address) or _is_public(_unwrapped(address)))

    def refuse_any(self, addresses: Iterable[Address]) -> bool:
        """Whether one of the addresses is refused.

        One bad address spoils a name: which of them a connection would use is the name's owner's choice.
        """
        return any(self.refuses(address) for address in addresses)

    def except_all(self, addresses: Sequence[Address]) -> bool:
        """Whether there are addresses and the installation allowed each of them by name."""
        return bool(addresses) and all(self.excepts(address) for address in addresses)


def parse_address(text: str) -> Address:
    """An address as a resolver returns it, without its zone. ValueError if it is none."""
    return ip_address(text.partition("%")[0])


def _unwrapped(address: Address) -> Address:
    """The IPv4 address behind `::ffff:a.b.c.d`, or the address itself."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv6Address) and address in _SIX_TO_FOUR:
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)
