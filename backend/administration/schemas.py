"""Request and response bodies of administration. None contains titles, file names or study content."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AliasPath, Field, StringConstraints

from backend.accounts.types import Role
from backend.administration.audit_log import Action, ActorKind
from backend.administration.billing_schemas import SupportedBalance
from backend.administration.service import DisablingReason, UserView
from backend.core.web.http import RequestBody, ResponseBody
from backend.core.web.pagination import PageQuery
from backend.core.web.visible_text import VisibleLine
from backend.generation.types import PartialReason, RunState

_SearchText = Annotated[str, VisibleLine, StringConstraints(max_length=200)]


class UsersQuery(PageQuery):
    query: _SearchText | None = Field(
        None, description="An id, or part of an e-mail address or name. Case-insensitive."
    )


class AuditLogQuery(PageQuery):
    user_id: UUID | None = Field(None, description="Only actions that concern this user.")
    actor_id: UUID | None = Field(None, description="Only actions by this administrator.")


class DisableRequest(RequestBody):
    """Why the user is disabled. No free text, because the audit log keeps it permanently."""

    reason: DisablingReason
    ticket: int | None = Field(None, ge=1, le=2**53, description="Number of the support case.")


class UserSummary(ResponseBody):
    """A user. A deleted user has no address or name."""

    id: UUID
    email: str | None
    email_verified: bool
    name: str | None
    language: str | None
    time_zone: str
    role: Role = Field(description="The role that an operator granted.")
    is_admin: bool = Field(description="True by role, or by a verified address listed in `ADMIN_EMAILS`.")
    created_at: datetime
    disabled_at: datetime | None
    erasing_at: datetime | None


class UserSummaryPage(ResponseBody):
    """A page of users, newest first."""

    items: list[UserSummary]
    next_cursor: str | None


class UserIdentity(ResponseBody):
    """A sign-in method of the user."""

    provider: str
    email: str | None
    email_verified: bool
    created_at: datetime
    last_used_at: datetime | None


class UserTokens(ResponseBody):
    """Requests to the language model, and the tokens they used."""

    requests: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int


class UserFigures(ResponseBody):
    """Current totals of a user. Contents of deleted study sets are not counted."""

    study_sets: int
    documents: int
    stored_bytes: int = Field(description="Unexpired files, the text of documents, and items.")
    runs: dict[RunState, int]
    tokens: UserTokens


class UserDetail(ResponseBody):
    """A user with sign-in methods, usage figures and credits."""

    user: UserSummary
    identities: list[UserIdentity]
    open_sessions: int
    last_seen_at: datetime | None
    api_keys: int = Field(description="Number of keys that are neither revoked nor expired.")
    usage: UserFigures
    credits: SupportedBalance

    @classmethod
    def of(cls, view: UserView) -> Self:
        return cls(
            user=UserSummary.model_validate(view.user),
            identities=[UserIdentity.model_validate(each) for each in view.access.identities],
            open_sessions=view.access.open_sessions,
            last_seen_at=view.access.last_seen_at,
            api_keys=view.access.api_keys,
            usage=UserFigures(
                study_sets=view.holdings.study_sets,
                documents=view.holdings.documents,
                stored_bytes=view.holdings.stored_bytes,
                runs={RunState(state): count for state, count in view.work.runs.items()},
                tokens=UserTokens.model_validate(view.work.usage),
            ),
            credits=SupportedBalance.model_validate(view.credits),
        )


class DisabledResponse(ResponseBody):
    """The disabled user, and the number of ended sessions and cancelled runs."""

    user: UserSummary
    sessions_ended: int
    runs_cancelled: int


class SessionsEndedResponse(ResponseBody):
    """The number of sessions that were ended."""

    sessions_ended: int


class SupportedProgress(ResponseBody):
    """Progress of a run. Totals are null until they are known."""

    pages_read: int
    pages_total: int | None
    sections_done: int
    sections_total: int


class SupportedRun(ResponseBody):
    """A run as administrators see it: only state and figures."""

    id: UUID
    user_id: UUID
    study_set_id: UUID
    state: RunState
    error_code: str | None
    partial_reason: PartialReason | None = Field(description="Why a run is only partly done.")
    waiting_for: str | None = Field(
        description="`free_budget`: today's budget for free credits is used up. `model_quota`: so is our account at "
        "the language model's vendor."
    )
    retry_of: UUID | None = Field(description="The run that this one retries.")
    continues: UUID | None = Field(description="The run whose missing items this one makes.")
    model: str
    is_draft: bool
    flashcards_asked: int | None = Field(validation_alias=AliasPath("asked", "flashcards"))
    questions_asked: int | None = Field(validation_alias=AliasPath("asked", "questions"))
    flashcards_delivered: int = Field(validation_alias=AliasPath("delivered", "flashcards"))
    questions_delivered: int = Field(validation_alias=AliasPath("delivered", "questions"))
    failed_sections: int
    progress: SupportedProgress
    usage: UserTokens
    request_id: str | None = Field(description="Finds the log lines of the run.")
    created_at: datetime
    ended_at: datetime | None


class SupportedRunPage(ResponseBody):
    """A page of a user's runs, newest first."""

    items: list[SupportedRun]
    next_cursor: str | None


class ActionResponse(ResponseBody):
    """An action or view by an administrator, or by an operator at the command line (who has no id)."""

    id: UUID
    actor_kind: ActorKind
    actor_id: UUID | None
    action: Action
    subject_user_id: UUID | None
    run_id: UUID | None
    data: dict[str, Any]
    request_id: str | None
    created_at: datetime


class ActionPage(ResponseBody):
    """A page of the audit log, newest first."""

    items: list[ActionResponse]
    next_cursor: str | None
