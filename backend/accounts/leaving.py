"""Account deletion: revokes access and clears the user row, keeping only its id and timestamps.

The ``privacy`` room erases the remaining data afterwards. Nothing can be added meanwhile: triggers reject new rows
for a user who is leaving, including those of requests that were authenticated just before.
"""

from uuid import UUID

import sqlalchemy as sa

from backend.accounts.models import ApiKey, Identity, Session, SignInCode, User
from backend.accounts.types import Role
from backend.core.clock import database_now
from backend.core.database.database import db
from backend.core.errors import NotFound

# Signing out locks the session before the user, so these must come before the full lock here as well.
_LOCKED_FIRST = (SignInCode, Session)
_ACCESS = (SignInCode, Session, ApiKey, Identity)


def leave(user_id: UUID) -> bool:
    """Revoke all access of a user and clear their personal data. Returns False if they are already leaving.

    Identities are deleted, so a later sign-in with the same provider creates a new user. Raises NotFound.
    """
    # Redeeming a code and refreshing a session lock the user first. This weaker lock still allows inserts of the user's
    # own rows.
    db.session.execute(sa.select(User.id).where(User.id == user_id).with_for_update(key_share=True)).all()
    for table in _LOCKED_FIRST:
        db.session.execute(sa.select(table.user_id).where(table.user_id == user_id).with_for_update()).all()
    # The full lock waits for transactions that inserted rows of this user; later ones see that the user is leaving.
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
    """Record on the user's row that all other data of theirs has been erased."""
    _update(user_id, erased_at=database_now())


def _update(user_id: UUID, **values: object) -> None:
    db.session.execute(
        sa.update(User).where(User.id == user_id).values(**values).execution_options(synchronize_session=False)
    )
