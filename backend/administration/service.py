"""Business verbs of administration: helping a user without seeing what is hers, each act written down with itself.

An administrator sees who a user is, figures and states. She sees no document, no card, no file name and no title of a
study set: there is no verb here that returns any.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import IO
from uuid import UUID

from backend.accounts import service as accounts
from backend.accounts.types import Caller, Role, UserAccess, UserFacts
from backend.administration.audit_log import Action, record_action
from backend.core.database.transaction import refuse_open_transaction
from backend.core.web.pagination import Page, PageQuery
from backend.generation import service as generation
from backend.generation.types import RunFacts, UserWork
from backend.library import service as library
from backend.library.types import Holdings
from backend.operations.errors import AdminNeeded
from backend.privacy import service as privacy


class DisablingReason(StrEnum):
    """Why a user is disabled. From a list, as the audit log must not hold what somebody typed about a person."""

    ABUSE = "abuse"
    TAKEN_OVER = "taken_over"
    PAYMENT = "payment"
    OWN_WISH = "own_wish"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class UserView:
    """A user, how she comes in, and how much of everything is hers."""

    user: UserFacts
    access: UserAccess
    holdings: Holdings
    work: UserWork


@dataclass(frozen=True, slots=True)
class Disabled:
    """What disabling a user ended."""

    user: UserFacts
    sessions_ended: int
    runs_cancelled: int


@dataclass(frozen=True, slots=True)
class RoleChange:
    """A user after her role was set: whether that changed it."""

    user: UserFacts
    changed: bool


def require_admin(caller: Caller) -> None:
    """Raise AdminNeeded unless the caller administers."""
    if not caller.is_admin:
        raise AdminNeeded


def find_users(admin_id: UUID, text: str | None, page: PageQuery) -> Page[UserFacts]:
    """Return a page of users; see ``accounts``. What was looked for is not written down, as it may name somebody."""
    found = accounts.find_users(text, page)
    record_action(admin_id, Action.USERS_SEARCHED, listed_all=not text, found=len(found.items))
    return found


def view_user(admin_id: UUID, user_id: UUID) -> UserView:
    """Return a user with her figures. Raises NotFound."""
    view = UserView(
        user=accounts.get_user(user_id),
        access=accounts.describe_access(user_id),
        holdings=library.measure_holdings(user_id),
        work=generation.measure_user(user_id),
    )
    record_action(admin_id, Action.USER_VIEWED, subject_user_id=user_id)
    return view


def list_user_runs(admin_id: UUID, user_id: UUID, page: PageQuery) -> Page[RunFacts]:
    """Return a page of the user's runs, newest first. Raises NotFound."""
    accounts.get_user(user_id)
    found = generation.list_runs_of_user(user_id, page)
    record_action(admin_id, Action.USER_RUNS_VIEWED, subject_user_id=user_id, found=len(found.items))
    return found


def disable_user(admin_id: UUID, user_id: UUID, reason: DisablingReason, ticket: int | None) -> Disabled:
    """Shut a user out at once: her sessions end, her keys are refused, what she has running is cancelled.

    Her runs end too because an account is disabled when it is misused or taken over: what went on would be paid by us
    and seen by nobody. Nothing is deleted, and a cancelled run can be retried once she is enabled again. Disabling
    twice is disabling once. Raises OwnAccount, NotFound, UserLeaving.
    """
    # Runs are locked before their user. Those that begin before the user is shut out are cancelled after it.
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
    """Let a user in again: she signs in anew, and her keys work as before. Raises NotFound, UserLeaving."""
    changed = accounts.enable_user(user_id)
    record_action(admin_id, Action.USER_ENABLED, subject_user_id=user_id, changed=changed)
    return accounts.get_user(user_id)


def end_sessions(admin_id: UUID, user_id: UUID) -> int:
    """End all sessions of a user, who may sign in again. Returns how many. Raises NotFound."""
    accounts.get_user(user_id)
    ended = accounts.end_sessions(user_id, reason="ended_by_admin")
    record_action(admin_id, Action.USER_SESSIONS_ENDED, subject_user_id=user_id, sessions_ended=ended)
    return ended


def cancel_run(admin_id: UUID, run_id: UUID) -> RunFacts:
    """Cancel a run of any user. An ended run stays as it is. Raises NotFound."""
    run = generation.cancel_any_run(run_id)
    record_action(admin_id, Action.RUN_CANCELLED, subject_user_id=run.user_id, run_id=run_id, state=run.state.value)
    return run


def retry_run(admin_id: UUID, run_id: UUID) -> RunFacts:
    """Have a failed or cancelled run done again; see ``generation``. Returns the new run."""
    run = generation.retry_run(run_id)
    record_action(admin_id, Action.RUN_RETRIED, subject_user_id=run.user_id, run_id=run_id, retried_as=str(run.id))
    return run


def set_admin(email_or_id: str, *, is_admin: bool) -> RoleChange | None:
    """Grant the role of an administrator, or take it back, as an operator at the command line.

    Returns None when no user has this id or this verified address. Raises UserLeaving.
    """
    found = accounts.find_user(email_or_id)
    if found is None:
        return None
    changed = accounts.set_role(found.id, Role.ADMIN if is_admin else Role.STUDENT)
    action = Action.ROLE_GRANTED if is_admin else Action.ROLE_REVOKED
    record_action(None, action, subject_user_id=found.id, changed=changed)
    return RoleChange(accounts.get_user(found.id), changed)


def write_export(user_id: UUID, file: IO[bytes]) -> None:
    """Write all that is a user's to a file, as an operator whom she has asked; ``record_export`` comes after it.

    Not in a transaction, which would be open for as long as the files take. Raises NotFound, FileUnavailable.
    """
    refuse_open_transaction()
    privacy.write_archive(file, user_id)


def record_export(user_id: UUID) -> None:
    """Record that an operator has exported all that is a user's."""
    record_action(None, Action.USER_EXPORTED, subject_user_id=user_id)


def erase_user(user_id: UUID) -> None:
    """End a user's access and have everything of hers erased, as an operator whom she has asked. Raises NotFound."""
    privacy.leave(user_id)
    record_action(None, Action.USER_ERASED, subject_user_id=user_id)
