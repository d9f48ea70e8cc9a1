"""Routes of administration: only for administrators, and not with an API key.

Other callers get 403 rather than 404. The routes are in the public OpenAPI document, so a 404 would hide nothing, and
would mislead an administrator whose address is not verified yet. No route here requires a fresh sign-in: nothing is
deleted, everything is reversible and audited, and a compromised account must be disabled without delay. Routes that
give credits or money, in ``billing_routes``, do.
"""

from uuid import UUID

from apiflask import APIBlueprint
from flask import g, request

from backend.administration import audit_log as audit
from backend.administration import service as administration
from backend.administration.schemas import (
    ActionPage,
    ActionResponse,
    AuditLogQuery,
    DisabledResponse,
    DisableRequest,
    SessionsEndedResponse,
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

ADMINS = {403: "Administrators only"}


@admin.before_request
def require_admin() -> None:
    """Reject other callers before the body is parsed or an id is looked up."""
    # CORS preflight requests carry no token, so they have no caller.
    if request.method != "OPTIONS":
        administration.require_admin(g.caller)


@admin.get("/admin/users")
@admin.input(UsersQuery, location="query", arg_name="wanted")
@admin.output(UserSummaryPage)
@admin.doc(responses=ADMINS)
def find_users(wanted: UsersQuery) -> UserSummaryPage:
    """Find users by id, or by part of their e-mail address or name, newest first."""
    with transaction():
        found = administration.find_users(g.user_id, wanted.query, wanted)
    items = [UserSummary.model_validate(user) for user in found.items]
    return UserSummaryPage(items=items, next_cursor=found.next_cursor)


@admin.get("/admin/users/<uuid:user_id>")
@admin.output(UserDetail)
@admin.doc(responses=ADMINS)
def view_user(user_id: UUID) -> UserDetail:
    """View a user: profile, sign-in methods and usage figures. Shows none of their study content."""
    with transaction():
        return UserDetail.of(administration.view_user(g.user_id, user_id))


@admin.get("/admin/users/<uuid:user_id>/runs")
@admin.input(PageQuery, location="query", arg_name="page")
@admin.output(SupportedRunPage)
@admin.doc(responses=ADMINS)
def list_user_runs(user_id: UUID, page: PageQuery) -> SupportedRunPage:
    """List all runs of a user, newest first."""
    with transaction():
        found = administration.list_user_runs(g.user_id, user_id, page)
    items = [SupportedRun.model_validate(run) for run in found.items]
    return SupportedRunPage(items=items, next_cursor=found.next_cursor)


@admin.post("/admin/users/<uuid:user_id>/disable")
@admin.input(DisableRequest, arg_name="body")
@admin.output(DisabledResponse)
@admin.doc(responses={**ADMINS, 409: "Your own account, or a deleted user"})
def disable_user(user_id: UUID, body: DisableRequest) -> DisabledResponse:
    """Disable a user immediately. Ends sessions, blocks API keys and cancels runs. Deletes nothing."""
    with transaction():
        done = administration.disable_user(g.user_id, user_id, body.reason, body.ticket)
    return DisabledResponse.model_validate(done)


@admin.post("/admin/users/<uuid:user_id>/enable")
@admin.output(UserSummary)
@admin.doc(responses={**ADMINS, 409: "A deleted user"})
def enable_user(user_id: UUID) -> UserSummary:
    """Enable a disabled user. They must sign in again. Their API keys work as before."""
    with transaction():
        return UserSummary.model_validate(administration.enable_user(g.user_id, user_id))


@admin.post("/admin/users/<uuid:user_id>/end-sessions")
@admin.output(SessionsEndedResponse)
@admin.doc(responses=ADMINS)
def end_user_sessions(user_id: UUID) -> SessionsEndedResponse:
    """Sign a user out everywhere. API keys stay valid, and the user can sign in again."""
    with transaction():
        return SessionsEndedResponse(sessions_ended=administration.end_sessions(g.user_id, user_id))


@admin.post("/admin/runs/<uuid:run_id>/cancel")
@admin.output(SupportedRun, status_code=202)
@admin.doc(responses=ADMINS)
def cancel_any_run(run_id: UUID) -> SupportedRun:
    """Cancel a run of any user. Same effect as the user's own cancellation."""
    with transaction():
        return SupportedRun.model_validate(administration.cancel_run(g.user_id, run_id))


@admin.post("/admin/runs/<uuid:run_id>/retry")
@admin.output(SupportedRun, status_code=202)
@admin.doc(
    responses={
        **ADMINS,
        402: "The user has too few credits",
        409: "The run has not failed or been cancelled, or its user is disabled or deleted",
    }
)
def retry_run(run_id: UUID) -> SupportedRun:
    """Retry a failed or cancelled run for its user. Idempotent: retrying again returns the same new run."""
    with transaction():
        return SupportedRun.model_validate(administration.retry_run(g.user_id, run_id))


@admin.get("/admin/audit-log")
@admin.input(AuditLogQuery, location="query", arg_name="wanted")
@admin.output(ActionPage)
@admin.doc(responses=ADMINS)
def list_actions(wanted: AuditLogQuery) -> ActionPage:
    """List what administrators did and viewed, newest first. Entries cannot be changed."""
    with transaction():
        found = audit.list_actions(wanted, subject_user_id=wanted.user_id, actor_id=wanted.actor_id)
    items = [ActionResponse.model_validate(action) for action in found.items]
    return ActionPage(items=items, next_cursor=found.next_cursor)
