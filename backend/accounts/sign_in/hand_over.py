"""From the provider's page to the browser app: a one-time code in the address, and a cookie that must come with it.

No token is ever part of an address, which ends up in histories and logs. The code alone is worth nothing: it is good
for a minute, once, and with the cookie of the browser that it was made in.
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
    """What the browser gets: the code in the address, the other half in an HttpOnly cookie."""

    code: str
    browser: str


def begin_hand_over(user_id: UUID, provider: str, *, is_fresh: bool) -> HandOver:
    """Make a one-time code for a user who has just signed in at a provider; ``is_fresh`` as in ``begin_session``."""
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
    """Begin the session that a one-time code stands for, or return None when it is not good.

    The code is used up either way, so the transaction must be committed whatever is returned.
    """
    code_hash = hash_secret(code)
    # She may have been shut out since she signed in.
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
    """Delete one-time codes that nobody redeemed in time. Returns how many."""
    old = sa.delete(SignInCode).where(SignInCode.expires_at < database_now()).returning(SignInCode.user_id)
    return len(db.session.scalars(old).all())
