"""Types of settings that say what a variable may hold."""

import ipaddress
import re
from typing import Annotated

from pydantic import AfterValidator
from pydantic_settings import NoDecode

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_RATE = re.compile(r"[1-9][0-9]{0,6}/(second|minute|hour|day)", re.ASCII)
_HOST_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", re.ASCII)
_EMAIL_ADDRESS = re.compile(r"[^@\s]+@[^@\s]+")
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)

# Where proxies of a platform are, and no client from the internet: private networks (RFC 1918, 4193), those of a
# carrier (RFC 6598) and the machine itself.
PRIVATE_NETWORKS = (
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "fc00::/7",
    "::1/128",
)


def _check_rate(value: str) -> str:
    if not _RATE.fullmatch(value):
        raise ValueError("must be such as 600/minute: a number, then second, minute, hour or day")
    return value


def _check_header_name(value: str) -> str:
    if not _HEADER_NAME.fullmatch(value):
        raise ValueError("must be the name of a header, of letters, digits and hyphens")
    return value


def _check_networks(values: tuple[str, ...]) -> tuple[str, ...]:
    try:
        parse_networks(values)
    except ValueError:
        raise ValueError("must be networks such as 10.0.0.0/8, separated by commas") from None
    return values


def _check_email_addresses(values: tuple[str, ...]) -> tuple[str, ...]:
    if not all(_EMAIL_ADDRESS.fullmatch(value) for value in values):
        raise ValueError("must list e-mail addresses")
    return tuple(value.lower() for value in values)


def _check_host_names(values: tuple[str, ...]) -> tuple[str, ...]:
    names = tuple(value.lower() for value in values)
    if not all(_HOST_NAME.fullmatch(name) for name in names):
        raise ValueError("must list exact names of hosts, without scheme and port")
    return names


def parse_networks(values: tuple[str, ...]) -> tuple[Network, ...]:
    """Return what the texts spell. Raises ValueError."""
    return tuple(ipaddress.ip_network(value) for value in values)


Rate = Annotated[str, AfterValidator(_check_rate)]
"""So many in a second, minute, hour or day."""

HeaderName = Annotated[str, AfterValidator(_check_header_name)]

EmailAddresses = Annotated[tuple[str, ...], NoDecode, AfterValidator(_check_email_addresses)]

HostNames = Annotated[tuple[str, ...], NoDecode, AfterValidator(_check_host_names)]

Networks = Annotated[tuple[str, ...], NoDecode, AfterValidator(_check_networks)]
"""Networks of IP addresses, separated by commas in the environment."""
