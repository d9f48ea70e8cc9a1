"""Request and response bodies of API keys."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StrictInt

from backend.accounts.types import Scope
from backend.core.web.http import Answer, Body
from backend.core.web.visible_text import VisibleLine


class ApiKeyBody(Body):
    """A key to be made."""

    name: Annotated[str, VisibleLine] = Field(min_length=1, max_length=100, description="By which you know it again.")
    scopes: list[Scope] = Field(
        [Scope.READ],
        min_length=1,
        max_length=len(Scope),
        description="`read` is GET and HEAD, `write` is everything else; neither includes the other.",
    )
    expires_in_days: StrictInt = Field(365, ge=1, le=730)


class ApiKeyAnswer(Answer):
    """A key as it is known later: by its beginning."""

    id: UUID
    name: str
    prefix: str = Field(description="How the key begins.")
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None = Field(description="To the minute.")


class NewApiKeyAnswer(ApiKeyAnswer):
    """A key that was just made."""

    key: str = Field(description="Sent as `Authorization: Bearer …`. It is not shown again.")


class ApiKeyList(Answer):
    """All keys that were not revoked, the newest first."""

    items: list[ApiKeyAnswer]
