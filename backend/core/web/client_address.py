"""The address of the client, which the client must not be able to forge."""

import ipaddress
from collections.abc import Sequence

from flask import Flask, current_app, request

from backend.setting_rules import Network, parse_networks
from backend.settings import Settings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_EXTENSION = "client_address"
# IPv6 hands out networks: a host gets a /64 of its own, and a customer or campus (a site) up to a /48 (RFC 6177).
_IPV6_HOST_BITS = 64
_IPV6_SITE_BITS = 48


class AddressRule:
    """Trusts the proxy's header only on requests that come from the proxy.

    Args:
        header: The header in which the proxy names its client. None: there is no proxy.
        proxies: The proxy's networks. From elsewhere, the header is the client's own and ignored.
    """

    def __init__(self, header: str | None, proxies: Sequence[Network]) -> None:
        self._header = header
        self._proxies = tuple(proxies)

    def find(self, peer: str | None, header: str | None) -> str:
        """Return the client's address, or the peer's if the header is missing, malformed or not the proxy's.

        Of several values the last one counts: a proxy that appends to the header appends there.
        """
        ours = _parse(peer)
        if header and ours is not None and any(ours in network for network in self._proxies):
            named = _parse(header.rsplit(",", 1)[-1].strip())
            if named is not None:
                return str(named)
        return str(ours) if ours is not None else "unknown"

    def of_request(self) -> str:
        """Return the address of the client that sent this request."""
        return self.find(request.remote_addr, request.headers.get(self._header) if self._header else None)


def configure_client_address(app: Flask, settings: Settings) -> None:
    """Set which header and which proxies are trusted."""
    app.extensions[_EXTENSION] = AddressRule(settings.trusted_proxy_header, parse_networks(settings.trusted_proxies))


def client_address() -> str:
    """Return the address of the client that sent this request."""
    rule: AddressRule = current_app.extensions[_EXTENSION]
    return rule.of_request()


def address_block(address: str) -> str:
    """Return what counts as one client: the address itself, or the /64 network of an IPv6 address."""
    return _ipv6_network(address, _IPV6_HOST_BITS) or address


def ipv6_site(address: str) -> str | None:
    """Return the /48 network of an IPv6 address, and None for IPv4."""
    return _ipv6_network(address, _IPV6_SITE_BITS)


def _ipv6_network(address: str, bits: int) -> str | None:
    parsed = _parse(address)
    if not isinstance(parsed, ipaddress.IPv6Address):
        return None
    return str(ipaddress.ip_network((int(parsed), bits), strict=False))


def _parse(text: str | None) -> Address | None:
    """Return the address, or None if it is malformed. An IPv4-mapped IPv6 address is returned as IPv4."""
    try:
        address = ipaddress.ip_address(text or "")
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
