"""Response bodies of identities."""

from datetime import datetime
from uuid import UUID

from backend.core.web.http import ResponseBody


class IdentityResponse(ResponseBody):
    """A sign-in method of the user."""

    id: UUID
    provider: str
    email: str | None
    email_verified: bool
    created_at: datetime
    last_used_at: datetime | None


class IdentityList(ResponseBody):
    """All sign-in methods of the user, oldest first."""

    items: list[IdentityResponse]
