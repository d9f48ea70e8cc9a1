"""What providers have verified about users: their addresses and identities."""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa

from backend.accounts.conditions import is_let_in
from backend.accounts.models import Identity, User
from backend.accounts.types import AccountProofs
from backend.core.database.database import db


def list_proofs(user_id: UUID) -> AccountProofs:
    """Return the user's verified addresses and identities. A deleted user has none."""
    own = sa.select(User.email).where(User.id == user_id, User.email_verified)
    identities = db.session.execute(
        sa.select(Identity.provider, Identity.subject, Identity.email, Identity.email_verified)
        .where(Identity.user_id == user_id)
        .order_by(Identity.id)
    ).all()
    emails = [*db.session.scalars(own), *(each.email for each in identities if each.email_verified)]
    return AccountProofs(
        verified_emails=tuple(sorted({email.lower() for email in emails if email is not None})),
        identities=tuple((each.provider, each.subject) for each in identities),
    )


def list_users_with_verified_email(after: UUID | None, limit: int) -> Sequence[UUID]:
    """Return active users with a verified address of their own or of an identity, by id, beginning behind ``after``."""
    verified = sa.exists().where(Identity.user_id == User.id, Identity.email_verified)
    users = sa.select(User.id).where(is_let_in(), sa.or_(User.email_verified, verified))
    if after is not None:
        users = users.where(User.id > after)
    return db.session.scalars(users.order_by(User.id).limit(limit)).all()
