"""One-time sign-in codes: passed in the URL, valid only with a matching cookie.

Tokens never appear in a URL, because URLs end up in histories and logs. The code alone is useless: it is valid once,
for one minute, and only with the cookie of the browser that it was issued to.
"""

import secrets
from datetime import timedelta
from typing import NamedTuple
from uuid import UUID

import sqlalchemy as sa

from backend.accounts.conditions import hold_let_in
from backend.accounts.models import Session, SignInCode
from backend.accounts.sessions.sessions import begin_session
from backend.core.clock import database_now, read_database_clock
from backend.core.database.database import db
from backend.core.hashing import hash_secret

CODE_LIFE = timedelta(seconds=60)
_BYTES = 32


class HandOver(NamedTuple):
    """The two secrets that the browser receives: the code in the URL, ``browser`` in an HttpOnly cookie."""

    code: str
    browser: str


def begin_hand_over(user_id: UUID, provider: str, *, is_fresh: bool) -> HandOver:
    """Create a one-time code for a user who just signed in at a provider. ``is_fresh``: see ``begin_session``."""
    pair = HandOver(secrets.token_urlsafe(_BYTES), secrets.token_urlsafe(_BYTES))
    db.session.add(
        SignInCode(
            code_hash=hash_secret(pair.code),
            browser_hash=hash_secret(pair.browser),
            user_id=user_id,
            provider=provider,
            is_fresh=is_fresh,
            expires_at=read_database_clock() + CODE_LIFE,
        )
    )
    db.session.flush()
    return pair


def redeem_code(code: str, browser: str, *, user_agent: str) -> Session | None:
    """Exchange a one-time code for a new session. Returns None if the code is invalid.

    The code is used up either way, so the transaction must be committed even if the result is None.
    """
    code_hash = hash_secret(code)
    # The user may have been disabled or deleted since signing in.
    is_let_in = hold_let_in(db.session.scalar(sa.select(SignInCode.user_id).where(SignInCode.code_hash == code_hash)))
    found = db.session.execute(
        sa.delete(SignInCode)
        .where(SignInCode.code_hash == code_hash)
        .returning(
            SignInCode.user_id,
            SignInCode.provider,
            SignInCode.is_fresh,
            SignInCode.browser_hash,
            (SignInCode.expires_at > database_now()).label("in_time"),
        )
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if found is None or not found.in_time or not is_let_in:
        return None
    if not secrets.compare_digest(found.browser_hash, hash_secret(browser)):
        return None
    return begin_session(found.user_id, provider=found.provider, is_fresh=found.is_fresh, user_agent=user_agent)


def forget_expired_codes() -> int:
    """Delete expired one-time codes. Returns the number of rows."""
    old = sa.delete(SignInCode).where(SignInCode.expires_at < database_now()).returning(SignInCode.user_id)
    return len(db.session.scalars(old).all())
