"""Types that accounts share with other rooms."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any, Self
from uuid import UUID


class Role(StrEnum):
    STUDENT = "student"
    ADMIN = "admin"


class Scope(StrEnum):
    """Scope of an API key: ``read`` is GET and HEAD, ``write`` everything else."""

    READ = "read"
    WRITE = "write"


class ActivityKind(StrEnum):
    """Kinds of entries in the activity log. A room that records activities lists its kinds here."""

    SIGNED_IN = "signed_in"
    SIGNED_OUT = "signed_out"
    SESSION_ENDED = "session_ended"
    IDENTITY_LINKED = "identity_linked"
    IDENTITY_UNLINKED = "identity_unlinked"
    API_KEY_CREATED = "api_key_created"
    API_KEY_REVOKED = "api_key_revoked"
    DOCUMENT_UPLOADED = "document_uploaded"
    DOCUMENT_REREAD = "document_reread"
    RUN_STARTED = "run_started"
    RUN_ENDED = "run_ended"
    EXPORT_REQUESTED = "export_requested"


MAX_ITEMS_PER_RUN = 500
"""Limit of flashcards per run, and of questions."""


@dataclass(frozen=True, slots=True)
class ExamDefaults:
    """A user's defaults for fields that a run leaves out. None means no default.

    ``language`` is the language of the items; ``difficulty`` is ``easy``, ``medium`` or ``hard``.
    """

    flashcards: int | None = None
    questions: int | None = None
    language: str | None = None
    difficulty: str | None = None

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """Build from the stored JSON, ignoring fields written by a newer release."""
        return cls(**{each.name: stored[each.name] for each in fields(cls) if each.name in stored})


@dataclass(frozen=True, slots=True)
class Caller:
    """The authenticated user of a request, with either a session or an API key.

    ``language`` is the one set in the profile, if any. ``authenticated_at`` is when the provider prompted the user for
    this session; None if it did not have to, and for API keys.
    """

    user_id: UUID
    session_id: UUID | None
    api_key_id: UUID | None
    scopes: frozenset[Scope]
    is_admin: bool
    language: str | None
    authenticated_at: datetime | None


@dataclass(frozen=True, slots=True)
class VerifiedIdentity:
    """The identity that a provider asserts, after its response has been validated.

    ``subject`` is the provider's id of the person, never reused. ``email_verified`` is the provider's claim.
    """

    provider: str
    subject: str
    email: str | None
    email_verified: bool
    name: str | None = None
    picture_url: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class AccountProofs:
    """What providers have verified about a user: addresses in lower case, and identities as (provider, subject)."""

    verified_emails: tuple[str, ...]
    identities: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Contact:
    """How to address a user. ``email`` is a verified address."""

    email: str | None
    name: str | None
    language: str | None


@dataclass(frozen=True, slots=True)
class PendingSignIn:
    """State kept between the redirect to a provider and its callback. ``began_at`` is a Unix timestamp in seconds.

    ``link`` is the id of the session whose user is linking another identity.
    """

    provider: str
    verifier: str
    nonce: str
    fresh: bool
    next_path: str | None
    link: str | None
    began_at: int


@dataclass(frozen=True, slots=True)
class SignIn:
    """A sign-in that the provider has confirmed. ``next_path`` is the page of the browser app to continue at.

    ``is_fresh`` means that the provider was told to prompt the user: for the password or, where it supports no more
    (GitHub, Google), for the account to use. ``link_session_id`` is the session whose user gets the identity linked;
    None for an ordinary sign-in.
    """

    identity: VerifiedIdentity
    next_path: str | None
    is_fresh: bool
    link_session_id: UUID | None


@dataclass(frozen=True, slots=True)
class UserFacts:
    """A user as administrators see them. A deleted user has no address or name.

    ``role`` is what an operator granted; ``is_admin`` also considers ``ADMIN_EMAILS``.
    """

    id: UUID
    email: str | None
    email_verified: bool
    name: str | None
    language: str | None
    time_zone: str
    role: Role
    is_admin: bool
    created_at: datetime
    disabled_at: datetime | None
    erasing_at: datetime | None


@dataclass(frozen=True, slots=True)
class IdentityFacts:
    """A user's identity at a provider, without the provider's id of the user."""

    provider: str
    email: str | None
    email_verified: bool
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class UserAccess:
    """How a user signs in. ``api_keys`` counts those that are neither revoked nor expired."""

    identities: tuple[IdentityFacts, ...]
    open_sessions: int
    last_seen_at: datetime | None
    api_keys: int
