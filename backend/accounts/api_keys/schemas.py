"""Request and response bodies of API keys."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import Field, StrictInt

from backend.accounts.types import Scope
from backend.core.web.http import RequestBody, ResponseBody
from backend.core.web.visible_text import VisibleLine


class ApiKeyRequest(RequestBody):
    """The API key to create."""

    name: Annotated[str, VisibleLine] = Field(min_length=1, max_length=100, description="To recognize the key by.")
    scopes: list[Scope] = Field(
        [Scope.READ],
        min_length=1,
        max_length=len(Scope),
        description="`read` is GET and HEAD, `write` is everything else; neither includes the other.",
    )
    expires_in_days: StrictInt = Field(365, ge=1, le=730)


class ApiKeyResponse(ResponseBody):
    """An API key, without its secret part."""

    id: UUID
    name: str
    prefix: str = Field(description="The first characters of the key.")
    scopes: list[Scope]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None = Field(description="To the minute.")


class NewApiKeyResponse(ApiKeyResponse):
    """A new API key, with its secret."""

    key: str = Field(description="Send it as `Authorization: Bearer …`. It is not shown again.")


class ApiKeyList(ResponseBody):
    """All API keys that are not revoked, newest first."""

    items: list[ApiKeyResponse]
