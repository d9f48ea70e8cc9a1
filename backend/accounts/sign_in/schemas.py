"""Parameters, request and response bodies of signing in with a provider."""

from typing import Literal

from pydantic import BaseModel, Field

from backend.core.web.http import RequestBody, ResponseBody


class SignInQuery(BaseModel):
    next: str = Field("", description="Path in the browser app to continue at afterwards. Anything else is ignored.")
    fresh: bool = Field(
        False, description="Make the provider prompt the user again. Operations with a fresh sign-in require this."
    )
    link: bool = Field(False, description="Link the identity to the account that called `POST /auth/links`.")


class LinkRequest(RequestBody):
    """The provider to link."""

    provider: str = Field(min_length=1, max_length=40)
    next: str = Field("", max_length=500, description="Path in the browser app to continue at afterwards.")


class LinkResponse(ResponseBody):
    """The URL to navigate the browser to, within ten minutes."""

    url: str


class ProviderResponse(ResponseBody):
    """A sign-in provider."""

    name: str
    title: str
    kind: Literal["openid", "github"]


class ProviderList(ResponseBody):
    """The configured providers, in display order."""

    items: list[ProviderResponse]
