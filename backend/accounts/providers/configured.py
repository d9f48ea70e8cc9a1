"""The configured identity providers, and the mapping of their claims to identities."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import SecretStr

from backend.accounts.types import VerifiedIdentity
from backend.settings import Settings
from backend.text.languages import LANGUAGES

GOOGLE_ISSUER = "https://accounts.google.com"

# OpenID Connect Core 1.0, section 2: at most 255 ASCII characters.
_SUBJECT = re.compile(r"[\x20-\x7e]{1,255}")
_EMAIL = re.compile(r"[^@\s\x00-\x1f\x7f]{1,64}@[^@\s\x00-\x1f\x7f]{1,255}")
_PICTURE = re.compile(r"https://[\x21-\x7e]{1,1990}")
_MAX_NAME_CHARS = 200


@dataclass(frozen=True, slots=True)
class Provider:
    """A configured provider. For ``kind`` ``github``, ``issuer`` is GitHub's web address.

    ``reauthenticates``: the provider supports ``prompt=login`` and reports ``auth_time``.
    ``email_domains``: the domains whose addresses it may verify; None means all.
    """

    name: str
    title: str
    kind: Literal["openid", "github"]
    issuer: str
    client_id: str
    client_secret: SecretStr
    reauthenticates: bool
    api_url: str = ""
    email_domains: frozenset[str] | None = None


def configured_providers(settings: Settings) -> dict[str, Provider]:
    """Return the providers that have both a client id and a secret, by name, in display order."""
    found: list[Provider] = []
    if settings.google_client_id and settings.google_client_secret:
        google_id = settings.google_client_id.get_secret_value()
        # Google supports neither prompt=login nor auth_time.
        found.append(
            Provider("google", "Google", "openid", GOOGLE_ISSUER, google_id, settings.google_client_secret, False)
        )
    if settings.github_client_id and settings.github_client_secret:
        github_id, secret = settings.github_client_id.get_secret_value(), settings.github_client_secret
        address, api = settings.github_url, settings.github_api_url
        found.append(Provider("github", "GitHub", "github", address, github_id, secret, False, api))
    for given in settings.oidc_providers:
        one = (given.issuer, given.client_id, given.client_secret, given.reauthenticates)
        domains = frozenset(given.email_domains)
        found.append(Provider(given.name, given.title, "openid", *one, email_domains=domains))
    return {provider.name: provider for provider in found}


def read_subject(value: object) -> str | None:
    """Return the value if it is a valid subject, otherwise None."""
    return value if isinstance(value, str) and _SUBJECT.fullmatch(value) else None


def describe(provider: Provider, subject: str, claims: Mapping[str, Any]) -> VerifiedIdentity:
    """Build an identity from standard claims, ignoring invalid ones.

    An address outside the provider's domains counts as unverified, whatever the provider claims.
    """
    email, verified = _matching(_EMAIL, claims.get("email")), claims.get("email_verified")
    return VerifiedIdentity(
        provider=provider.name,
        subject=subject,
        email=email,
        # Some providers send a string instead of a boolean.
        email_verified=email is not None and (verified is True or verified == "true") and _may_verify(provider, email),
        name=_name(claims.get("name")),
        picture_url=_matching(_PICTURE, claims.get("picture")),
        language=_language(claims.get("locale")),
    )


def _may_verify(provider: Provider, email: str) -> bool:
    # A non-ASCII address may look like another one, and become equal to it once lowercased (the Kelvin sign becomes
    # "k").
    if not email.isascii():
        return False
    return provider.email_domains is None or email.rpartition("@")[2].lower() in provider.email_domains


def _matching(pattern: re.Pattern[str], value: object) -> str | None:
    return value if isinstance(value, str) and pattern.fullmatch(value) else None


def _name(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    printable = "".join(character if character.isprintable() else " " for character in value)
    return " ".join(printable.split())[:_MAX_NAME_CHARS].strip() or None


def _language(value: object) -> str | None:
    language = re.split("[-_]", value, maxsplit=1)[0].lower() if isinstance(value, str) else ""
    return language if language in LANGUAGES else None
