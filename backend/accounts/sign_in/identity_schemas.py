"""Response bodies of identities."""

from datetime import datetime
from uuid import UUID

from backend.core.web.http import Answer


class IdentityAnswer(Answer):
    """One way for the user to sign in."""

    id: UUID
    provider: str
    email: str | None
    email_verified: bool
    created_at: datetime
    last_used_at: datetime | None


class IdentityList(Answer):
    """All ways for the user to sign in, the oldest first."""

    items: list[IdentityAnswer]
