"""A user leaves: her access ends at once, and of her row nothing stays but its id and times.

The rest of what is hers is erased afterwards, by the room ``privacy``. Nothing can be added to it meanwhile: triggers
refuse rows of a user who is leaving, to requests too that were let in a moment before.
"""

from uuid import UUID

import sqlalchemy as sa

from backend.accounts.models import ApiKey, Identity, Session, SignInCode, User
from backend.accounts.types import Role
from backend.core.clock import database_now
from backend.core.database.database import db
from backend.core.errors import NotFound

# Whoever signs out locks her session before the user, so these come before the full lock here too.
_LOCKED_FIRST = (SignInCode, Session)
_ACCESS = (SignInCode, Session, ApiKey, Identity)


def leave(user_id: UUID) -> bool:
    """End all access of a user, and take her name away. Returns False when she is leaving already.

    Her identities go too: whoever signs in with the same provider later is somebody new. Raises NotFound.
    """
    # Whoever redeems a code or refreshes a session holds the user first, though she may still write what is hers.
    db.session.execute(sa.select(User.id).where(User.id == user_id).with_for_update(key_share=True)).all()
    for table in _LOCKED_FIRST:
        db.session.execute(sa.select(table.user_id).where(table.user_id == user_id).with_for_update()).all()
    # The full lock waits for transactions that have added rows of hers, and those that come later see that she leaves.
    user = db.session.execute(sa.select(User.erasing_at).where(User.id == user_id).with_for_update()).one_or_none()
    if user is None:
        raise NotFound
    if user.erasing_at is not None:
        return False
    for access in _ACCESS:
        db.session.execute(
            sa.delete(access).where(access.user_id == user_id).execution_options(synchronize_session=False)
        )
    _update(
        user_id,
        email=None,
        email_verified=False,
        name=None,
        picture_url=None,
        language=None,
        time_zone=sa.text("DEFAULT"),
        exam_defaults=sa.text("DEFAULT"),
        role=Role.STUDENT,
        erasing_at=database_now(),
    )
    return True


def mark_erased(user_id: UUID) -> None:
    """Note on the row of a user who left that nothing else of her is there any more."""
    _update(user_id, erased_at=database_now())


def _update(user_id: UUID, **values: object) -> None:
    db.session.execute(
        sa.update(User).where(User.id == user_id).values(**values).execution_options(synchronize_session=False)
    )
