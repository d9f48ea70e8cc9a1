"""The routes of administration: for administrators who are signed in themselves, and for nobody else.

To others each answers 403 and not 404: that the routes are there stands in the public OpenAPI document, so hiding them
would hide nothing, and would leave an administrator whose address is not verified yet looking for a spelling mistake.
None needs a fresh sign-in: nothing here deletes, everything can be taken back and is written down, and an account that
has been taken over must be disabled in the minute in which that is known.
"""

from uuid import UUID

from apiflask import APIBlueprint
from flask import g, request

from backend.administration import audit_log as audit
from backend.administration import service as administration
from backend.administration.schemas import (
    ActionAnswer,
    ActionPage,
    AuditLogQuery,
    DisableBody,
    DisabledAnswer,
    SessionsEndedAnswer,
    SupportedRun,
    SupportedRunPage,
    UserDetail,
    UsersQuery,
    UserSummary,
    UserSummaryPage,
)
from backend.core.database.transaction import transaction
from backend.core.web.pagination import PageQuery

admin = APIBlueprint("admin", __name__, tag="Administration")

_ADMINS = {403: "Administrators only"}


@admin.before_request
def require_admin() -> None:
    """Refuse everybody else, before a body is looked at or an id looked up."""
    # A browser asks without its user's token whether it may ask, so such a request has no caller.
    if request.method != "OPTIONS":
        administration.require_admin(g.caller)


@admin.get("/admin/users")
@admin.input(UsersQuery, location="query", arg_name="wanted")
@admin.output(UserSummaryPage)
@admin.doc(responses=_ADMINS)
def find_users(wanted: UsersQuery) -> UserSummaryPage:
    """Find users by id, or by a part of their e-mail address or name; the newest first."""
    with transaction():
        found = administration.find_users(g.user_id, wanted.query, wanted)
    items = [UserSummary.model_validate(user) for user in found.items]
    return UserSummaryPage(items=items, next_cursor=found.next_cursor)


@admin.get("/admin/users/<uuid:user_id>")
@admin.output(UserDetail)
@admin.doc(responses=_ADMINS)
def view_user(user_id: UUID) -> UserDetail:
    """Look at a user: profile, ways of signing in, figures. Nothing of what she learns."""
    with transaction():
        return UserDetail.of(administration.view_user(g.user_id, user_id))


@admin.get("/admin/users/<uuid:user_id>/runs")
@admin.input(PageQuery, location="query", arg_name="page")
@admin.output(SupportedRunPage)
@admin.doc(responses=_ADMINS)
def list_user_runs(user_id: UUID, page: PageQuery) -> SupportedRunPage:
    """List all runs of a user, the newest first."""
    with transaction():
        found = administration.list_user_runs(g.user_id, user_id, page)
    items = [SupportedRun.model_validate(run) for run in found.items]
    return SupportedRunPage(items=items, next_cursor=found.next_cursor)


@admin.post("/admin/users/<uuid:user_id>/disable")
@admin.input(DisableBody, arg_name="body")
@admin.output(DisabledAnswer)
@admin.doc(responses={**_ADMINS, 409: "Yourself, or a user who has left"})
def disable_user(user_id: UUID, body: DisableBody) -> DisabledAnswer:
    """Shut a user out at once: sessions end, API keys are refused, runs are cancelled. Nothing is deleted."""
    with transaction():
        done = administration.disable_user(g.user_id, user_id, body.reason, body.ticket)
    return DisabledAnswer.model_validate(done)


@admin.post("/admin/users/<uuid:user_id>/enable")
@admin.output(UserSummary)
@admin.doc(responses={**_ADMINS, 409: "A user who has left"})
def enable_user(user_id: UUID) -> UserSummary:
    """Let a disabled user in again: she signs in anew, and her API keys work as before."""
    with transaction():
        return UserSummary.model_validate(administration.enable_user(g.user_id, user_id))


@admin.post("/admin/users/<uuid:user_id>/end-sessions")
@admin.output(SessionsEndedAnswer)
@admin.doc(responses=_ADMINS)
def end_user_sessions(user_id: UUID) -> SessionsEndedAnswer:
    """Sign a user out everywhere. API keys stay, and she may sign in again."""
    with transaction():
        return SessionsEndedAnswer(sessions_ended=administration.end_sessions(g.user_id, user_id))


@admin.post("/admin/runs/<uuid:run_id>/cancel")
@admin.output(SupportedRun, status_code=202)
@admin.doc(responses=_ADMINS)
def cancel_any_run(run_id: UUID) -> SupportedRun:
    """Cancel a run of any user, as she would herself."""
    with transaction():
        return SupportedRun.model_validate(administration.cancel_run(g.user_id, run_id))


@admin.post("/admin/runs/<uuid:run_id>/retry")
@admin.output(SupportedRun, status_code=202)
@admin.doc(responses={**_ADMINS, 409: "Not failed or cancelled, or nothing can be started for its user"})
def retry_run(run_id: UUID) -> SupportedRun:
    """Start a run that does a failed or cancelled one again for its user. Asked twice, it is the same run."""
    with transaction():
        return SupportedRun.model_validate(administration.retry_run(g.user_id, run_id))


@admin.get("/admin/audit-log")
@admin.input(AuditLogQuery, location="query", arg_name="wanted")
@admin.output(ActionPage)
@admin.doc(responses=_ADMINS)
def list_actions(wanted: AuditLogQuery) -> ActionPage:
    """Read what administrators did and looked at, the newest first. Nobody can alter it."""
    with transaction():
        found = audit.list_actions(wanted, subject_user_id=wanted.user_id, actor_id=wanted.actor_id)
    items = [ActionAnswer.model_validate(action) for action in found.items]
    return ActionPage(items=items, next_cursor=found.next_cursor)
