"""Types of settings that say what a variable may hold."""

import ipaddress
import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator
from pydantic_settings import NoDecode

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_RATE = re.compile(r"[1-9][0-9]{0,6}/(second|minute|hour|day)", re.ASCII)
# A bucket's name as S3 defines it; a prefix of names without "." or ".." alone.
_BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/(?!\.{1,2}(/|$))[A-Za-z0-9._-]+){0,8}", re.ASCII)
# What a browser sends as Origin (RFC 6454, 6.2), of a host whose name needs no brackets.
_ORIGIN = re.compile(r"https?://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[1-9][0-9]{0,4})?", re.ASCII)
_HOST_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", re.ASCII)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
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


def _split(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _is_address(value: str, schemes: tuple[str, ...]) -> bool:
    """Tell whether the value is an address with one of the schemes; PostgreSQL's may do without a host."""
    try:
        url = urlsplit(value)
        # Reading the port checks it.
        return url.scheme in schemes and (url.port is None or url.port > 0) and bool(url.hostname or url.query)
    except ValueError:
        return False


def _address(*schemes: str) -> AfterValidator:
    def check(value: str) -> str:
        if not _is_address(value, schemes):
            raise ValueError(f"must be an address such as {schemes[-1]}://host")
        return value

    return AfterValidator(check)


def _check_origin(value: str) -> str:
    value = value.lower().removesuffix("/")
    if not _ORIGIN.fullmatch(value) or not _is_address(value, ("http", "https")):
        raise ValueError("must be an origin such as https://host, without a path")
    return value


def _check_origins(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_check_origin(value) for value in values)


def _check_hosts(values: tuple[str, ...]) -> tuple[str, ...]:
    names = tuple(value.lower() for value in values)
    if not all(_HOST_NAME.fullmatch(name) for name in names):
        raise ValueError("must list exact names of hosts, without scheme and port")
    return names


def _check_emails(values: tuple[str, ...]) -> tuple[str, ...]:
    if not all(_EMAIL.fullmatch(value) for value in values):
        raise ValueError("must list e-mail addresses")
    return tuple(value.lower() for value in values)


def _check_storage(value: str) -> str:
    value = value.rstrip("/")
    if value != "postgres" and not _BUCKET.fullmatch(value):
        raise ValueError("must be postgres or s3://bucket/prefix, of letters, digits and . _ - in the prefix")
    return value


def _check_rate(value: str) -> str:
    if not _RATE.fullmatch(value):
        raise ValueError("must be such as 600/minute: a number, then second, minute, hour or day")
    return value


def _check_header_name(value: str | None) -> str | None:
    if value is None or value.lower() == "none":
        return None
    if not _HEADER_NAME.fullmatch(value):
        raise ValueError("must be the name of a header, of letters, digits and hyphens")
    return value


def _check_networks(values: tuple[str, ...]) -> tuple[str, ...]:
    try:
        parse_networks(values)
    except ValueError:
        raise ValueError("must be networks such as 10.0.0.0/8, separated by commas") from None
    return values


def parse_networks(values: tuple[str, ...]) -> tuple[Network, ...]:
    """Return what the texts spell. Raises ValueError."""
    return tuple(ipaddress.ip_network(value) for value in values)


DatabaseUrl = Annotated[str, _address("postgres", "postgresql")]

BrokerUrl = Annotated[str, _address("rediss", "redis")]

HttpUrl = Annotated[str, _address("http", "https")]

Origin = Annotated[str, AfterValidator(_check_origin)]
"""A scheme and a host, as a browser names where a page is from; a slash at the end is taken away."""

Origins = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split), AfterValidator(_check_origins)]
"""Origins, separated by commas in the environment."""

HostNames = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split), AfterValidator(_check_hosts)]
"""Names of hosts, separated by commas in the environment; in lower case."""

Emails = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split), AfterValidator(_check_emails)]
"""E-mail addresses, separated by commas in the environment; in lower case."""

StoragePlace = Annotated[str, AfterValidator(_check_storage)]
"""``postgres`` or a bucket's address; a slash at the end is taken away."""

Rate = Annotated[str, AfterValidator(_check_rate)]
"""So many in a second, minute, hour or day."""

ProxyHeader = Annotated[str | None, AfterValidator(_check_header_name)]
"""The name of a header; ``none``: there is no such proxy."""

Networks = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split), AfterValidator(_check_networks)]
"""Networks of IP addresses, separated by commas in the environment."""
