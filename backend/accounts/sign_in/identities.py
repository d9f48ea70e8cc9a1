"""The rules that map a provider's identity to a user.

An identity is the pair (provider, subject). An e-mail address links a new identity to an existing user only if both
the provider's address and ours are verified. Otherwise an attacker could register with a victim's address and wait for
the victim to sign in ("pre-hijacking", Sudhodanan and Paverd, USENIX Security 2022).
"""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import IntegrityError

from backend.accounts.activity import record_activity
from backend.accounts.callers import find_caller
from backend.accounts.conditions import has_verified_email
from backend.accounts.errors import AccountDisabled, IdentityTaken, LastIdentity, NotSignedIn
from backend.accounts.hooks import identity_verified
from backend.accounts.models import Identity, User
from backend.accounts.sessions.sessions import end_sessions, require_fresh_sign_in
from backend.accounts.types import ActivityKind, VerifiedIdentity
from backend.core.clock import read_database_clock
from backend.core.database.database import db
from backend.core.database.transaction import savepoint
from backend.core.errors import NotFound
from backend.core.ids import new_id

DEVELOPMENT_PROVIDER = "development"


def sign_in(identity: VerifiedIdentity) -> UUID:
    """Return the id of the identity's user, creating or linking the user if needed. Raises AccountDisabled."""
    user_id = (_find(identity) or _store(identity)).user_id
    user = _lock(user_id)
    known = _find(identity)
    if user is None or known is None or known.user_id != user_id:
        # It was unlinked, or its user deleted, concurrently.
        return sign_in(identity)
    if user.disabled_at is not None:
        raise AccountDisabled
    _remember(known, identity)
    identity_verified.send(user_id)
    return user_id


def link(user_id: UUID, identity: VerifiedIdentity) -> None:
    """Link another identity to a user. Raises IdentityTaken if it belongs to another user."""
    _lock(user_id)
    added = _insert(user_id, identity)
    known = _find(identity)
    if known is None or known.user_id != user_id:
        raise IdentityTaken
    _remember(known, identity)
    if added:
        record_activity(user_id, ActivityKind.IDENTITY_LINKED, provider=identity.provider)
    identity_verified.send(user_id)


def unlink(user_id: UUID, identity_id: UUID, *, session_id: UUID | None = None) -> None:
    """Unlink an identity and end the sessions started with it, except the caller's own (``session_id``).

    Raises NotFound, and LastIdentity for the user's only identity.
    """
    # Lock the user, so that concurrent requests cannot remove the last two identities.
    _lock(user_id)
    mine = db.session.scalars(sa.select(Identity).where(Identity.user_id == user_id)).all()
    gone = next((identity for identity in mine if identity.id == identity_id), None)
    if gone is None:
        raise NotFound
    if len(mine) == 1:
        raise LastIdentity
    db.session.delete(gone)
    db.session.flush()
    record_activity(user_id, ActivityKind.IDENTITY_UNLINKED, provider=gone.provider)
    _settle_email(user_id)
    # A session stores only its provider, so another identity of that provider may have started it.
    if not any(identity.provider == gone.provider for identity in mine if identity is not gone):
        end_sessions(user_id, reason="identity_unlinked", provider=gone.provider, except_for=session_id)


def list_identities(user_id: UUID) -> Sequence[Identity]:
    """Return the user's identities, oldest first."""
    return db.session.scalars(sa.select(Identity).where(Identity.user_id == user_id).order_by(Identity.id)).all()


def _find(identity: VerifiedIdentity) -> Identity | None:
    return db.session.scalar(
        sa.select(Identity).where(Identity.provider == identity.provider, Identity.subject == identity.subject)
    )


def _lock(user_id: UUID) -> User | None:
    """Lock and return the user's row. Lock order everywhere: user first, then identities, sessions and codes."""
    query = sa.select(User).where(User.id == user_id).with_for_update(key_share=True)
    return db.session.scalar(query.execution_options(populate_existing=True))


