"""API keys for a user's scripts. Each is shown once, and stored only as SHA-256."""

from collections.abc import Sequence
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from backend.accounts.activity import record_activity
from backend.accounts.api_keys.key_format import make_key, prefix_of
from backend.accounts.conditions import key_lives
from backend.accounts.errors import TooManyApiKeys
from backend.accounts.models import ApiKey, User
from backend.accounts.types import ActivityKind, Scope
from backend.core.clock import database_now, read_database_clock
from backend.core.database.database import db
from backend.core.errors import NotFound
from backend.core.hashing import hash_secret
from backend.core.ids import new_id

MAX_KEYS = 20
_RETENTION = timedelta(days=30)


class NewApiKey(NamedTuple):
    """The row of a new key, and the key itself, which cannot be shown again."""

    row: ApiKey
    key: str


def create_api_key(user_id: UUID, *, name: str, scopes: Sequence[Scope], life: timedelta) -> NewApiKey:
    """Create a key. Raises TooManyApiKeys."""
    # Lock the user, so that concurrent requests cannot exceed the limit.
    db.session.execute(sa.select(User.id).where(User.id == user_id).with_for_update(key_share=True))
    _forget_old(user_id)
    mine = sa.select(sa.func.count()).where(ApiKey.user_id == user_id, key_lives())
    if db.session.scalars(mine).one() >= MAX_KEYS:
        raise TooManyApiKeys(limit=MAX_KEYS)
    key = make_key()
    row = ApiKey(
        id=new_id(),
        user_id=user_id,
        name=name,
        prefix=prefix_of(key),
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
    """Return the user's keys, newest first. Includes recently expired ones, excludes revoked ones."""
    mine = sa.select(ApiKey).where(ApiKey.user_id == user_id, ApiKey.revoked_at.is_(None))
    return db.session.scalars(mine.order_by(ApiKey.id.desc())).all()


def revoke_api_key(user_id: UUID, api_key_id: UUID) -> None:
    """Revoke a key immediately. Raises NotFound, also if it is already revoked."""
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
    """Delete keys that were revoked or expired over a month ago, so that the list of keys stays bounded."""
    old = database_now() - _RETENTION
    db.session.execute(
        sa.delete(ApiKey)
        .where(ApiKey.user_id == user_id, sa.or_(ApiKey.revoked_at < old, ApiKey.expires_at < old))
        .execution_options(synchronize_session=False)
    )
