"""Request and response bodies of the profile and the activity log."""

from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, Field, StrictInt
from pydantic_core import PydanticCustomError

from backend.accounts.callers import is_admin
from backend.accounts.models import Activity, User
from backend.accounts.types import MAX_ITEMS_PER_RUN, ActivityKind, ExamDefaults, Role
from backend.core.web.http import RequestBody, ResponseBody
from backend.core.web.pagination import PageQuery
from backend.core.web.validation_messages import TIME_ZONE
from backend.core.web.visible_text import VisibleLine
from backend.text.languages import Language

# Requires a host, and rejects a user name or password.
_PICTURE_URL = r"^https://[^\s/?#@:\\\"<>]+(:[0-9]{1,5})?([/?#][^\s\\\"<>]*)?$"


# The package's list, because a machine's own files differ and have names that are not IANA's ("localtime").
@cache
def _time_zones() -> frozenset[str]:
    names = (files("tzdata") / "zones").read_text().split()
    return frozenset(names) - {"Factory"}


def _known_time_zone(value: str) -> str:
    if value not in _time_zones():
        raise PydanticCustomError(TIME_ZONE, "Unknown time zone.")
    return value


class ExamDefaultsRequest(RequestBody):
    """Defaults for fields that a run leaves out; null means no default."""

    flashcards: StrictInt | None = Field(None, ge=0, le=MAX_ITEMS_PER_RUN)
    questions: StrictInt | None = Field(None, ge=0, le=MAX_ITEMS_PER_RUN)
    language: Language | None = Field(None, description="Language of the items.")
    difficulty: Literal["easy", "medium", "hard"] | None = None


class ProfileRequest(RequestBody):
    """The fields to change. Fields that are left out stay unchanged."""

    # default_factory keeps the default out of the schema: the field may be left out, but not be null.
    name: Annotated[str, VisibleLine] = Field(default_factory=str, min_length=1, max_length=100)
    picture_url: str | None = Field(None, max_length=500, pattern=_PICTURE_URL)
    language: Language | None = Field(None, description="Language of messages; null: use Accept-Language.")
    time_zone: Annotated[str, AfterValidator(_known_time_zone)] = Field(
        default_factory=str, max_length=50, description="IANA time zone name, such as `Europe/Zurich`."
    )
    exam_defaults: ExamDefaultsRequest | None = Field(None, description="Replaced as a whole; null removes them.")

    def changes(self) -> dict[str, Any]:
        """Return the new values by column."""
        changes = {name: getattr(self, name) for name in self.model_fields_set}
        if "exam_defaults" in changes:
            changes["exam_defaults"] = self.exam_defaults.model_dump(exclude_none=True) if self.exam_defaults else {}
        return changes


class ExamDefaultsResponse(ResponseBody):
    """Defaults for fields that a run leaves out; null means no default."""

    flashcards: int | None
    questions: int | None
    language: str | None
    difficulty: str | None


class ProfileResponse(ResponseBody):
    """Your profile."""

    id: UUID
    name: str | None
    picture_url: str | None
    email: str | None
    email_verified: bool
    language: str | None = Field(description="Language of messages; null: Accept-Language is used.")
    time_zone: str
    exam_defaults: ExamDefaultsResponse | None
    role: Role
    created_at: datetime

    @classmethod
    def of(cls, user: User) -> Self:
        defaults = (
            ExamDefaultsResponse.model_validate(ExamDefaults.of(user.exam_defaults)) if user.exam_defaults else None
        )
        return cls(
            id=user.id,
            name=user.name,
            picture_url=user.picture_url,
            email=user.email,
            email_verified=user.email_verified,
            language=user.language,
            time_zone=user.time_zone,
            exam_defaults=defaults,
            role=Role.ADMIN if is_admin(user.role, user.email, verified=user.email_verified) else Role.STUDENT,
            created_at=user.created_at,
        )


class ActivityQuery(PageQuery):
    kind: ActivityKind | None = Field(None, description="Only this kind.")


class ActivityResponse(ResponseBody):
    """An entry of the activity log. The content of ``data`` depends on the kind: ids, names and counts."""

    id: UUID
    # Not an enum: during a rollout, the next release may write kinds that this one does not know.
    kind: str = Field(description="One of the kinds of the `kind` parameter; later releases may add kinds.")
    at: datetime
    data: dict[str, Any]

    @classmethod
    def of(cls, activity: Activity) -> Self:
        return cls(id=activity.id, kind=activity.kind, at=activity.created_at, data=activity.data)


class ActivityPage(ResponseBody):
    """A page of the activity log, newest first."""

    items: list[ActivityResponse]
    next_cursor: str | None
