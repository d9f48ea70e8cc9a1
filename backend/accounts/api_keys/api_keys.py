"""API keys: what speaks for a user in her scripts. Each is shown once, and kept as SHA-256 alone."""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from backend.accounts.activity import record_activity
from backend.accounts.api_keys.key_format import beginning_of, make_key
from backend.accounts.conditions import key_lives
from backend.accounts.errors import TooManyApiKeys
from backend.accounts.models import ApiKey, User
from backend.accounts.types import ActivityKind, Scope
from backend.core.clock import database_now, read_database_clock
from backend.core.database.database import db
from backend.core.errors import NotFound
from backend.core.hashing import hash_secret
from backend.core.ids import new_id

MOST_KEYS = 20
_KEPT = timedelta(days=30)


class NewApiKey(NamedTuple):
    """A key's row, and the key itself, which nobody sees again."""

    row: ApiKey
    key: str


def create_api_key(user_id: UUID, *, name: str, scopes: Sequence[Scope], life: timedelta) -> NewApiKey:
    """Make a key. Raises TooManyApiKeys when the user has as many as she may."""
    # Two that are made at once must not both find the last free place: the user's row is locked first.
    db.session.execute(sa.select(User.id).where(User.id == user_id).with_for_update(key_share=True))
    _forget_old(user_id)
    mine = sa.select(sa.func.count()).where(ApiKey.user_id == user_id, key_lives())
    if db.session.scalars(mine).one() >= MOST_KEYS:
        raise TooManyApiKeys(limit=MOST_KEYS)
    key = make_key()
    row = ApiKey(
        id=new_id(),
        user_id=user_id,
        name=name,
        prefix=beginning_of(key),
        key_hash=hash_secret(key),
        scopes=[scope.value for scope in Scope if scope in scopes],
        expires_at=read_database_clock() + life,
    )
    db.session.add(row)
    db.session.flush()
    record_activity(
        user_id,
        ActivityKind.API_KEY_CREATED,
        api_key_id=str(row.id),
        name=name,
        prefix=row.prefix,
        scopes=row.scopes,
    )
    return NewApiKey(row, key)


def list_api_keys(user_id: UUID) -> Sequence[ApiKey]:
    """Return the user's keys, the newest first: those that expired lately too, but none that was revoked."""
    mine = sa.select(ApiKey).where(ApiKey.user_id == user_id, ApiKey.revoked_at.is_(None))
    return db.session.scalars(mine.order_by(ApiKey.id.desc())).all()


def revoke_api_key(user_id: UUID, api_key_id: UUID) -> None:
    """End one of the user's keys at once. Raises NotFound, also for one that is revoked already."""
    row = db.session.scalar(
        sa.select(ApiKey)
        .where(ApiKey.user_id == user_id, ApiKey.id == api_key_id, ApiKey.revoked_at.is_(None))
        .with_for_update(key_share=True)
    )
    if row is None:
        raise NotFound
    row.revoked_at = read_database_clock()
    record_activity(user_id, ActivityKind.API_KEY_REVOKED, api_key_id=str(row.id), name=row.name, prefix=row.prefix)


def _forget_old(user_id: UUID) -> None:
    """Delete the user's keys that were revoked or expired a month ago, so that a list of hers has an end."""
    old = database_now() - _KEPT
    db.session.execute(
        sa.delete(ApiKey)
        .where(ApiKey.user_id == user_id, sa.or_(ApiKey.revoked_at < old, ApiKey.expires_at < old))
        .execution_options(synchronize_session=False)
    )
