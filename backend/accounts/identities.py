"""Whose identity is it: the rules by which a provider's word becomes a user.

The identity is the pair (provider, subject). An e-mail address links a new identity to a user only where the provider
says that it is verified and ours was verified as well: an address that nobody has verified is anybody's, and who
registers with somebody else's waits for her to come ("pre-hijacking", Sudhodanan and Paverd, USENIX Security 2022).
"""

from collections.abc import Sequence
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from backend.accounts.activity import record_activity
from backend.accounts.errors import AccountDisabled, IdentityTaken, LastIdentity
from backend.accounts.models import Identity, User
from backend.accounts.types import ActivityKind, VerifiedIdentity
from backend.core.database import db
from backend.core.errors import NotFound
from backend.core.ids import new_id
from backend.core.jobs import database_now


def sign_in(identity: VerifiedIdentity) -> UUID:
    """Return the id of the user with this identity, made or linked when there is none. Raises AccountDisabled."""
    known = _find(identity)
    if known is None:
        known = _take_in(identity)
    user = db.session.get_one(User, known.user_id)
    if user.disabled_at is not None:
        raise AccountDisabled
    _remember(known, identity)
    return user.id


def link(user_id: UUID, identity: VerifiedIdentity) -> None:
    """Give a signed-in user a further identity. Raises IdentityTaken when it is somebody else's."""
    added = _insert(user_id, identity)
    known = _find(identity)
    if known is None or known.user_id != user_id:
        raise IdentityTaken
    _remember(known, identity)
    if added:
        record_activity(user_id, ActivityKind.IDENTITY_LINKED, provider=identity.provider)
        _verify_email(user_id, identity)


def unlink(user_id: UUID, identity_id: UUID) -> None:
    """Take an identity from a user. Raises NotFound, and LastIdentity for the only one she has."""
    # Two that are unlinked at once must not both see the other one: the user's row is locked first.
    db.session.execute(sa.select(User.id).where(User.id == user_id).with_for_update(key_share=True))
    mine = db.session.scalars(sa.select(Identity).where(Identity.user_id == user_id)).all()
    gone = next((identity for identity in mine if identity.id == identity_id), None)
    if gone is None:
        raise NotFound
    if len(mine) == 1:
        raise LastIdentity
    db.session.delete(gone)
    record_activity(user_id, ActivityKind.IDENTITY_UNLINKED, provider=gone.provider)


def list_identities(user_id: UUID) -> Sequence[Identity]:
    """Return the user's identities, the oldest first."""
    return db.session.scalars(sa.select(Identity).where(Identity.user_id == user_id).order_by(Identity.id)).all()


def _find(identity: VerifiedIdentity) -> Identity | None:
    return db.session.scalar(
        sa.select(Identity).where(Identity.provider == identity.provider, Identity.subject == identity.subject)
    )


def _take_in(identity: VerifiedIdentity) -> Identity:
    """Make an identity that was not known: of the user whose verified address it has, or of a new one."""
    email = identity.email if identity.email_verified else None
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
    return db.session.scalar(sa.select(User.id).where(sa.func.lower(User.email) == email.lower(), User.email_verified))


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
    other = _find_by_email(email)
    if other is None:
        raise AssertionError("The user whose address is in the way is not there.")
    return other


def _insert(user_id: UUID, identity: VerifiedIdentity) -> bool:
    made = insert(Identity).values(
        id=new_id(), user_id=user_id, provider=identity.provider, subject=identity.subject, email_verified=False
    )
    return db.session.scalar(made.on_conflict_do_nothing().returning(Identity.id)) is not None


def _remember(known: Identity, identity: VerifiedIdentity) -> None:
    """Note what the provider says now; the user's own name and address stay as they are."""
    known.email, known.email_verified = identity.email, identity.email_verified
    known.last_used_at = db.session.scalars(sa.select(database_now())).one()
    db.session.flush()


def _verify_email(user_id: UUID, identity: VerifiedIdentity) -> None:
    """Give a user without a verified address the one of her new identity, unless another user has it."""
    if not identity.email_verified or identity.email is None or _find_by_email(identity.email) is not None:
        return
    db.session.execute(
        sa.update(User)
        .where(User.id == user_id, User.email_verified.is_(False))
        .values(email=identity.email, email_verified=True)
        .execution_options(synchronize_session=False)
    )
