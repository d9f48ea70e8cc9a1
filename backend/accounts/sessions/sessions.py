"""Sessions: one per signed-in device, each with a family of refresh tokens.

Each refresh rotates the token. The previous token is accepted once more for a few seconds and gets the same successor,
for a second tab of the browser that refreshes concurrently. Any other reuse means that the token or its successor was
stolen. Thief and owner cannot be told apart, so the whole family ends (RFC 9700, 4.14.2).
"""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID, uuid4

import sqlalchemy as sa
from ua_parser import parse

from backend.accounts.activity import record_activity
from backend.accounts.conditions import hold_let_in
from backend.accounts.errors import FreshSignInNeeded, NotAllowed
from backend.accounts.models import Session, SignInCode
from backend.accounts.sessions.tokens import TokenClaims, issue_refresh_token
from backend.accounts.types import ActivityKind, Caller
from backend.core.clock import database_now, read_database_clock
from backend.core.database.database import db
from backend.core.errors import NotFound
from backend.core.ids import new_id
from backend.core.process.logging import get_logger
from backend.settings import get_settings

log = get_logger(__name__)

REPLAY_WINDOW = timedelta(seconds=10)
FRESH = timedelta(minutes=10)
MAX_SESSIONS = 100
_RETENTION = timedelta(days=30)
_MAX_DEVICE_CHARS = 100


def begin_session(user_id: UUID, *, provider: str, is_fresh: bool, user_agent: str) -> Session:
    """Start a session for a user authenticated by a provider.

    ``is_fresh`` means that the provider was told to prompt the user; otherwise it may have remembered them for weeks.
    """
    moment = read_database_clock()
    settings = get_settings()
    latest_at = moment + timedelta(days=settings.session_days)
    session = Session(
        id=new_id(),
        user_id=user_id,
        provider=provider,
        device=name_device(user_agent),
        current_token=uuid4(),
        rotated_at=moment,
        authenticated_at=moment if is_fresh else None,
        last_seen_at=moment,
        expires_at=min(moment + timedelta(days=settings.session_idle_days), latest_at),
        latest_at=latest_at,
    )
    db.session.add(session)
    db.session.flush()
    _end_surplus(user_id)
    log.info("accounts.session.begun", user_id=str(user_id), session_id=str(session.id), provider=provider)
    record_activity(user_id, ActivityKind.SIGNED_IN, provider=provider, device=session.device)
    return session


def _end_surplus(user_id: UUID) -> None:
    """End the user's least recently used sessions beyond ``MAX_SESSIONS``."""
    surplus = (
        sa.select(Session.id)
        .where(Session.user_id == user_id, is_open())
        .order_by(Session.last_seen_at.desc(), Session.id.desc())
        .offset(MAX_SESSIONS)
        # Skip locked rows: a session that is being signed out ends anyway.
        .with_for_update(skip_locked=True, key_share=True)
    )
    db.session.execute(
        sa.update(Session)
        .where(Session.id.in_(surplus.scalar_subquery()))
        .values(ended_at=database_now(), end_reason="too_many")
        .execution_options(synchronize_session=False)
    )


def name_device(user_agent: str) -> str | None:
    """Return a readable device name, such as ``Firefox, Windows``, or None if the user agent has none."""
    parsed = parse(user_agent[:500])
    browser = parsed.user_agent.family if parsed.user_agent else None
    system = parsed.os.family if parsed.os else None
    named = ", ".join(part for part in (browser, system) if part)
    return named[:_MAX_DEVICE_CHARS] or None


def refresh_token_of(session: Session) -> str:
    return issue_refresh_token(
        session.user_id,
        session.id,
        session.current_token,
        issued_at=session.rotated_at,
        expires_at=session.expires_at,
    )


