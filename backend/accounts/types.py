"""What accounts tell other rooms: who calls, what she may do, what she did."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any, Self
from uuid import UUID


class Role(StrEnum):
    """What a user is in this system."""

    STUDENT = "student"
    ADMIN = "admin"


class Scope(StrEnum):
    """What an API key may do: ``read`` is GET and HEAD, ``write`` everything else."""

    READ = "read"
    WRITE = "write"


class ActivityKind(StrEnum):
    """What the activity history tells of. A room that adds to it names its kinds here."""

    SIGNED_IN = "signed_in"
    SIGNED_OUT = "signed_out"
    SESSION_ENDED = "session_ended"
    IDENTITY_LINKED = "identity_linked"
    IDENTITY_UNLINKED = "identity_unlinked"
    API_KEY_CREATED = "api_key_created"
    API_KEY_REVOKED = "api_key_revoked"
    DOCUMENT_UPLOADED = "document_uploaded"
    RUN_STARTED = "run_started"
    RUN_ENDED = "run_ended"
    EXPORT_REQUESTED = "export_requested"


MAX_ITEMS_PER_RUN = 500
"""The most flashcards, and the most questions, that one run may be asked for."""


@dataclass(frozen=True, slots=True)
class ExamDefaults:
    """What a user wants of each run that does not say otherwise; None where she left it open.

    ``language`` is that of the material; ``difficulty`` is ``easy``, ``medium`` or ``hard``.
    """

    flashcards: int | None = None
    questions: int | None = None
    language: str | None = None
    difficulty: str | None = None

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """Return what was stored, without what only a newer release knows."""
        return cls(**{each.name: stored[each.name] for each in fields(cls) if each.name in stored})


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends a request: a user with one of her sessions, or with one of her API keys.

    ``language`` is the one she chose in her profile, if any. ``authenticated_at`` is when her provider was made to ask
    her for this session; None where it was not, and with an API key.
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
    """Who a provider says has signed in, after everything about its answer was checked.

    ``subject`` is the provider's id of the person, never reused; ``email_verified`` is the provider's word.
    """

    provider: str
    subject: str
    email: str | None
    email_verified: bool
    name: str | None = None
    picture_url: str | None = None
    language: str | None = None


@dataclass(frozen=True, slots=True)
class PendingSignIn:
    """What must be known again at a provider's callback. ``began_at`` is in seconds since 1970.

    ``link`` is the id of the session whose user links a further identity.
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
    """A sign-in that the provider has confirmed. ``next_path`` is where in the browser app it was to lead.

    ``is_fresh`` says that the provider was made to ask her: for her password, or at least, where it can do no more
    (GitHub, Google), which account to use. ``link_session_id`` is the session to whose user the identity is to be
    linked; None for a sign-in proper.
    """

    identity: VerifiedIdentity
    next_path: str | None
    is_fresh: bool
    link_session_id: UUID | None


@dataclass(frozen=True, slots=True)
class UserFacts:
    """A user as those see her who help her. One who has left has no address and no name any more.

    ``role`` is what an operator granted, ``is_admin`` whether she administers, by that or by ``ADMIN_EMAILS``.
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
    """One way for a user to sign in, without the provider's own id of her."""

    provider: str
    email: str | None
    email_verified: bool
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True, slots=True)
class UserAccess:
    """How a user comes in. ``api_keys`` counts those that are neither revoked nor expired."""

    identities: tuple[IdentityFacts, ...]
    open_sessions: int
    last_seen_at: datetime | None
    api_keys: int
