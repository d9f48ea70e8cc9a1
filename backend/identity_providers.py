"""Configuration of sign-in providers: ``OIDC_PROVIDERS``, and validation of provider URLs."""

import json
import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from backend.setting_rules import Form

# Reserved: identities in the database use these names, and another provider would be confused with them.
_RESERVED_NAMES = frozenset({"google", "github", "development"})
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", re.ASCII)
_MAX_NAME_CHARS = 40
_DOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+", re.ASCII)
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def check_provider_address(value: str) -> str:
    """Return the URL unchanged. Raises ValueError if it is invalid, or not safe to send secrets to."""
    try:
        url = urlsplit(value)
        port_is_fine = url.port is None or url.port > 0
    except ValueError:
        raise ValueError("must be an address such as https://host") from None
    if not url.hostname or not port_is_fine or url.scheme not in ("http", "https"):
        raise ValueError("must be an address such as https://host")
    if url.scheme == "http" and url.hostname not in _LOOPBACK:
        raise ValueError("must begin with https:// unless the host is this machine")
    if url.username is not None or url.query or url.fragment:
        raise ValueError("must not contain a user name, query or fragment")
    return value


class OidcProvider(BaseModel):
    """An additional OpenID Connect provider. Everything else comes from its discovery document."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str
    title: str = Field(min_length=1, max_length=60)
    issuer: str = Field(max_length=500)
    client_id: str = Field(min_length=1, max_length=500)
    client_secret: SecretStr = Field(min_length=1, max_length=1000)
    reauthenticates: bool = True
    # Domains whose addresses the provider may verify. Empty means none: otherwise it could claim an administrator's
    # address.
    email_domains: tuple[str, ...] = ()

    @field_validator("name")
    @classmethod
    def _check_name(cls, value: str) -> str:
        # The name is part of URL paths and a column of identities.
        if len(value) > _MAX_NAME_CHARS or not _NAME.fullmatch(value):
            raise ValueError(f"must consist of a-z, 0-9 and single hyphens, at most {_MAX_NAME_CHARS} characters")
        if value in _RESERVED_NAMES:
            raise ValueError(f"{value} is reserved: choose another name than {', '.join(sorted(_RESERVED_NAMES))}")
        return value

    @field_validator("email_domains")
    @classmethod
    def _check_email_domains(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """Accept exact domain names only. Subdomains must be listed separately."""
        domains = tuple(domain.lower() for domain in value)
        if not all(_DOMAIN.fullmatch(domain) for domain in domains):
            raise ValueError("must be domain names such as uni.example, without @ or *")
        return domains

    @field_validator("issuer")
    @classmethod
    def _check_issuer(cls, value: str) -> str:
        return check_provider_address(value)


def _read_providers(raw: object) -> object:
    """Parse the JSON list of the environment variable. Errors never quote it, because it contains secrets."""
    if not isinstance(raw, str):
        return raw
    try:
        listed = json.loads(raw)
    except (ValueError, RecursionError):
        raise ValueError("must be a JSON list of objects") from None
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise ValueError("must be a list of objects, each with name, title, issuer, client_id and client_secret")
    return listed


def _refuse_same_names(providers: tuple[OidcProvider, ...]) -> tuple[OidcProvider, ...]:
    names = [provider.name for provider in providers]
    if len(set(names)) < len(names):
        raise ValueError("two providers have the same name")
    return providers


def _check_provider_url(value: str) -> str:
    return check_provider_address(value).rstrip("/")


OidcProviders = Annotated[
    tuple[OidcProvider, ...],
    Form("a JSON list of objects, each with name, title, issuer, client_id and client_secret"),
    NoDecode,
    BeforeValidator(_read_providers),
    AfterValidator(_refuse_same_names),
]
"""Parsed from a JSON list in the environment."""

ProviderUrl = Annotated[
    str, Form("a URL such as https://host; http:// only on this machine"), AfterValidator(_check_provider_url)
]
