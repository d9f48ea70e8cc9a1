"""Whose address a request comes from, which a client must not be able to choose."""

import ipaddress
from collections.abc import Sequence

from flask import Flask, current_app, request

from backend.setting_rules import Network, parse_networks
from backend.settings import Settings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_EXTENSION = "client_address"
# Whoever has an address of IPv6 has as a rule this many: a whole network of his own.
_IPV6_BLOCK = 64


class AddressRule:
    """Believes the header of a proxy only if the proxy has sent it.

    Args:
        header: The header in which the proxy in front names its client; None: there is no proxy.
        proxies: The networks in which that proxy is. A header that comes from elsewhere is a client's own.
    """

    def __init__(self, header: str | None, proxies: Sequence[Network]) -> None:
        self._header = header
        self._proxies = tuple(proxies)

    def find(self, peer: str | None, header: str | None) -> str:
        """Return the client's address; that of the peer where the header is missing, malformed or not the proxy's.

        Of several values the last one counts: a proxy that adds to a header, instead of replacing it, adds there.
        """
        ours = _parse(peer)
        if header and ours is not None and any(ours in network for network in self._proxies):
            named = _parse(header.rsplit(",", 1)[-1].strip())
            if named is not None:
                return str(named)
        return str(ours) if ours is not None else "unknown"

    def of_request(self) -> str:
        """Return the address of the client who sent this request."""
        return self.find(request.remote_addr, request.headers.get(self._header) if self._header else None)


def configure_client_address(app: Flask, settings: Settings) -> None:
    """Set whose word is taken for the address of a client."""
    app.extensions[_EXTENSION] = AddressRule(settings.trusted_proxy_header, parse_networks(settings.trusted_proxies))


def client_address() -> str:
    """Return the address of the client who sent this request."""
    rule: AddressRule = current_app.extensions[_EXTENSION]
    return rule.of_request()


def address_block(address: str) -> str:
    """Return what is counted as one client: the address itself or, of IPv6, the network that one customer has."""
    parsed = _parse(address)
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((int(parsed), _IPV6_BLOCK), strict=False))
    return address


def _parse(text: str | None) -> Address | None:
    """Return the address, of IPv4 also where it is written as one of IPv6; None when it is none."""
    try:
        address = ipaddress.ip_address(text or "")
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address
