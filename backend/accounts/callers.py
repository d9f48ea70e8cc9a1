"""Authenticates requests. Each one queries PostgreSQL, so that revoked access ends immediately."""

from datetime import timedelta
from uuid import UUID

import sqlalchemy as sa
from flask import request

from backend.accounts.api_keys.key_format import API_KEY_PREFIX, is_well_formed
from backend.accounts.conditions import is_let_in, key_lives
from backend.accounts.errors import NotAllowed, NotSignedIn
from backend.accounts.models import ApiKey, Session, User
from backend.accounts.sessions.sessions import is_open
from backend.accounts.sessions.tokens import read_access_token
from backend.accounts.types import Caller, Role, Scope
from backend.core.clock import database_now
from backend.core.database.database import db
from backend.core.hashing import hash_secret
from backend.settings import get_settings

_EVERYTHING = frozenset(Scope)
_READING = frozenset({"GET", "HEAD"})
# Last use is recorded to the minute, so that not every request of a busy script writes.
_LAST_USED_PRECISION = timedelta(minutes=1)
_NOT_SEEN_LATELY = sa.or_(ApiKey.last_used_at.is_(None), ApiKey.last_used_at < database_now() - _LAST_USED_PRECISION)

_USER = (User.id, User.role, User.email, User.email_verified, User.language)
# Built once, because every request runs one of these.
_BY_SESSION = (
    sa.select(*_USER, Session.authenticated_at)
    .join(Session, Session.user_id == User.id)
    .where(Session.id == sa.bindparam("session_id"), is_open(), is_let_in())
)
_BY_KEY = (
    sa.select(*_USER, ApiKey.id.label("key_id"), ApiKey.scopes, _NOT_SEEN_LATELY.label("not_seen_lately"))
    .join(ApiKey, ApiKey.user_id == User.id)
    .where(ApiKey.key_hash == sa.bindparam("key_hash"), key_lives(), is_let_in())
)


def get_caller() -> Caller:
    """Return the caller of the current request. Raises NotSignedIn, and NotAllowed for a key without the scope."""
    # The header is parsed here because the JWT library matches the scheme case-sensitively; RFC 9110 allows any case.
    header = request.authorization
    if header is None or header.type != "bearer" or not header.token:
        raise NotSignedIn
    if header.token.startswith(API_KEY_PREFIX):
        return _caller_of_key(header.token)
    return _caller_of_token(header.token)


def _caller_of_token(token: str) -> Caller:
    claims = read_access_token(token)
    if claims is None:
        raise NotSignedIn
    caller = find_caller(claims.session_id)
    if caller is None or caller.user_id != claims.user_id:
        raise NotSignedIn
    return caller


def find_caller(session_id: UUID) -> Caller | None:
    """Return the caller for a session, or None if the session has ended or its user is disabled or leaving."""
    row = db.session.execute(_BY_SESSION, {"session_id": session_id}).one_or_none()
    if row is None:
        return None
    return Caller(
        user_id=row.id,
        session_id=session_id,
        api_key_id=None,
        scopes=_EVERYTHING,
        is_admin=is_admin(row.role, row.email, verified=row.email_verified),
        language=row.language,
        authenticated_at=row.authenticated_at,
    )


def _caller_of_key(key: str) -> Caller:
    # Truncated or mistyped keys are rejected without a query.
    row = db.session.execute(_BY_KEY, {"key_hash": hash_secret(key)}).one_or_none() if is_well_formed(key) else None
    if row is None:
        raise NotSignedIn
    scopes = frozenset(Scope(scope) for scope in row.scopes)
    if (Scope.READ if request.method in _READING else Scope.WRITE) not in scopes:
        raise NotAllowed
    if row.not_seen_lately:
        db.session.execute(
            sa.update(ApiKey)
            .where(ApiKey.id == row.key_id, _NOT_SEEN_LATELY)
            .values(last_used_at=database_now())
            .execution_options(synchronize_session=False)
        )
    # An API key never grants administration, even an administrator's.
    return Caller(
        user_id=row.id,
        session_id=None,
        api_key_id=row.key_id,
        scopes=scopes,
        is_admin=False,
        language=row.language,
        authenticated_at=None,
    )


def require_access(caller: Caller) -> None:
    """Raise NotSignedIn if the caller's session or API key is no longer valid. Long responses call it repeatedly."""
    if caller.session_id is not None:
        lives = find_caller(caller.session_id) is not None
    else:
        key = sa.select(ApiKey.id).join(User, User.id == ApiKey.user_id)
        good = key.where(ApiKey.id == caller.api_key_id, key_lives(), is_let_in())
        lives = db.session.scalar(good) is not None
    if not lives:
        raise NotSignedIn


def is_admin(role: str, email: str | None, *, verified: bool) -> bool:
    """Tell whether the user has the admin role or a verified address listed in ``ADMIN_EMAILS``."""
    if role == Role.ADMIN:
        return True
    # ASCII only: other letters may collide once lowercased.
    return verified and email is not None and email.isascii() and email.lower() in get_settings().admin_emails
