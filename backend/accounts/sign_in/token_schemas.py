"""Request and response bodies of tokens."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from backend.core.web.http import RequestBody, ResponseBody

HAND_OVER_COOKIE = "hand_over"
REFRESH_COOKIE = "refresh_token"


class DevLoginRequest(RequestBody):
    email: str = Field("student@example.org", pattern=r"^[^@\s]+@[^@\s]+$", max_length=200)


class TokenRequest(RequestBody):
    """The one-time code from the URL, and where to return the refresh token."""

    code: str = Field(min_length=1, max_length=200)
    refresh: Literal["cookie", "body"] = Field(
        "cookie",
        description="`cookie`: HttpOnly cookie, for browsers. `body`: response body, for other clients.",
    )


class RefreshRequest(RequestBody):
    """The refresh token, for clients that are not browsers. Browsers send the cookie and no token."""

    refresh_token: str | None = Field(None, min_length=1, max_length=2000)


class TokenResponse(ResponseBody):
    """An access token, to be sent as ``Authorization: Bearer …``."""

    access_token: str
    token_type: str = "Bearer"
    expires_in: int = Field(description="Lifetime of the access token in seconds.")
    user_id: UUID
    refresh_token: str | None = Field(None, description="Only for non-browser clients. Valid for one refresh.")
