"""Whose identity is it: the rules by which a provider's word becomes a user.

The identity is the pair (provider, subject). An e-mail address links a new identity to a user only where the provider
says that it is verified and ours was verified as well: an address that nobody has verified is anybody's, and who
registers with somebody else's waits for her to come ("pre-hijacking", Sudhodanan and Paverd, USENIX Security 2022).
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
    """Return the id of the user with this identity, made or linked when there is none. Raises AccountDisabled."""
    user_id = (_find(identity) or _take_in(identity)).user_id
    user = _lock(user_id)
    known = _find(identity)
    if user is None or known is None or known.user_id != user_id:
        # It was unlinked, or its user left, a moment ago.
        return sign_in(identity)
    if user.disabled_at is not None:
        raise AccountDisabled
    _remember(known, identity)
    return user_id


def link(user_id: UUID, identity: VerifiedIdentity) -> None:
    """Give a signed-in user a further identity. Raises IdentityTaken when it is somebody else's."""
    _lock(user_id)
    added = _insert(user_id, identity)
    known = _find(identity)
    if known is None or known.user_id != user_id:
        raise IdentityTaken
    _remember(known, identity)
    if added:
        record_activity(user_id, ActivityKind.IDENTITY_LINKED, provider=identity.provider)


def unlink(user_id: UUID, identity_id: UUID, *, session_id: UUID | None = None) -> None:
    """Take an identity from a user, with the sessions begun by it; the caller's own, ``session_id``, goes on.

    Raises NotFound, and LastIdentity for the only one she has.
    """
    # Two that are unlinked at once must not both see the other one: the user's row is locked first.
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
    # A session knows its provider alone: another identity there may have begun it.
    if not any(identity.provider == gone.provider for identity in mine if identity is not gone):
        end_sessions(user_id, reason="identity_unlinked", provider=gone.provider, but=session_id)


def list_identities(user_id: UUID) -> Sequence[Identity]:
    """Return the user's identities, the oldest first."""
    return db.session.scalars(sa.select(Identity).where(Identity.user_id == user_id).order_by(Identity.id)).all()


def _find(identity: VerifiedIdentity) -> Identity | None:
    return db.session.scalar(
        sa.select(Identity).where(Identity.provider == identity.provider, Identity.subject == identity.subject)
    )


def _lock(user_id: UUID) -> User | None:
    """Return the user's row, locked. It comes before her identities, sessions and codes, for all who lock these."""
    query = sa.select(User).where(User.id == user_id).with_for_update(key_share=True)
    return db.session.scalar(query.execution_options(populate_existing=True))


def _take_in(identity: VerifiedIdentity) -> Identity:
    """Make an identity that was not known: of the user whose verified address it has, or of a new one."""
    email = _verified_email(identity)
    owner = _find_by_email(email) if email else None
    user_id = owner or _add_user(identity, email)
    added = _insert(user_id, identity)
    known = _find(identity)
    if known is None:
        raise AssertionError("An identity that was just written is not there.")
    if known.user_id != user_id and owner is None:
        # Somebody signed in with the same identity at the same moment: theirs stands.
        db.session.execute(sa.delete(User).where(User.id == user_id))
    elif added and owner is not None:
        record_activity(user_id, ActivityKind.IDENTITY_LINKED, provider=identity.provider)
    return known


def _find_by_email(email: str) -> UUID | None:
    # Locked, so that she does not give the address up while a new identity becomes hers by it.
    return db.session.scalar(sa.select(User.id).where(has_verified_email(email)).with_for_update(key_share=True))


def _verified_email(said: VerifiedIdentity | Identity) -> str | None:
    """Return the address that a provider vouches for, where there is no doubt about its letters."""
    return said.email if said.email_verified and said.email is not None and said.email.isascii() else None


def _add_user(identity: VerifiedIdentity, email: str | None) -> UUID:
    """Make a user, or return the one who took the verified address at the same moment."""
    user_id = new_id()
    # An address that the provider does not vouch for is not kept: nothing may ever be sent to it, nor found by it.
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
    # Without a user, the address that was in the way has been given up since.
    return _find_by_email(email) or _add_user(identity, email)


def _insert(user_id: UUID, identity: VerifiedIdentity) -> bool:
    made = insert(Identity).values(
        id=new_id(), user_id=user_id, provider=identity.provider, subject=identity.subject, email_verified=False
    )
    return db.session.scalar(made.on_conflict_do_nothing().returning(Identity.id)) is not None


def _remember(known: Identity, identity: VerifiedIdentity) -> None:
    """Note what the provider says now, in an identity of a locked user."""
    known.email, known.email_verified = identity.email, _verified_email(identity) is not None
    known.last_used_at = read_database_clock()
    db.session.flush()
    _settle_email(known.user_id)


def _settle_email(user_id: UUID) -> None:
    """Let a locked user's address be one that an identity of hers vouches for; nobody else's, and none without any.

    An address that no provider calls hers any more may be given to somebody else, who must not get her account, nor
    she his mail. In its place comes the one vouched for last.
    """
    user = db.session.get_one(User, user_id)
    mine = db.session.scalars(
        sa.select(Identity)
        .where(Identity.user_id == user_id)
        .order_by(Identity.last_used_at.desc().nulls_last(), Identity.id)
    )
    vouched = [email for email in map(_verified_email, mine) if email is not None]
    if user.email_verified and user.email is not None and user.email.lower() in map(str.lower, vouched):
        return
    if user.email is not None:
        user.email, user.email_verified = None, False
        db.session.flush()
    for email in vouched:
        if _is_free(email) and _take_email(user_id, email):
            return


def _is_free(email: str) -> bool:
    return db.session.scalar(sa.select(User.id).where(has_verified_email(email))) is None


def _take_email(user_id: UUID, email: str) -> bool:
    """Give a user a verified address, unless another user takes it at this moment."""
    taken = sa.update(User).where(User.id == user_id).values(email=email, email_verified=True)
    try:
        with savepoint():
            db.session.execute(taken.execution_options(synchronize_session=False))
    except IntegrityError:
        return False
    return True


def link_to_session(session_id: UUID, identity: VerifiedIdentity) -> None:
    """Link an identity to the user of a session. Raises NotSignedIn, FreshSignInNeeded, IdentityTaken.

    The session is asked again: it may have ended while the user was at the provider's page.
    """
    caller = find_caller(session_id)
    if caller is None:
        raise NotSignedIn
    require_fresh_sign_in(caller)
    link(caller.user_id, identity)


def sign_in_for_development(email: str) -> UUID:
    """Return the id of the user with this development identity, made when it is not there."""
    subject = email.lower()
    return sign_in(VerifiedIdentity(DEVELOPMENT_PROVIDER, subject, email=subject, email_verified=False))
