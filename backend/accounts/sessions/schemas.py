"""Response bodies of sessions."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from backend.core.web.http import ResponseBody


class SessionResponse(ResponseBody):
    """A signed-in device."""

    id: UUID
    device: str | None
    provider: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    is_current: bool = Field(description="Whether this request uses the session.")


class SessionList(ResponseBody):
    """All signed-in devices, most recently seen first."""

    items: list[SessionResponse]
