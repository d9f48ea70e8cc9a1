"""Request and response bodies of sessions."""

from datetime import datetime
from uuid import UUID

from pydantic import Field

from backend.core.web.http import Answer


class SessionAnswer(Answer):
    """One signed-in device."""

    id: UUID
    device: str | None
    provider: str
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    is_current: bool = Field(description="Whether this very request comes from it.")


class SessionList(Answer):
    """All signed-in devices, the one seen last first."""

    items: list[SessionAnswer]
