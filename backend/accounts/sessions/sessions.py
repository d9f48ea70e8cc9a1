"""Sessions: one for each device that is signed in, with its family of refresh tokens.

Each refresh replaces the token. The one it replaced is good once more for a few seconds, for the second tab of a
browser that refreshed at the same moment, and gets the same successor. Any other that comes again was stolen, or its
successor was: nobody can tell who is the thief, so the whole family ends (RFC 9700, 4.14.2).
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
from backend.accounts.sessions.tokens import Spoken, issue_refresh_token
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
_KEPT = timedelta(days=30)
_LONGEST_DEVICE = 100


def begin_session(user_id: UUID, *, provider: str, is_fresh: bool, user_agent: str) -> Session:
    """Begin a session for a user whom a provider vouches for.

    ``is_fresh`` says that the provider was made to ask her; it may else have remembered her for weeks.
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
    """End the sessions of the user that were used longest ago, where there are more than they may have."""
    surplus = (
        sa.select(Session.id)
        .where(Session.user_id == user_id, is_open())
        .order_by(Session.last_seen_at.desc(), Session.id.desc())
        .offset(MAX_SESSIONS)
        # Whoever signs out of one meanwhile has it locked, and ends it anyway.
        .with_for_update(skip_locked=True, key_share=True)
    )
    db.session.execute(
        sa.update(Session)
        .where(Session.id.in_(surplus.scalar_subquery()))
        .values(ended_at=database_now(), end_reason="too_many")
        .execution_options(synchronize_session=False)
    )


def name_device(user_agent: str) -> str | None:
    """Return what a person calls the device, such as ``Firefox, Windows``, or None when it does not say."""
    parsed = parse(user_agent[:500])
    browser = parsed.user_agent.family if parsed.user_agent else None
    system = parsed.os.family if parsed.os else None
    named = ", ".join(part for part in (browser, system) if part)
    return named[:_LONGEST_DEVICE] or None


def refresh_token_of(session: Session) -> str:
    """Return the session's newest refresh token."""
    return issue_refresh_token(
        session.user_id,
        session.id,
        session.current_token,
        issued_at=session.rotated_at,
        expires_at=session.expires_at,
    )


def refresh_session(spoken: Spoken) -> Session | None:
    """Replace the refresh token; return the session, or None when the token is not good any more.

    A token that comes again ends its session, so the transaction must be committed whatever is returned.
    """
    if not hold_let_in(spoken.user_id):
        return None
    session = db.session.scalar(
        sa.select(Session)
        .where(is_open(), Session.id == spoken.session_id, Session.user_id == spoken.user_id)
        .with_for_update(key_share=True)
    )
    if session is None:
        return None
    moment = read_database_clock()
    if spoken.token_id == session.current_token:
        session.previous_token, session.current_token = session.current_token, uuid4()
        session.rotated_at = session.last_seen_at = moment
        session.replayed = False
        session.expires_at = min(moment + timedelta(days=get_settings().session_idle_days), session.latest_at)
    elif (
        spoken.token_id == session.previous_token
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
    """Return the condition under which a session lives."""
    return sa.and_(Session.ended_at.is_(None), Session.expires_at > database_now())


def list_sessions(user_id: UUID) -> Sequence[Session]:
    """Return the user's open sessions, the one seen last first."""
    mine = sa.select(Session).where(Session.user_id == user_id, is_open())
    return db.session.scalars(mine.order_by(Session.last_seen_at.desc(), Session.id.desc())).all()


def end_session(user_id: UUID, session_id: UUID) -> None:
    """End one of the user's open sessions. Raises NotFound."""
    if not end_open_session(user_id, session_id, reason="signed_out"):
        raise NotFound


def end_open_session(user_id: UUID, session_id: UUID, *, reason: str) -> bool:
    """End one of the user's sessions where it is open. Returns whether it was."""
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
    but: UUID | None = None,
) -> int:
    """End the user's sessions, and those she is about to begin: of one provider, and all but one, if asked.

    Returns how many had begun.
    """
    codes = sa.delete(SignInCode).where(SignInCode.user_id == user_id)
    sessions = sa.update(Session).where(Session.user_id == user_id, Session.ended_at.is_(None))
    if provider is not None:
        codes, sessions = codes.where(SignInCode.provider == provider), sessions.where(Session.provider == provider)
    if but is not None:
        sessions = sessions.where(Session.id != but)
    # The codes come first: of one that is being redeemed, the session is there once its lock is free.
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
    """Raise NotAllowed for an API key: what keeps an account safe is done by a person who is signed in."""
    if caller.session_id is None:
        raise NotAllowed


def require_fresh_sign_in(caller: Caller) -> None:
    """Raise FreshSignInNeeded unless the caller signed in at her provider only minutes ago; NotAllowed for a key."""
    require_session(caller)
    moment = read_database_clock()
    if caller.authenticated_at is None or moment - caller.authenticated_at > FRESH:
        raise FreshSignInNeeded


def forget_ended_sessions() -> int:
    """Delete sessions that ended or expired a month ago. Returns how many."""
    old = database_now() - _KEPT
    gone = sa.delete(Session).where(sa.or_(Session.ended_at < old, Session.expires_at < old)).returning(Session.id)
    return len(db.session.scalars(gone).all())
