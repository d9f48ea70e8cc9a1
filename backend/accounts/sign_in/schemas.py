"""Parameters and answers of signing in with a provider."""

from typing import Literal

from pydantic import BaseModel, Field

from backend.core.web.http import Answer, Body


class SignInQuery(BaseModel):
    """Where a sign-in is to lead, and whether the password must be asked for again."""

    next: str = Field("", description="Path in the browser app to go to afterwards; anything else is ignored.")
    fresh: bool = Field(
        False, description="Make the provider ask again who it is: needed before what asks for a fresh sign-in."
    )
    link: bool = Field(False, description="Link the identity to who asked for it (`POST /auth/links`).")


class LinkBody(Body):
    """The provider whose identity is to be linked."""

    provider: str = Field(min_length=1, max_length=40)
    next: str = Field("", max_length=500, description="Path in the browser app to go to afterwards.")


class LinkAnswer(Answer):
    """Where to send the browser, within ten minutes."""

    url: str


class ProviderAnswer(Answer):
    """A provider that users can sign in with."""

    name: str
    title: str
    kind: Literal["openid", "github"]


class ProvidersAnswer(Answer):
    """The configured providers, in the order in which to offer them."""

    items: list[ProviderAnswer]
