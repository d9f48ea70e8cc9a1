"""Tables of users, identities, sessions, one-time codes, API keys and activities."""

from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column

from backend.accounts.types import Role
from backend.core.database.database import Base, Identified
from backend.core.database.privacy_marks import withheld

_SECRET = withheld("authenticates the user")


class User(Identified, Base):
    """A person who signs in. The e-mail address is contact data, not the identity.

    ``role`` is what an operator granted; ``ADMIN_EMAILS`` may grant more (see ``callers``). The row of a deleted user
    keeps only its id and timestamps, as the pseudonym for financial records. Once ``erasing_at`` is set, triggers
    reject new rows for the user; at ``erased_at`` all other data had been erased.
    """

    __tablename__ = "users"
    __table_args__ = (
        sa.CheckConstraint("role IN ('student', 'admin')", name="role_known"),
        sa.CheckConstraint("language IN ('en', 'de', 'fr', 'it')", name="language_known"),
        sa.CheckConstraint("email_verified IS FALSE OR email IS NOT NULL", name="verified_has_email"),
        sa.CheckConstraint(
            "erasing_at IS NULL OR (email IS NULL AND name IS NULL AND picture_url IS NULL)", name="leaves_no_name"
        ),
        # Concurrent sign-ins with the same verified address must resolve to the same user.
        sa.Index(
            "uq_users_verified_email", sa.text("lower(email)"), unique=True, postgresql_where=sa.text("email_verified")
        ),
    )

    email: Mapped[str | None]
    email_verified: Mapped[bool] = mapped_column(default=False, server_default=sa.false())
    name: Mapped[str | None]
    picture_url: Mapped[str | None]
    language: Mapped[str | None]
    time_zone: Mapped[str] = mapped_column(default="Europe/Zurich", server_default="Europe/Zurich")
    exam_defaults: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict, server_default=sa.text("'{}'"))
    role: Mapped[str] = mapped_column(default=Role.STUDENT, server_default=Role.STUDENT)
    disabled_at: Mapped[datetime | None]
    erasing_at: Mapped[datetime | None]
    erased_at: Mapped[datetime | None]
    updated_at: Mapped[datetime] = mapped_column(server_default=sa.func.now(), onupdate=sa.func.now())


class Identity(Identified, Base):
    """A user's account at a provider, identified by the pair (provider, subject)."""

    __tablename__ = "identities"
    __table_args__ = (sa.UniqueConstraint("provider", "subject"),)

    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    provider: Mapped[str]
    subject: Mapped[str]
    email: Mapped[str | None]
    email_verified: Mapped[bool] = mapped_column(default=False)
    last_used_at: Mapped[datetime | None]


class Session(Identified, Base):
    """A signed-in device: a family of refresh tokens, of which only the newest is valid.

    ``current_token`` is its id. ``previous_token`` is the one it replaced at ``rotated_at``, which may be used once
    more shortly afterwards by a second tab (``replayed``). Each refresh extends ``expires_at``, up to ``latest_at``.
    ``provider`` is where the user signed in. ``authenticated_at`` is when the provider last prompted them; None if
    the provider may have signed them in without a prompt.
    """

    __tablename__ = "sessions"
    __table_args__ = (sa.Index("ix_sessions_user_id_id", "user_id", "id"), sa.Index(None, "expires_at"))

    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"))
    provider: Mapped[str]
    device: Mapped[str | None]
    current_token: Mapped[UUID] = mapped_column(info=_SECRET)
    previous_token: Mapped[UUID | None] = mapped_column(info=_SECRET)
    replayed: Mapped[bool] = mapped_column(default=False)
    rotated_at: Mapped[datetime]
    authenticated_at: Mapped[datetime | None]
    last_seen_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    latest_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]
    end_reason: Mapped[str | None]


class SignInCode(Base):
    """A one-time code that the browser app exchanges for tokens. Code and browser cookie are stored as SHA-256."""

    __tablename__ = "sign_in_codes"

    code_hash: Mapped[bytes] = mapped_column(primary_key=True, info=_SECRET)
    browser_hash: Mapped[bytes] = mapped_column(info=_SECRET)
    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"), index=True)
    provider: Mapped[str]
    is_fresh: Mapped[bool]
    expires_at: Mapped[datetime] = mapped_column(index=True)


class ApiKey(Identified, Base):
    """A key for scripts, stored as SHA-256. ``prefix`` is its beginning, by which its owner recognizes it."""

    __tablename__ = "api_keys"
    __table_args__ = (
        sa.CheckConstraint("char_length(name) BETWEEN 1 AND 100", name="name_length"),
        sa.CheckConstraint("scopes <@ ARRAY['read', 'write'] AND cardinality(scopes) > 0", name="scopes_known"),
        sa.Index("ix_api_keys_user_id_id", "user_id", "id"),
    )

    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"))
    name: Mapped[str]
    prefix: Mapped[str]
    key_hash: Mapped[bytes] = mapped_column(unique=True, info=_SECRET)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(sa.Text))
    expires_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]


class Activity(Identified, Base):
    """An entry of the activity log, written in the transaction of what happened."""

    __tablename__ = "activities"
    __table_args__ = (sa.Index("ix_activities_user_id_id", "user_id", "id"),)

    user_id: Mapped[UUID] = mapped_column(sa.ForeignKey("users.id", ondelete="CASCADE"))
    kind: Mapped[str]
    data: Mapped[dict[str, Any]] = mapped_column(JSONB, default=dict)