def refresh_session(claims: TokenClaims) -> Session | None:
    """Rotate the refresh token and return the session, or None if the token is invalid.

    Token reuse ends the session, so the transaction must be committed even if the result is None.
    """
    if not hold_let_in(claims.user_id):
        return None
    session = db.session.scalar(
        sa.select(Session)
        .where(is_open(), Session.id == claims.session_id, Session.user_id == claims.user_id)
        .with_for_update(key_share=True)
    )
    if session is None:
        return None
    moment = read_database_clock()
    if claims.token_id == session.current_token:
        session.previous_token, session.current_token = session.current_token, uuid4()
        session.rotated_at = session.last_seen_at = moment
        session.replayed = False
        session.expires_at = min(moment + timedelta(days=get_settings().session_idle_days), session.latest_at)
    elif (
        claims.token_id == session.previous_token
        and not session.replayed
        and moment - session.rotated_at <= REPLAY_WINDOW
    ):
        session.replayed = True
    else:
        log.warning("accounts.refresh_token.reused", session_id=str(session.id), user_id=str(session.user_id))
        _end(session, "token_reused")
        record_activity(session.user_id, ActivityKind.SESSION_ENDED, reason="token_reused", device=session.device)
        db.session.flush()
        return None
    db.session.flush()
    return session


def is_open() -> sa.ColumnElement[bool]:
    """Condition for a session that has neither ended nor expired."""
    return sa.and_(Session.ended_at.is_(None), Session.expires_at > database_now())


def list_sessions(user_id: UUID) -> Sequence[Session]:
    """Return the user's open sessions, most recently seen first."""
    mine = sa.select(Session).where(Session.user_id == user_id, is_open())
    return db.session.scalars(mine.order_by(Session.last_seen_at.desc(), Session.id.desc())).all()


def end_session(user_id: UUID, session_id: UUID) -> None:
    """Sign the user out of an open session. Raises NotFound."""
    if not end_open_session(user_id, session_id, reason="signed_out"):
        raise NotFound


def end_open_session(user_id: UUID, session_id: UUID, *, reason: str) -> bool:
    """End the session if it is open. Returns whether it was."""
    session = db.session.scalar(
        sa.select(Session)
        .where(Session.user_id == user_id, Session.id == session_id, is_open())
        .with_for_update(key_share=True)
    )
    if session is None:
        return False
    _end(session, reason)
    record_activity(user_id, ActivityKind.SIGNED_OUT, reason=reason, device=session.device)
    return True


def end_sessions(
    user_id: UUID,
    *,
    reason: str = "signed_out_everywhere",
    provider: str | None = None,
    except_for: UUID | None = None,
) -> int:
    """End the user's sessions and delete their one-time codes, optionally only those of one provider.

    ``except_for`` is the id of a session to keep. Returns the number of ended sessions.
    """
    codes = sa.delete(SignInCode).where(SignInCode.user_id == user_id)
    sessions = sa.update(Session).where(Session.user_id == user_id, Session.ended_at.is_(None))
    if provider is not None:
        codes, sessions = codes.where(SignInCode.provider == provider), sessions.where(Session.provider == provider)
    if except_for is not None:
        sessions = sessions.where(Session.id != except_for)
    # Codes first: this waits for a code that is being redeemed, whose session then exists and is ended too.
    db.session.execute(codes.execution_options(synchronize_session=False))
    ended = db.session.scalars(
        sessions.values(ended_at=database_now(), end_reason=reason)
        .returning(Session.id)
        .execution_options(synchronize_session=False)
    ).all()
    if ended:
        record_activity(user_id, ActivityKind.SESSION_ENDED, reason=reason, sessions=len(ended))
    return len(ended)


def _end(session: Session, reason: str) -> None:
    session.ended_at, session.end_reason = read_database_clock(), reason


def require_session(caller: Caller) -> None:
    """Raise NotAllowed for an API key. Security-relevant operations require a session."""
    if caller.session_id is None:
        raise NotAllowed


def require_fresh_sign_in(caller: Caller) -> None:
    """Raise FreshSignInNeeded unless the caller signed in within ``FRESH``, and NotAllowed for an API key."""
    require_session(caller)
    moment = read_database_clock()
    if caller.authenticated_at is None or moment - caller.authenticated_at > FRESH:
        raise FreshSignInNeeded


def forget_ended_sessions() -> int:
    """Delete sessions that ended or expired over a month ago. Returns the number of rows."""
    old = database_now() - _RETENTION
    gone = sa.delete(Session).where(sa.or_(Session.ended_at < old, Session.expires_at < old)).returning(Session.id)
    return len(db.session.scalars(gone).all())
