"""User administration: search, view, disable, enable, change role.

Nothing here checks permissions. Callers (administration, generation) authorize and audit.
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
from backend.core.web.pagination import ListPage, PageQuery, fetch_page


def find_users(text: str | None, page: PageQuery) -> ListPage[UserFacts]:
    """Return a page of users, newest first: the one with this id, or those whose address or name contains the text."""
    query = sa.select(User)
    if text:
        # Escaped, so that an underscore in a name is not a wildcard.
        found = sa.or_(User.email.icontains(text, autoescape=True), User.name.icontains(text, autoescape=True))
        user_id = parse_uuid(text)
        query = query.where(found if user_id is None else User.id == user_id)
    users = fetch_page(query, User.id, page, newest_first=True)
    return ListPage([_facts(user) for user in users.items], users.next_cursor)


def get_user(user_id: UUID) -> UserFacts:
    """Return the user. A deleted one has little more than an id. Raises NotFound."""
    user = db.session.get(User, user_id)
    if user is None:
        raise NotFound
    return _facts(user)


def keep_user(user_id: UUID) -> None:
    """Let a deletion of the account wait until the transaction ends. Raises NotFound; a deleted user is found."""
    kept = sa.select(User.id).where(User.id == user_id).with_for_update(read=True, key_share=True)
    if db.session.scalar(kept) is None:
        raise NotFound


def find_user(email_or_id: str) -> UserFacts | None:
    """Return the user with this id or verified address, or None."""
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
    """Return the user's identities, the number of open sessions and valid keys, and when they were last seen."""
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
    """Refuse the user's sessions and API keys from now on. Returns whether the user was enabled.

    ``by`` is the administrator. Raises OwnAccount, NotFound and UserLeaving, and NotSignedIn if ``by`` was disabled.
    """
    if user_id == by:
        raise OwnAccount
    # Lock both rows in id order: of two administrators who disable each other concurrently, only one succeeds.
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
    """Enable a user. Returns whether they were disabled. Raises NotFound, UserLeaving."""
    user = _not_leaving(next(iter(_lock(user_id)), None))
    was_disabled = user.disabled_at is not None
    user.disabled_at = None
    db.session.flush()
    return was_disabled


def set_role(user_id: UUID, role: Role) -> bool:
    """Change the user's role. Returns whether it changed. Raises NotFound, UserLeaving."""
    user = _not_leaving(next(iter(_lock(user_id)), None))
    changed = user.role != role
    user.role = role
    db.session.flush()
    return changed


def require_active_user(user_id: UUID) -> None:
    """Raise NotFound, UserDisabled or UserLeaving. An active user stays so until the transaction ends."""
    # A shared lock, so that concurrent starts for the same user do not wait for each other.
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
