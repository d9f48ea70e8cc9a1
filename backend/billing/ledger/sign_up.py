"""Sign-up credits: once for each person, recognised by keyed hashes of verified addresses and identities."""

import hmac
from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from backend.accounts import service as accounts
from backend.billing.ledger.accounts import lock_row
from backend.billing.ledger.chores import work_on_each
from backend.billing.ledger.lots import grant
from backend.billing.models import CreditLot, SignUpPerson
from backend.billing.types import LotSource
from backend.core.database.database import db
from backend.settings import get_settings

_BATCH = 500


def grant_sign_up_credits(user_id: UUID) -> bool:
    """Grant a user their sign-up credits, unless they had them already, perhaps in an earlier account.

    Returns whether they were granted. Users without a verified address get none. Needs a transaction.
    """
    settings = get_settings()
    if not settings.billing_is_on or not settings.signup_credits:
        return False
    hashes = _list_hashes(user_id)
    if not hashes or _is_settled(user_id, hashes):
        return False
    lock_row(user_id)
    _add_persons(user_id, hashes)
    if _has_lot(user_id):
        # They have had theirs. What they have verified since counts as theirs, too.
        return False
    others = _list_owners(hashes) - {user_id}
    if others:
        _give_persons(user_id, hashes, min(others))
        return False
    grant(user_id, LotSource.SIGN_UP, settings.signup_credits, _grant_key(user_id))
    return True


def greet(user_id: UUID) -> None:
    """Grant sign-up credits to a user whose identity was just verified."""
    grant_sign_up_credits(user_id)


def _list_hashes(user_id: UUID) -> list[bytes]:
    """Return the hashes of a user's proofs; none without a verified address."""
    proofs = accounts.list_proofs(user_id)
    if not proofs.verified_emails:
        return []
    named = [f"email:{email}" for email in proofs.verified_emails]
    named += [f"identity:{provider}:{subject}" for provider, subject in proofs.identities]
    # Sorted, so that two accounts of one person insert the same hashes in the same order and do not deadlock.
    return sorted(map(_hash, named))


def _hash(named: str) -> bytes:
    # A key of its own, derived from the secret, so that these hashes are worth nothing elsewhere.
    secret = get_settings().flask_secret_key.get_secret_value().encode()
    key = hmac.digest(secret, b"sign-up persons", "sha256")
    return hmac.digest(key, named.encode(), "sha256")


def _is_settled(user_id: UUID, hashes: list[bytes]) -> bool:
    """Tell, without a lock, whether everything is recorded: true for almost every sign-in."""
    known = sa.select(SignUpPerson.user_id).where(SignUpPerson.person_hash.in_(hashes))
    owners = db.session.scalars(known).all()
    return len(owners) == len(hashes) and (set(owners) != {user_id} or _has_lot(user_id))


def _add_persons(user_id: UUID, hashes: list[bytes]) -> None:
    # Waits for another account of this person that is adding the same hash.
    rows = [{"person_hash": each, "user_id": user_id} for each in hashes]
    db.session.execute(insert(SignUpPerson).values(rows).on_conflict_do_nothing())


def _list_owners(hashes: list[bytes]) -> set[UUID]:
    return set(db.session.scalars(sa.select(SignUpPerson.user_id).where(SignUpPerson.person_hash.in_(hashes))))


def _give_persons(user_id: UUID, hashes: list[bytes], owner_id: UUID) -> None:
    """Record that the hashes belong to a person who has had their credits in another account.

    Otherwise they could unlink the identity that both accounts share, and get credits for the rest.
    """
    db.session.execute(
        sa.update(SignUpPerson)
        .where(SignUpPerson.person_hash.in_(hashes), SignUpPerson.user_id == user_id)
        .values(user_id=owner_id)
        .execution_options(synchronize_session=False)
    )


def _grant_key(user_id: UUID) -> str:
    return f"sign_up:{user_id}"


def _has_lot(user_id: UUID) -> bool:
    return db.session.scalar(sa.select(CreditLot.id).where(CreditLot.grant_key == _grant_key(user_id))) is not None


class _Round:
    """Where the round over all users has arrived in this process. A restarted process begins a new round."""

    after: UUID | None = None


def grant_missing_sign_up_credits() -> int:
    """Grant sign-up credits to some users who signed up before billing was on. Returns how many were looked at.

    Each call continues where the last one stopped, and starts again after the last user. Opens its own transactions.
    """
    settings = get_settings()
    if not settings.billing_is_on or not settings.signup_credits:
        return 0
    return work_on_each(_find_missing, grant_sign_up_credits)


def _find_missing() -> Sequence[UUID]:
    users = accounts.list_users_with_verified_email(_Round.after, _BATCH)
    _Round.after = users[-1] if len(users) == _BATCH else None
    return _without_lot(users)


def _without_lot(users: Sequence[UUID]) -> list[UUID]:
    keys = {_grant_key(user_id): user_id for user_id in users}
    having = set(db.session.scalars(sa.select(CreditLot.grant_key).where(CreditLot.grant_key.in_(keys))))
    return [user_id for key, user_id in keys.items() if key not in having]
