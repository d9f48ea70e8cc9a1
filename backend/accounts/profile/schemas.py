"""Request and response bodies of the profile and the activity log."""

from datetime import datetime
from functools import cache
from typing import Annotated, Any, Literal, Self
from uuid import UUID
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, StrictInt
from pydantic_core import PydanticCustomError

from backend.accounts.callers import is_admin
from backend.accounts.models import Activity, User
from backend.accounts.types import MAX_ITEMS_PER_RUN, ActivityKind, ExamDefaults, Role
from backend.core.web.http import Answer, Body
from backend.core.web.pagination import PageQuery
from backend.core.web.validation_messages import TIME_ZONE
from backend.core.web.visible_text import VisibleLine
from backend.text.languages import Language

# With a host, and without a user's name or password.
_PICTURE_URL = r"^https://[^\s/?#@:\\\"<>]+(:[0-9]{1,5})?([/?#][^\s\\\"<>]*)?$"


# The names are looked for in hundreds of files.
_time_zones = cache(available_timezones)


def _known_time_zone(value: str) -> str:
    if value not in _time_zones():
        raise PydanticCustomError(TIME_ZONE, "There is no such time zone.")
    return value


class ExamDefaultsBody(Body):
    """What a run is started with when it does not say otherwise; null leaves it open, as a run does."""

    flashcards: StrictInt | None = Field(None, ge=0, le=MAX_ITEMS_PER_RUN)
    questions: StrictInt | None = Field(None, ge=0, le=MAX_ITEMS_PER_RUN)
    language: Language | None = Field(None, description="Of the items.")
    difficulty: Literal["easy", "medium", "hard"] | None = None


class ProfileBody(Body):
    """What is to be changed of a profile; what is left out stays."""

    # A default made by a factory is not written into the schema: leaving out is allowed, null is not.
    name: Annotated[str, VisibleLine] = Field(default_factory=str, min_length=1, max_length=100)
    picture_url: str | None = Field(None, max_length=500, pattern=_PICTURE_URL)
    language: Language | None = Field(None, description="Of messages; null: as the browser asks for.")
    time_zone: Annotated[str, AfterValidator(_known_time_zone)] = Field(
        default_factory=str, max_length=50, description="A name of the IANA database, such as `Europe/Zurich`."
    )
    exam_defaults: ExamDefaultsBody | None = Field(None, description="Replaced as a whole; null: none.")

    def changes(self) -> dict[str, Any]:
        """Return the new values by column."""
        changes = {name: getattr(self, name) for name in self.model_fields_set}
        if "exam_defaults" in changes:
            changes["exam_defaults"] = self.exam_defaults.model_dump(exclude_none=True) if self.exam_defaults else {}
        return changes


class ExamDefaultsAnswer(Answer):
    """What a run is started with when it does not say otherwise; null is left open."""

    flashcards: int | None
    questions: int | None
    language: str | None
    difficulty: str | None


class ProfileAnswer(Answer):
    """Who you are here."""

    id: UUID
    name: str | None
    picture_url: str | None
    email: str | None
    email_verified: bool
    language: str | None = Field(description="Of messages; null: as the browser asks for.")
    time_zone: str
    exam_defaults: ExamDefaultsAnswer | None
    role: Role
    created_at: datetime

    @classmethod
    def of(cls, user: User) -> Self:
        """Build the answer for one user."""
        defaults = (
            ExamDefaultsAnswer.model_validate(ExamDefaults.of(user.exam_defaults)) if user.exam_defaults else None
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
    """Which part of the history is asked for."""

    kind: ActivityKind | None = Field(None, description="This kind alone.")


class ActivityAnswer(Answer):
    """Something that happened; ``data`` depends on the kind: ids, names and counts."""

    id: UUID
    # No enumeration: the next release may have written what this one does not know, and is read by both.
    kind: str = Field(description="One of those to ask for, and later releases' own.")
    at: datetime
    data: dict[str, Any]

    @classmethod
    def of(cls, activity: Activity) -> Self:
        """Build the answer for one row."""
        return cls(id=activity.id, kind=activity.kind, at=activity.created_at, data=activity.data)


class ActivityPage(Answer):
    """A page of the history, newest first."""

    items: list[ActivityAnswer]
    next_cursor: str | None
