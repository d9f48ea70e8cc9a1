"""Users as those see them who help them: found, looked at, disabled, enabled, given a role.

Nothing here asks who calls: only operations may, which answers for it and writes down what was done.
"""

from uuid import UUID

import sqlalchemy as sa

from backend.accounts.callers import is_admin
from backend.accounts.conditions import has_verified_email, key_lives
from backend.accounts.errors import NotSignedIn, OwnAccount, UserDisabled, UserLeaving
from backend.accounts.models import ApiKey, Identity, Session, User
from backend.accounts.sessions.sessions import is_open
from backend.accounts.types import IdentityFacts, Role, UserAccess, UserFacts
from backend.core.clock import read_database_clock
from backend.core.database.database import db
from backend.core.errors import NotFound
from backend.core.web.http import parse_uuid
from backend.core.web.pagination import Page, PageQuery, fetch_page


def find_users(text: str | None, page: PageQuery) -> Page[UserFacts]:
    """Return a page of the users with this id, or this text in their address or name; all by default; newest first."""
    query = sa.select(User)
    if text:
        # Escaped, since a name with an underscore is no pattern.
        found = sa.or_(User.email.icontains(text, autoescape=True), User.name.icontains(text, autoescape=True))
        user_id = parse_uuid(text)
        query = query.where(found if user_id is None else User.id == user_id)
    users = fetch_page(query, User.id, page, newest_first=True)
    return Page([_facts(user) for user in users.items], users.next_cursor)


def get_user(user_id: UUID) -> UserFacts:
    """Return the user, also one who has left: then there is little but her id. Raises NotFound."""
    user = db.session.get(User, user_id)
    if user is None:
        raise NotFound
    return _facts(user)


def find_user(email_or_id: str) -> UserFacts | None:
    """Return the user with this id, or with this address where a provider has verified it; None without one."""
    user_id = parse_uuid(email_or_id)
    wanted = User.id == user_id if user_id else has_verified_email(email_or_id)
    user = db.session.scalar(sa.select(User).where(wanted))
    return _facts(user) if user is not None else None


def _facts(user: User) -> UserFacts:
    return UserFacts(
        id=user.id,
        email=user.email,
        email_verified=user.email_verified,
        name=user.name,
        language=user.language,
        time_zone=user.time_zone,
        role=Role(user.role),
        is_admin=is_admin(user.role, user.email, verified=user.email_verified),
        created_at=user.created_at,
        disabled_at=user.disabled_at,
        erasing_at=user.erasing_at,
    )


def describe_access(user_id: UUID) -> UserAccess:
    """Return how the user comes in: her identities, how many sessions and keys are open, when she was last seen."""
    identities = db.session.scalars(sa.select(Identity).where(Identity.user_id == user_id).order_by(Identity.id))
    sessions, seen_at = db.session.execute(
        sa.select(sa.func.count().filter(is_open()), sa.func.max(Session.last_seen_at)).where(
            Session.user_id == user_id
        )
    ).one()
    keys = sa.select(sa.func.count()).where(ApiKey.user_id == user_id, key_lives())
    return UserAccess(
        identities=tuple(
            IdentityFacts(each.provider, each.email, each.email_verified, each.created_at, each.last_used_at)
            for each in identities
        ),
        open_sessions=sessions,
        last_seen_at=seen_at,
        api_keys=db.session.scalars(keys).one(),
    )


def disable_user(user_id: UUID, *, by: UUID) -> bool:
    """Refuse the user from now on, with sessions and keys alike. Returns whether she was let in until now.

    Raises OwnAccount, NotFound, UserLeaving.
    """
    if user_id == by:
        raise OwnAccount
    # Both rows, in one order: of two administrators who disable each other at the same moment, one is too late.
    users = {user.id: user for user in _lock(user_id, by)}
    if by not in users or users[by].disabled_at is not None:
        raise NotSignedIn
    user = _not_leaving(users.get(user_id))
    if user.disabled_at is not None:
        return False
    user.disabled_at = read_database_clock()
    db.session.flush()
    return True


def enable_user(user_id: UUID) -> bool:
    """Let a disabled user in again. Returns whether she was disabled. Raises NotFound, UserLeaving."""
    user = _not_leaving(next(iter(_lock(user_id)), None))
    was_disabled = user.disabled_at is not None
    user.disabled_at = None
    db.session.flush()
    return was_disabled


def set_role(user_id: UUID, role: Role) -> bool:
    """Give the user a role. Returns whether she had another. Raises NotFound, UserLeaving."""
    user = _not_leaving(next(iter(_lock(user_id)), None))
    changed = user.role != role
    user.role = role
    db.session.flush()
    return changed


def require_active_user(user_id: UUID) -> None:
    """Raise UserDisabled or UserLeaving; until the transaction ends, she is neither. Raises NotFound."""
    # Only shared: what several begin for her at once need not wait.
    user = db.session.scalar(
        sa.select(User).where(User.id == user_id).with_for_update(read=True).execution_options(populate_existing=True)
    )
    if _not_leaving(user).disabled_at is not None:
        raise UserDisabled


def _lock(*user_ids: UUID) -> list[User]:
    query = sa.select(User).where(User.id.in_(user_ids)).order_by(User.id)
    return list(
        db.session.scalars(query.with_for_update(key_share=True).execution_options(populate_existing=True)).all()
    )


def _not_leaving(user: User | None) -> User:
    if user is None:
        raise NotFound
    if user.erasing_at is not None:
        raise UserLeaving
    return user
