"""Sign-up credits: once for each person, recognised by keyed hashes of verified addresses and identities."""

import hmac
from collections.abc import Iterator
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from backend.accounts import service as accounts
from backend.billing.ledger.accounts import lock_account
from backend.billing.ledger.lots import grant
from backend.billing.models import CreditAccount, SignUpPerson
from backend.billing.types import LotSource
from backend.core.database.database import db
from backend.settings import get_settings

_BATCH = 200


def grant_sign_up_credits(user_id: UUID) -> bool:
    """Grant a user their sign-up credits, unless they had them already, perhaps in an earlier account.

    Returns whether they were granted. Users without a verified address get none.
    """
    settings = get_settings()
    if not settings.billing_is_on or not settings.signup_credits:
        return False
    proofs = accounts.list_proofs(user_id)
    if not proofs.verified_emails:
        return False
    named = [f"email:{email}" for email in proofs.verified_emails]
    named += [f"identity:{provider}:{subject}" for provider, subject in proofs.identities]
    # Sorted, so that two accounts of one person insert the same hashes in the same order and do not deadlock.
    hashes = sorted(map(_hash, named))
    lock_account(user_id)
    db.session.execute(
        insert(SignUpPerson)
        .values([{"person_hash": each, "user_id": user_id} for each in hashes])
        .on_conflict_do_nothing()
    )
    owners = set(db.session.scalars(sa.select(SignUpPerson.user_id).where(SignUpPerson.person_hash.in_(hashes))))
    if owners != {user_id}:
        return False
    grant(user_id, LotSource.SIGN_UP, settings.signup_credits, f"sign_up:{user_id}")
    return True


def _hash(named: str) -> bytes:
    # A key of its own, derived from the secret, so that these hashes are worth nothing elsewhere.
    secret = get_settings().flask_secret_key.get_secret_value().encode()
    key = hmac.digest(secret, b"sign-up persons", "sha256")
    return hmac.digest(key, named.encode(), "sha256")


class _Round:
    """Where the round over all users has arrived in this process."""

    after: UUID | None = None


def grant_missing_sign_up_credits() -> int:
    """Grant sign-up credits to some users who signed up before billing was on. Returns how many were looked at.

    Each call continues where the last one stopped, and starts again after the last user. Needs a transaction.
    """
    if not get_settings().billing_is_on:
        return 0
    users = list(accounts.list_users_with_verified_email(_Round.after, _BATCH))
    _Round.after = users[-1] if len(users) == _BATCH else None
    missing = list(_without_account(users))
    for user_id in missing:
        grant_sign_up_credits(user_id)
    return len(missing)


def _without_account(users: list[UUID]) -> Iterator[UUID]:
    known = set(db.session.scalars(sa.select(CreditAccount.user_id).where(CreditAccount.user_id.in_(users))))
    yield from (user_id for user_id in users if user_id not in known)
