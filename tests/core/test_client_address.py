"""The client's address is the peer's or comes from the proxy's header, never from the client's own header."""

import ipaddress

import pytest
from apiflask import APIFlask

from backend.app import create_app
from backend.core.web.client_address import AddressRule, address_block, client_address, ipv6_site
from backend.settings import Settings

PROXY, CLIENT, OTHER = "10.1.2.3", "203.0.113.7", "198.51.100.9"
RULE = AddressRule("do-connecting-ip", [ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8")])


@pytest.mark.parametrize(
    ("peer", "header", "address"),
    [
        (PROXY, CLIENT, CLIENT),
        ("fd00::1", CLIENT, CLIENT),
        # The same proxy as seen by a dual-stack socket.
        (f"::ffff:{PROXY}", CLIENT, CLIENT),
        (PROXY, "2001:db8::1", "2001:db8::1"),
        (PROXY, f"::ffff:{CLIENT}", CLIENT),
        # A client that bypasses the proxy.
        (CLIENT, OTHER, CLIENT),
        # A client that also sends the header, and a proxy that appends to it.
        (PROXY, f"{OTHER}, {CLIENT}", CLIENT),
        (PROXY, f"{OTHER},nonsense", PROXY),
        (PROXY, None, PROXY),
        (PROXY, "", PROXY),
        (PROXY, "unknown", PROXY),
        (PROXY, f"{CLIENT}:4711", PROXY),
        (PROXY, "1" * 10_000, PROXY),
        (None, CLIENT, "unknown"),
        ("", None, "unknown"),
    ],
)
def test_only_the_proxys_header_is_trusted(peer: str | None, header: str | None, address: str) -> None:
    assert RULE.find(peer, header) == address


@pytest.mark.parametrize(
    ("address", "block", "site"),
    [
        (CLIENT, CLIENT, None),
        (f"::ffff:{CLIENT}", f"::ffff:{CLIENT}", None),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/64", "fe80::/48"),
        ("unknown", "unknown", None),
    ],
)
def test_an_ipv6_client_counts_by_network_and_site(address: str, block: str, site: str | None) -> None:
    assert (address_block(address), ipv6_site(address)) == (block, site)


@pytest.fixture
def find(settings: Settings):
    """Return the address of a request to an app with these settings."""

    def ask(headers: dict[str, str], peer: str = PROXY, **changes: object) -> str:
        app: APIFlask = create_app(settings.model_copy(update=changes))
        with app.test_request_context("/", headers=headers, environ_base={"REMOTE_ADDR": peer}):
            return client_address()

    return ask


def test_without_a_setting_no_header_is_trusted(find) -> None:
    named = {"X-Forwarded-For": CLIENT, "do-connecting-ip": CLIENT, "Forwarded": f"for={CLIENT}", "X-Real-IP": CLIENT}
    assert find(named) == PROXY


def test_the_configured_header_is_trusted_from_a_private_network(find) -> None:
    assert find({"DO-Connecting-IP": CLIENT}, trusted_proxy_header="do-connecting-ip") == CLIENT
    assert find({"DO-Connecting-IP": CLIENT}, peer=OTHER, trusted_proxy_header="do-connecting-ip") == OTHER
    assert find({"X-Forwarded-For": CLIENT}, trusted_proxy_header="do-connecting-ip") == PROXY
    changes = {"trusted_proxy_header": "X-Forwarded-For", "trusted_proxies": (f"{OTHER}/32",)}
    assert find({"X-Forwarded-For": f"1.2.3.4, {CLIENT}"}, peer=OTHER, **changes) == CLIENT
