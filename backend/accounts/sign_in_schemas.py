"""Parameters and answers of signing in with a provider."""

from typing import Literal

from pydantic import BaseModel, Field

from backend.core.http import Answer


class SignInQuery(BaseModel):
    """Where a sign-in is to lead, and whether the password must be asked for again."""

    next: str = Field("", description="Path in the browser app to go to afterwards; anything else is ignored.")
    fresh: bool = Field(False, description="Ask the provider to ask for the password again.")


class ProviderAnswer(Answer):
    """A provider that users can sign in with."""

    name: str
    title: str
    kind: Literal["openid", "github"]


class ProvidersAnswer(Answer):
    """The configured providers, in the order in which to offer them."""

    items: list[ProviderAnswer]
