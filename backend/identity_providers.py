"""Sign-in providers as the configuration names them: ``OIDC_PROVIDERS`` and the rules for addresses of providers."""

import json
import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, field_validator
from pydantic_settings import NoDecode

from backend.setting_rules import Form

# Names that identities in the database carry already: one more provider under such a name would be mixed up with them.
_TAKEN = frozenset({"google", "github", "development"})
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", re.ASCII)
_LONGEST_NAME = 40
_DOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9-]{1,63}(\.[a-z0-9-]{1,63})+", re.ASCII)
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def check_provider_address(value: str) -> str:
    """Return the address as it is. Raises ValueError where it is none, or not safe to send a secret to."""
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
        raise ValueError("must have neither a user, nor a query, nor a fragment")
    return value


class OidcProvider(BaseModel):
    """One further OpenID Connect provider; all else is read from its discovery document."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: str
    title: str = Field(min_length=1, max_length=60)
    issuer: str = Field(max_length=500)
    client_id: str = Field(min_length=1, max_length=500)
    client_secret: SecretStr = Field(min_length=1, max_length=1000)
    reauthenticates: bool = True
    # Whose addresses the provider may vouch for. Without any it vouches for none: it could name an administrator's.
    email_domains: tuple[str, ...] = ()

    @field_validator("name")
    @classmethod
    def _check_name(cls, value: str) -> str:
        """Take what fits a path and a column, and is not taken."""
        if len(value) > _LONGEST_NAME or not _NAME.fullmatch(value):
            raise ValueError(f"must be of a-z, 0-9 and single hyphens, at most {_LONGEST_NAME} characters")
        if value in _TAKEN:
            raise ValueError(f"{value} is taken: choose another name than {', '.join(sorted(_TAKEN))}")
        return value

    @field_validator("email_domains")
    @classmethod
    def _check_email_domains(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        """Take exact names; what is below one must be named as well."""
        domains = tuple(domain.lower() for domain in value)
        if not all(_DOMAIN.fullmatch(domain) for domain in domains):
            raise ValueError("must be names such as uni.example, without @ and *")
        return domains

    @field_validator("issuer")
    @classmethod
    def _check_issuer(cls, value: str) -> str:
        return check_provider_address(value)


def _read_providers(raw: object) -> object:
    """Return the list that a variable's text holds. Raises ValueError without quoting it, since secrets are in it."""
    if not isinstance(raw, str):
        return raw
    try:
        listed = json.loads(raw)
    except (ValueError, RecursionError):
        raise ValueError("must be JSON: a list of objects") from None
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
"""A JSON list in the environment."""

ProviderUrl = Annotated[
    str, Form("a URL such as https://host; http:// only on this machine"), AfterValidator(_check_provider_url)
]
