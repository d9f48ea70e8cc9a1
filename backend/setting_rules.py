"""Types of settings: what a variable may hold, as a check and in words."""

import ipaddress
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Literal, get_args, get_origin
from urllib.parse import quote, urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import NoDecode

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_RATE = re.compile(r"[1-9][0-9]{0,6}/(second|minute|hour|day)", re.ASCII)
# A bucket name as S3 defines it; no part of the prefix may be "." or "..".
_BUCKET = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9](/(?!\.{1,2}(/|$))[A-Za-z0-9._-]+){0,8}", re.ASCII)
# What browsers send as Origin (RFC 6454, 6.2), without IPv6 addresses.
_ORIGIN = re.compile(r"https?://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[1-9][0-9]{0,4})?", re.ASCII)
_HOST_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", re.ASCII)
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_STRIPE_KEY = re.compile(r"(?:sk|rk)_(?:test|live)_[A-Za-z0-9_]{8,250}", re.ASCII)
_STRIPE_PUBLISHABLE_KEY = re.compile(r"pk_(?:test|live)_[A-Za-z0-9_]{8,250}", re.ASCII)
_STRIPE_WEBHOOK_SECRET = re.compile(r"whsec_[A-Za-z0-9+/=_-]{8,250}", re.ASCII)
_HEADER_NAME = re.compile(r"[A-Za-z0-9-]{1,64}", re.ASCII)

# Networks that hold proxies but no clients from the internet: private (RFC 1918, 4193), carrier-grade NAT (RFC 6598)
# and loopback.
PRIVATE_NETWORKS = (
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "fc00::/7",
    "::1/128",
)


# Headings of docs/configuration.md, each with the first setting below it, in the order of what one sets first.
SETTING_GROUPS = {
    "environment": "Required in production",
    "openai_api_key": "Language model",
    "google_client_id": "Sign-in",
    "stripe_api_key": "Payments",
    "document_storage": "Files",
    "max_upload_bytes": "Limits",
    "read_timeout_s": "Reading documents",
    "port": "Network and database",
    "log_level": "Logs, metrics and error reports",
    "gunicorn_workers": "API processes",
    "celery_concurrency": "Worker and watchdog",
}

ReasoningEffort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max", "default"]


@dataclass(frozen=True)
class Form:
    """What a value must be, in words that follow "must be". Used by error messages and docs/configuration.md."""

    words: str

    def refuse(self) -> ValueError:
        return ValueError(f"must be {self.words}")


_RATE_FORM = Form("a number from 1 to 9999999 and a period: second, minute, hour or day, such as 600/minute")
_ORIGIN_FORM = Form("an origin: http:// or https://, a host, and no path, such as https://example.org")
_ORIGINS_FORM = Form("origins without a path, such as https://example.org, separated by commas")
_HOSTS_FORM = Form("exact host names without scheme or port, such as api.example.org, separated by commas")
_EMAILS_FORM = Form("e-mail addresses, separated by commas")
_STORAGE_FORM = Form(
    "postgres or s3://bucket/prefix, with at most 8 folders of letters, digits and the characters . _ - in the prefix"
)
_HEADER_FORM = Form("a header name of at most 64 letters, digits and hyphens, or none")
_STRIPE_KEY_FORM = Form("a secret or restricted key of Stripe: sk_test_…, sk_live_…, rk_test_… or rk_live_…")
_STRIPE_PUBLISHABLE_FORM = Form("a publishable key of Stripe: pk_test_… or pk_live_…")
_STRIPE_WEBHOOK_FORM = Form("webhook secrets of Stripe, whsec_…, separated by commas")
_NETWORKS_FORM = Form("networks such as 10.0.0.0/8 or addresses such as 192.0.2.1, separated by commas")


