"""Request and response bodies of tokens."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from backend.core.web.http import Answer, Body

HAND_OVER_COOKIE = "hand_over"


REFRESH_COOKIE = "refresh_token"


class DevLoginBody(Body):
    """Who signs in for development."""

    email: str = Field("student@example.org", pattern=r"^[^@\s]+@[^@\s]+$", max_length=200)


class TokenBody(Body):
    """The one-time code of the address, and where the refresh token is to be."""

    code: str = Field(min_length=1, max_length=200)
    refresh: Literal["cookie", "body"] = Field(
        "cookie", description="Browsers: in an HttpOnly cookie. Other clients: in the answer."
    )


class RefreshBody(Body):
    """The refresh token of a client that is no browser; a browser sends its cookie, and no token."""

    refresh_token: str | None = Field(None, min_length=1, max_length=2000)


class TokenAnswer(Answer):
    """A token that speaks for the user, sent as ``Authorization: Bearer …``."""

    access_token: str
    token_type: str = "Bearer"
    expires_in: int = Field(description="Seconds.")
    user_id: UUID
    refresh_token: str | None = Field(None, description="For clients that are no browsers; good for one refresh.")
