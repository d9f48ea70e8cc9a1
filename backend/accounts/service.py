"""Business verbs of accounts."""

from uuid import UUID

from backend.accounts.activity import forget_old_activities, record_activity
from backend.accounts.callers import get_caller
from backend.accounts.hand_over import begin_hand_over, forget_expired_codes, redeem_code
from backend.accounts.identities import link, list_identities, sign_in, unlink
from backend.accounts.leaving import leave, mark_erased
from backend.accounts.sessions import (
    begin_session,
    end_open_session,
    end_session,
    end_sessions,
    forget_ended_sessions,
    list_sessions,
    refresh_session,
    refresh_token_of,
    require_fresh_sign_in,
    require_session,
)
from backend.accounts.types import VerifiedIdentity

__all__ = [
    "DEVELOPMENT_PROVIDER",
    "begin_hand_over",
    "begin_session",
    "end_open_session",
    "end_session",
    "end_sessions",
    "forget_ended_sessions",
    "forget_expired_codes",
    "forget_old_activities",
    "get_caller",
    "leave",
    "link",
    "list_identities",
    "list_sessions",
    "mark_erased",
    "record_activity",
    "redeem_code",
    "refresh_session",
    "refresh_token_of",
    "require_fresh_sign_in",
    "require_session",
    "sign_in",
    "sign_in_for_development",
    "unlink",
]

DEVELOPMENT_PROVIDER = "development"


def sign_in_for_development(email: str) -> UUID:
    """Return the id of the user with this development identity, made when it is not there."""
    subject = email.lower()
    return sign_in(VerifiedIdentity(DEVELOPMENT_PROVIDER, subject, email=subject, email_verified=False))
