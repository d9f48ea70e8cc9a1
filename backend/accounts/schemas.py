"""Bodies of the sign-in routes."""

from uuid import UUID

from pydantic import Field

from backend.core.http import Answer, Body


class DevLoginBody(Body):
    """Who signs in for development."""

    email: str = Field("student@example.org", pattern=r"^[^@\s]+@[^@\s]+$", max_length=200)


class TokenAnswer(Answer):
    """A token that speaks for the user, sent as ``Authorization: Bearer …``."""

    access_token: str
    token_type: str = "Bearer"
    expires_in: int = Field(description="Seconds.")
    user_id: UUID