def _store(identity: VerifiedIdentity) -> Identity:
    """Store a new identity, for the user with the same verified address or for a new user."""
    email = _verified_email(identity)
    owner = _find_by_email(email) if email else None
    user_id = owner or _add_user(identity, email)
    added = _insert(user_id, identity)
    known = _find(identity)
    if known is None:
        raise AssertionError("The identity is missing right after it was inserted.")
    if known.user_id != user_id and owner is None:
        # A concurrent request stored the same identity for its own new user. Keep that one.
        db.session.execute(sa.delete(User).where(User.id == user_id))
    elif added and owner is not None:
        record_activity(user_id, ActivityKind.IDENTITY_LINKED, provider=identity.provider)
    return known


def _find_by_email(email: str) -> UUID | None:
    # Locked, so that the user keeps the address until the new identity is linked by it.
    return db.session.scalar(sa.select(User.id).where(has_verified_email(email)).with_for_update(key_share=True))


def _verified_email(source: VerifiedIdentity | Identity) -> str | None:
    """Return the address if the provider verified it and it is ASCII."""
    return source.email if source.email_verified and source.email is not None and source.email.isascii() else None


def _add_user(identity: VerifiedIdentity, email: str | None) -> UUID:
    """Create a user, or return the one that concurrently took the verified address."""
    user_id = new_id()
    # Unverified addresses are not stored: no mail may be sent to them, and no lookup may match them.
    made = insert(User).values(
        id=user_id,
        email=email,
        email_verified=email is not None,
        name=identity.name,
        picture_url=identity.picture_url,
        language=identity.language,
    )
    if db.session.scalar(made.on_conflict_do_nothing().returning(User.id)) is not None or email is None:
        return user_id
    # If no user has the address any more, the conflicting one has released it since: try again.
    return _find_by_email(email) or _add_user(identity, email)


def _insert(user_id: UUID, identity: VerifiedIdentity) -> bool:
    made = insert(Identity).values(
        id=new_id(), user_id=user_id, provider=identity.provider, subject=identity.subject, email_verified=False
    )
    return db.session.scalar(made.on_conflict_do_nothing().returning(Identity.id)) is not None


def _remember(known: Identity, identity: VerifiedIdentity) -> None:
    """Update the identity with the provider's current claims. The user must be locked."""
    known.email, known.email_verified = identity.email, _verified_email(identity) is not None
    known.last_used_at = read_database_clock()
    db.session.flush()
    _settle_email(known.user_id)


def _settle_email(user_id: UUID) -> None:
    """Set the user's address to one that an identity of theirs verifies, or to none. The user must be locked.

    An address that no identity verifies any more may be reassigned to another person. That person must not get this
    account, and this user must not get that person's mail. The most recently used verified address replaces it.
    """
    user = db.session.get_one(User, user_id)
    mine = db.session.scalars(
        sa.select(Identity)
        .where(Identity.user_id == user_id)
        .order_by(Identity.last_used_at.desc().nulls_last(), Identity.id)
    )
    verified = [email for email in map(_verified_email, mine) if email is not None]
    if user.email_verified and user.email is not None and user.email.lower() in map(str.lower, verified):
        return
    if user.email is not None:
        user.email, user.email_verified = None, False
        db.session.flush()
    for email in verified:
        if _is_free(email) and _take_email(user_id, email):
            return


def _is_free(email: str) -> bool:
    return db.session.scalar(sa.select(User.id).where(has_verified_email(email))) is None


def _take_email(user_id: UUID, email: str) -> bool:
    """Set the user's verified address. Returns False if another user concurrently took it."""
    taken = sa.update(User).where(User.id == user_id).values(email=email, email_verified=True)
    try:
        with savepoint():
            db.session.execute(taken.execution_options(synchronize_session=False))
    except IntegrityError:
        return False
    return True


def link_to_session(session_id: UUID, identity: VerifiedIdentity) -> None:
    """Link an identity to the user of a session. Raises NotSignedIn, FreshSignInNeeded, IdentityTaken.

    Checks the session again, because it may have ended while the user was on the provider's page.
    """
    caller = find_caller(session_id)
    if caller is None:
        raise NotSignedIn
    require_fresh_sign_in(caller)
    link(caller.user_id, identity)


def sign_in_for_development(email: str) -> UUID:
    """Return the id of the user with this development identity, creating them if needed."""
    subject = email.lower()
    return sign_in(VerifiedIdentity(DEVELOPMENT_PROVIDER, subject, email=subject, email_verified=False))
