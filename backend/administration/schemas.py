"""Bodies of the routes of administration. None has a title, a file name, or a word of what a user learns."""

from datetime import datetime
from typing import Annotated, Any, Self
from uuid import UUID

from pydantic import AliasPath, Field, StringConstraints

from backend.accounts.types import Role
from backend.administration.audit_log import Action, ActorKind
from backend.administration.service import DisablingReason, UserView
from backend.core.web.http import Answer, Body
from backend.core.web.pagination import PageQuery
from backend.core.web.visible_text import VisibleLine
from backend.generation.types import RunState

_SearchText = Annotated[str, VisibleLine, StringConstraints(max_length=200)]


class UsersQuery(PageQuery):
    """Which users are looked for."""

    query: _SearchText | None = Field(
        None, description="An id, or a part of an e-mail address or name, upper and lower case alike."
    )


class AuditLogQuery(PageQuery):
    """What the audit log is narrowed to."""

    user_id: UUID | None = Field(None, description="What was done to this user.")
    actor_id: UUID | None = Field(None, description="What this administrator did.")


class DisableBody(Body):
    """Why a user is disabled; there is no room for words, because the audit log keeps it for ever."""

    reason: DisablingReason
    ticket: int | None = Field(None, ge=1, le=2**53, description="The number of the support case.")


class UserSummary(Answer):
    """Who a user is. One who has left has no address and no name any more."""

    id: UUID
    email: str | None
    email_verified: bool
    name: str | None
    language: str | None
    time_zone: str
    role: Role = Field(description="What an operator granted.")
    is_admin: bool = Field(description="By the role, or by a verified address of `ADMIN_EMAILS`.")
    created_at: datetime
    disabled_at: datetime | None
    erasing_at: datetime | None


class UserSummaryPage(Answer):
    """A page of users, the newest first."""

    items: list[UserSummary]
    next_cursor: str | None


class UserIdentity(Answer):
    """One way for the user to sign in."""

    provider: str
    email: str | None
    email_verified: bool
    created_at: datetime
    last_used_at: datetime | None


class UserTokens(Answer):
    """What the language model used, in tokens."""

    requests: int
    input_tokens: int
    cached_tokens: int
    output_tokens: int


class UserFigures(Answer):
    """How much of everything is the user's now: what went with a deleted study set is not counted."""

    study_sets: int
    documents: int
    stored_bytes: int = Field(description="Files that have not expired, the text of documents, and items.")
    runs: dict[RunState, int]
    tokens: UserTokens


class UserDetail(Answer):
    """A user, how she signs in, and her figures."""

    user: UserSummary
    identities: list[UserIdentity]
    open_sessions: int
    last_seen_at: datetime | None
    api_keys: int = Field(description="Those that are neither revoked nor expired.")
    usage: UserFigures

    @classmethod
    def of(cls, view: UserView) -> Self:
        """Build the answer."""
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
        )


class DisabledAnswer(Answer):
    """A disabled user, and what ended with it."""

    user: UserSummary
    sessions_ended: int
    runs_cancelled: int


class SessionsEndedAnswer(Answer):
    """How many sessions were open."""

    sessions_ended: int


class SupportedProgress(Answer):
    """Counted work; totals are null until they are known."""

    pages_read: int
    pages_total: int | None
    sections_done: int
    sections_total: int


class SupportedRun(Answer):
    """A run of any user: figures and states."""

    id: UUID
    user_id: UUID
    study_set_id: UUID
    state: RunState
    error_code: str | None
    retry_of: UUID | None = Field(description="The ended run that this one does again.")
    model: str
    is_draft: bool
    flashcards_asked: int | None = Field(validation_alias=AliasPath("asked", "flashcards"))
    questions_asked: int | None = Field(validation_alias=AliasPath("asked", "questions"))
    flashcards_delivered: int = Field(validation_alias=AliasPath("delivered", "flashcards"))
    questions_delivered: int = Field(validation_alias=AliasPath("delivered", "questions"))
    failed_sections: int
    progress: SupportedProgress
    usage: UserTokens
    request_id: str | None = Field(description="Leads to the log lines of the run.")
    created_at: datetime
    ended_at: datetime | None


class SupportedRunPage(Answer):
    """A page of a user's runs, the newest first."""

    items: list[SupportedRun]
    next_cursor: str | None


class ActionAnswer(Answer):
    """Something that an administrator did or looked at, or an operator (who has no id) at the command line."""

    id: UUID
    actor_kind: ActorKind
    actor_id: UUID | None
    action: Action
    subject_user_id: UUID | None
    run_id: UUID | None
    data: dict[str, Any]
    request_id: str | None
    created_at: datetime


class ActionPage(Answer):
    """A page of the audit log, the newest first."""

    items: list[ActionAnswer]
    next_cursor: str | None
