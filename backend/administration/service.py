"""Public verbs of administration: support for users without access to their content. Every action is audited.

Administrators see a user's profile, figures and states. They never see documents, cards, file names or titles of study
sets: no verb here returns any.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import IO
from uuid import UUID

from backend.accounts import service as accounts
from backend.accounts.types import Caller, Role, UserAccess, UserFacts
from backend.administration.audit_log import Action, record_action
from backend.billing import service as billing
from backend.billing.types import CreditBalance
from backend.core.database.transaction import refuse_open_transaction
from backend.core.web.pagination import ListPage, PageQuery
from backend.generation import service as generation
from backend.generation.types import RunFacts, UserWork
from backend.library import service as library
from backend.library.types import Holdings
from backend.operations.errors import AdminNeeded
from backend.privacy import service as privacy


class DisablingReason(StrEnum):
    """Why a user is disabled. A fixed list, because the audit log must not contain free text about a person."""

    ABUSE = "abuse"
    TAKEN_OVER = "taken_over"
    PAYMENT = "payment"
    OWN_WISH = "own_wish"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class UserView:
    """A user with sign-in methods, stored data, runs and credits, in figures."""

    user: UserFacts
    access: UserAccess
    holdings: Holdings
    work: UserWork
    credits: CreditBalance


@dataclass(frozen=True, slots=True)
class Disabled:
    """A disabled user, and the number of ended sessions and cancelled runs."""

    user: UserFacts
    sessions_ended: int
    runs_cancelled: int


@dataclass(frozen=True, slots=True)
class RoleChange:
    """A user after setting their role, and whether that changed it."""

    user: UserFacts
    changed: bool


def require_admin(caller: Caller) -> None:
    """Raise AdminNeeded unless the caller is an administrator."""
    if not caller.is_admin:
        raise AdminNeeded


def find_users(admin_id: UUID, text: str | None, page: PageQuery) -> ListPage[UserFacts]:
    """Return a page of users; see ``accounts``. The search text is not audited, because it may name a person."""
    found = accounts.find_users(text, page)
    record_action(admin_id, Action.USERS_SEARCHED, listed_all=not text, found=len(found.items))
    return found


def view_user(admin_id: UUID, user_id: UUID) -> UserView:
    """Return a user with figures. Raises NotFound."""
    view = UserView(
        user=accounts.get_user(user_id),
        access=accounts.describe_access(user_id),
        holdings=library.measure_holdings(user_id),
        work=generation.measure_user(user_id),
        credits=billing.read_balance(user_id),
    )
    record_action(admin_id, Action.USER_VIEWED, subject_user_id=user_id)
    return view


def list_user_runs(admin_id: UUID, user_id: UUID, page: PageQuery) -> ListPage[RunFacts]:
    """Return a page of the user's runs, newest first. Raises NotFound."""
    accounts.get_user(user_id)
    found = generation.list_runs_of_user(user_id, page)
    record_action(admin_id, Action.USER_RUNS_VIEWED, subject_user_id=user_id, found=len(found.items))
    return found


def disable_user(admin_id: UUID, user_id: UUID, reason: DisablingReason, ticket: int | None) -> Disabled:
    """Disable a user immediately: end sessions, block API keys, cancel runs.

    Runs are cancelled because accounts are disabled when they are abused or compromised; finishing them would cost us
    money for nothing. Nothing is deleted, and cancelled runs can be retried once the user is enabled. Idempotent.
    Raises OwnAccount, NotFound, UserLeaving.
    """
    # Lock order: runs before their user. Runs that start before the user is disabled are cancelled afterwards.
    runs = generation.cancel_runs_of(user_id)
    changed = accounts.disable_user(user_id, by=admin_id)
    sessions = accounts.end_sessions(user_id, reason="disabled")
    runs += generation.cancel_runs_of(user_id)
    record_action(
        admin_id,
        Action.USER_DISABLED,
        subject_user_id=user_id,
        reason=reason.value,
        ticket=ticket,
        changed=changed,
        sessions_ended=sessions,
        runs_cancelled=runs,
    )
    return Disabled(accounts.get_user(user_id), sessions, runs)


def enable_user(admin_id: UUID, user_id: UUID) -> UserFacts:
    """Enable a user, who must sign in again. Their API keys work as before. Raises NotFound, UserLeaving."""
    changed = accounts.enable_user(user_id)
    record_action(admin_id, Action.USER_ENABLED, subject_user_id=user_id, changed=changed)
    return accounts.get_user(user_id)


def end_sessions(admin_id: UUID, user_id: UUID) -> int:
    """End all sessions of a user and return their number. The user can sign in again. Raises NotFound."""
    accounts.get_user(user_id)
    ended = accounts.end_sessions(user_id, reason="ended_by_admin")
    record_action(admin_id, Action.USER_SESSIONS_ENDED, subject_user_id=user_id, sessions_ended=ended)
    return ended


def cancel_run(admin_id: UUID, run_id: UUID) -> RunFacts:
    """Cancel a run of any user. Does nothing if the run has ended. Raises NotFound."""
    run = generation.cancel_any_run(run_id)
    record_action(admin_id, Action.RUN_CANCELLED, subject_user_id=run.user_id, run_id=run_id, state=run.state.value)
    return run


def retry_run(admin_id: UUID, run_id: UUID) -> RunFacts:
    """Retry a failed or cancelled run and return the new run; see ``generation`` for errors."""
    run = generation.retry_run(run_id)
    record_action(admin_id, Action.RUN_RETRIED, subject_user_id=run.user_id, run_id=run_id, retried_as=str(run.id))
    return run


def set_admin(email_or_id: str, *, is_admin: bool) -> RoleChange | None:
    """Grant or revoke the admin role, as an operator at the command line.

    Returns None if no user has this id or verified address. Raises UserLeaving.
    """
    found = accounts.find_user(email_or_id)
    if found is None:
        return None
    changed = accounts.set_role(found.id, Role.ADMIN if is_admin else Role.STUDENT)
    action = Action.ROLE_GRANTED if is_admin else Action.ROLE_REVOKED
    record_action(None, action, subject_user_id=found.id, changed=changed)
    return RoleChange(accounts.get_user(found.id), changed)


def write_export(user_id: UUID, file: IO[bytes]) -> None:
    """Write a user's data export to a file, as an operator at the user's request. Call ``record_export`` afterwards.

    Not in a transaction, which would stay open while files are read. Raises NotFound, FileUnavailable.
    """
    refuse_open_transaction()
    privacy.write_archive(file, user_id)


def record_export(user_id: UUID) -> None:
    """Record in the audit log that an operator exported a user's data."""
    record_action(None, Action.USER_EXPORTED, subject_user_id=user_id)


def erase_user(user_id: UUID) -> None:
    """Delete a user's account and data, as an operator at the user's request. Raises NotFound."""
    privacy.leave(user_id)
    record_action(None, Action.USER_ERASED, subject_user_id=user_id)