def _split(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(part.strip() for part in value.split(",") if part.strip())


def _is_url(value: str, schemes: tuple[str, ...]) -> bool:
    """PostgreSQL takes a URL without a host if it has a query."""
    try:
        url = urlsplit(value)
        # Accessing the port validates it.
        return url.scheme in schemes and (url.port is None or url.port > 0) and bool(url.hostname or url.query)
    except ValueError:
        return False


def _check_url(form: Form, *schemes: str) -> AfterValidator:
    def check(value: str) -> str:
        if not _is_url(value, schemes):
            raise form.refuse()
        return value

    return AfterValidator(check)


def _is_origin(value: str) -> bool:
    return bool(_ORIGIN.fullmatch(value)) and _is_url(value, ("http", "https"))


def _check_origin(value: str) -> str:
    value = value.lower().removesuffix("/")
    if not _is_origin(value):
        raise _ORIGIN_FORM.refuse()
    return value


def _check_origins(values: tuple[str, ...]) -> tuple[str, ...]:
    origins = tuple(value.lower().removesuffix("/") for value in values)
    if not all(map(_is_origin, origins)):
        raise _ORIGINS_FORM.refuse()
    return origins


def _check_hosts(values: tuple[str, ...]) -> tuple[str, ...]:
    names = tuple(value.lower() for value in values)
    if not all(_HOST_NAME.fullmatch(name) for name in names):
        raise _HOSTS_FORM.refuse()
    return names


def _check_emails(values: tuple[str, ...]) -> tuple[str, ...]:
    if not all(_EMAIL.fullmatch(value) for value in values):
        raise _EMAILS_FORM.refuse()
    return tuple(value.lower() for value in values)


def _check_storage(value: str) -> str:
    value = value.rstrip("/")
    if value != "postgres" and not _BUCKET.fullmatch(value):
        raise _STORAGE_FORM.refuse()
    return value


def _check_rate(value: str) -> str:
    if not _RATE.fullmatch(value):
        raise _RATE_FORM.refuse()
    return value


def _check_header_name(value: str | None) -> str | None:
    if value is None or value.lower() == "none":
        return None
    if not _HEADER_NAME.fullmatch(value):
        raise _HEADER_FORM.refuse()
    return value


def _check_secret(form: Form, pattern: re.Pattern[str]) -> AfterValidator:
    def check(value: SecretStr | None) -> SecretStr | None:
        if value is not None and not pattern.fullmatch(value.get_secret_value()):
            raise form.refuse()
        return value

    return AfterValidator(check)


def _check_webhook_secrets(values: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
    if not all(_STRIPE_WEBHOOK_SECRET.fullmatch(value.get_secret_value()) for value in values):
        raise _STRIPE_WEBHOOK_FORM.refuse()
    return values


def is_live_key(key: SecretStr) -> bool:
    """Tell whether a key of Stripe moves real money."""
    return "_live_" in key.get_secret_value()


def complete_broker_url(redis_url: str, password: str | None) -> str:
    """Return ``redis_url`` with ``password`` if it has none of its own; ``rediss`` checks certificates."""
    url = urlsplit(redis_url)
    if password is not None and not url.password:
        host = url.netloc.rpartition("@")[2]
        url = url._replace(netloc=f"{url.username or ''}:{quote(password, safe='')}@{host}")
    if url.scheme == "rediss" and "ssl_cert_reqs" not in url.query:
        # Celery requires this parameter and has no safe default.
        url = url._replace(query="&".join(filter(None, [url.query, "ssl_cert_reqs=required"])))
    return url.geturl()


def _check_networks(values: tuple[str, ...]) -> tuple[str, ...]:
    try:
        parse_networks(values)
    except ValueError:
        raise _NETWORKS_FORM.refuse() from None
    return values


def parse_networks(values: tuple[str, ...]) -> tuple[Network, ...]:
    """Raises ValueError."""
    return tuple(ipaddress.ip_network(value) for value in values)


_DATABASE_FORM = Form("a database URL such as postgresql://user:password@host:5432/name")
_BROKER_FORM = Form("a broker URL such as redis://host:6379/0 or rediss://user:password@host:6379/0")
_HTTP_FORM = Form("a URL such as https://example.org")

DatabaseUrl = Annotated[str, _DATABASE_FORM, _check_url(_DATABASE_FORM, "postgres", "postgresql")]

BrokerUrl = Annotated[str, _BROKER_FORM, _check_url(_BROKER_FORM, "rediss", "redis")]

HttpUrl = Annotated[str, _HTTP_FORM, _check_url(_HTTP_FORM, "http", "https")]

Origin = Annotated[str, _ORIGIN_FORM, AfterValidator(_check_origin)]
"""Lower case, without a trailing slash."""

Origins = Annotated[tuple[str, ...], _ORIGINS_FORM, NoDecode, BeforeValidator(_split), AfterValidator(_check_origins)]
"""Lower case, without trailing slashes."""

HostNames = Annotated[tuple[str, ...], _HOSTS_FORM, NoDecode, BeforeValidator(_split), AfterValidator(_check_hosts)]
"""Lower case."""

Emails = Annotated[tuple[str, ...], _EMAILS_FORM, NoDecode, BeforeValidator(_split), AfterValidator(_check_emails)]
"""Lower case."""

StoragePlace = Annotated[str, _STORAGE_FORM, AfterValidator(_check_storage)]
"""Without a trailing slash."""

Rate = Annotated[str, _RATE_FORM, AfterValidator(_check_rate)]

ProxyHeader = Annotated[str | None, _HEADER_FORM, AfterValidator(_check_header_name)]
"""None if the variable is ``none``."""

StripeKey = Annotated[SecretStr | None, _STRIPE_KEY_FORM, _check_secret(_STRIPE_KEY_FORM, _STRIPE_KEY)]

StripePublishableKey = Annotated[
    SecretStr | None, _STRIPE_PUBLISHABLE_FORM, _check_secret(_STRIPE_PUBLISHABLE_FORM, _STRIPE_PUBLISHABLE_KEY)
]

StripeWebhookSecrets = Annotated[
    tuple[SecretStr, ...],
    _STRIPE_WEBHOOK_FORM,
    NoDecode,
    BeforeValidator(_split),
    AfterValidator(_check_webhook_secrets),
]

Networks = Annotated[
    tuple[str, ...], _NETWORKS_FORM, NoDecode, BeforeValidator(_split), AfterValidator(_check_networks)
]


def describe_values(field: FieldInfo) -> str | None:
    """Return which values a setting allows, in words that follow "must be"; None if any text is allowed."""
    types = [*_types_of(field.annotation)]
    marks = [*field.metadata, *(mark for kind in types for mark in getattr(kind, "__metadata__", ()))]
    for mark in marks:
        if isinstance(mark, Form):
            return mark.words
    for kind in types:
        if get_origin(kind) is Literal:
            return _either(get_args(kind))
        if kind is bool:
            return "true or false"
        if kind in (int, float, Decimal):
            return ("a whole number" if kind is int else "a number") + _describe_bounds(marks)
    return None


def _types_of(annotation: Any) -> Iterator[Any]:
    """Yield the alternatives of an optional type, or the type itself."""
    if get_origin(annotation) in (Annotated, Literal, tuple) or not get_args(annotation):
        yield annotation
        return
    yield from (part for part in get_args(annotation) if part is not type(None))


def _either(values: Iterable[str]) -> str:
    *first, last = values
    return f"{', '.join(first)} or {last}"


def _describe_bounds(marks: list[Any]) -> str:
    bounds = {name: getattr(mark, name) for mark in marks for name in ("ge", "gt", "le") if hasattr(mark, name)}
    upper = bounds.get("le")
    if "ge" in bounds:
        return f" of at least {bounds['ge']}" if upper is None else f" from {bounds['ge']} to {upper}"
    return f" above {bounds['gt']}" + ("" if upper is None else f", at most {upper}")
