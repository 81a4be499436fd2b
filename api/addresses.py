"""Addresses of clients: whose word about them is taken, and which of them count as one."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

from rag.errors import CasebookError

PROXIES_VARIABLE = "CASEBOOK_TRUSTED_PROXIES"
"""Environment variable for the proxies, parted by spaces."""

_ONE_CLIENT = 64
"""Bits of an IPv6 address that a provider gives out; the rest the client makes up."""
_MAPPED = "::ffff:"
_MAPPED_BITS = 96
_SHOWN = 64


class ProxyError(CasebookError):
    """A configured proxy is no address."""


def trusted_proxies(written: Iterable[str]) -> tuple[str, ...]:
    """Read whose ``X-Forwarded-For`` and ``X-Forwarded-Proto`` are believed.

    Args:
        written: Addresses or networks. IPv4 is believed in IPv6's clothes, too, as a
            service that listens on ``::`` sees it.

    Raises:
        ProxyError: If one is neither, or is everybody: who can be believed must be named.

    >>> trusted_proxies(["10.1.2.3", "fd00::/8"])
    ('10.1.2.3/32', '::ffff:10.1.2.3/128', 'fd00::/8')
    """
    found: list[str] = []
    for one in written:
        network = _network(one)
        found.append(str(network))
        if isinstance(network, IPv4Network):
            bits = _MAPPED_BITS + network.prefixlen
            found.append(f"{_MAPPED}{network.network_address}/{bits}")
    return tuple(found)


def _network(written: str) -> IPv4Network | IPv6Network:
    try:
        network = ipaddress.ip_network(written)
    except ValueError:
        network = None
    if network is None or not network.prefixlen:
        message = (
            f"{written!r} 不能作为代理的地址；应为 IP 地址或网段，如 10.1.2.3 或 10.1.2.0/24，"
            "网段的主机位为 0，也不能是所有地址。"
            f"请改正 --trusted-proxy 或环境变量 {PROXIES_VARIABLE}"
        )
        raise ProxyError(message)
    return network


def client_of(host: str) -> str:
    """Name the client that an address belongs to; whoever has a /64 has 2^64 addresses of one client.

    Args:
        host: As the server or a proxy has it; something else is a client of its own.

    >>> client_of("2001:db8::1:2:3:4"), client_of("::ffff:10.1.2.3"), client_of("unknown")
    ('2001:db8::/64', '10.1.2.3', 'unknown')
    """
    address = _address(host)
    if address is None:
        return host[:_SHOWN]
    if isinstance(address, IPv4Address):
        return str(address)
    # Its zone, such as %eth0, is no part of a network.
    return str(IPv6Network((int(address), _ONE_CLIENT), strict=False))


def is_loopback(host: str) -> bool:
    """Whether an address is of this machine.

    >>> is_loopback("127.0.0.9"), is_loopback("::ffff:127.0.0.1"), is_loopback("localhost")
    (True, True, False)
    """
    address = _address(host)
    return address is not None and address.is_loopback


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    mapped = None if isinstance(address, IPv4Address) else address.ipv4_mapped
    return mapped or address
