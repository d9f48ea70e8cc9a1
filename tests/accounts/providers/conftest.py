"""Providers on loopback, the API configured with them, and a small app that exposes the gateway's results."""

from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import Any

import pytest
from apiflask import APIFlask
from flask import Flask, request
from pydantic import SecretStr

from backend.accounts.providers import browser as flow
from backend.app import create_app
from backend.core.errors import DomainError
from backend.core.web.cookies import configure_cookies
from backend.identity_providers import OidcProvider
from backend.settings import Settings
from tests.accounts.providers.browser import FRONTEND_URL, PUBLIC_URL, Browser
from tests.patience import patient_s
from tests.stand_ins.github_server import GitHubServer
from tests.stand_ins.openid_provider import OpenIdProvider

# Short, because tests wait for it, but long enough for a response on a busy machine.
TIMEOUT_S = patient_s(20.0)


@pytest.fixture(scope="module")
def stand_ins() -> Iterator[tuple[OpenIdProvider, OpenIdProvider, GitHubServer]]:
    """Two OpenID Connect providers and a GitHub."""
    with OpenIdProvider() as university, OpenIdProvider() as college, GitHubServer() as github:
        yield university, college, github


@pytest.fixture
def university(stand_ins: tuple[OpenIdProvider, OpenIdProvider, GitHubServer]) -> OpenIdProvider:
    """A provider that follows the standard until a test changes it."""
    stand_ins[0].reset()
    return stand_ins[0]


@pytest.fixture
def college(stand_ins: tuple[OpenIdProvider, OpenIdProvider, GitHubServer]) -> OpenIdProvider:
    """A provider that cannot ask for the password again."""
    stand_ins[1].reset()
    return stand_ins[1]


@pytest.fixture
def github(stand_ins: tuple[OpenIdProvider, OpenIdProvider, GitHubServer]) -> GitHubServer:
    stand_ins[2].reset()
    return stand_ins[2]


@pytest.fixture
def provider_settings(
    settings: Settings, university: OpenIdProvider, college: OpenIdProvider, github: GitHubServer
) -> Settings:
    offered = tuple(
        OidcProvider(
            name=name,
            title=name.title(),
            issuer=server.url,
            client_id=server.client_id,
            client_secret=SecretStr(server.client_secret),
            reauthenticates=name == "university",
            email_domains=domains,
        )
        # The college may not verify addresses.
        for name, server, domains in (("university", university, ("uni.example",)), ("college", college, ()))
    )
    return settings.model_copy(
        update={
            "public_url": PUBLIC_URL,
            "frontend_url": FRONTEND_URL,
            "oidc_providers": offered,
            "github_client_id": SecretStr(github.client_id),
            "github_client_secret": SecretStr(github.client_secret),
            "github_url": github.url,
            "github_api_url": github.api_url,
            "provider_timeout_s": TIMEOUT_S,
        }
    )


@pytest.fixture
def gateway_app(provider_settings: Settings) -> Flask:
    """An app that signs in and returns the gateway's result, or the code of its error."""
    app = Flask("gateway", static_folder=None)
    app.secret_key = "secret-of-the-small-app"
    configure_cookies(app, provider_settings)
    flow.configure_providers(app, provider_settings)

    @app.get("/api/v1/auth/login/<name>")
    def begin(name: str) -> Any:
        fresh, next_path = request.args.get("fresh") == "true", request.args.get("next")
        return flow.begin_sign_in(name, fresh=fresh, next_path=next_path, link_session_id=None)

    @app.get("/api/v1/auth/callback/<name>")
    def finish(name: str) -> Any:
        return asdict(flow.finish_sign_in(name))

    @app.errorhandler(DomainError)
    def refuse(error: DomainError) -> Any:
        return {"error": error.code}, error.status

    return app


@pytest.fixture
def browser(gateway_app: Flask) -> Browser:
    """A browser at the small app."""
    return Browser(gateway_app)


@pytest.fixture(scope="module")
def built_api(settings: Settings) -> APIFlask:
    """The API behind TLS, built once."""
    return create_app(settings.model_copy(update={"public_url": PUBLIC_URL, "frontend_url": FRONTEND_URL}))


@pytest.fixture
def api(built_api: APIFlask, provider_settings: Settings) -> APIFlask:
    """The API with these providers configured and nothing cached of them."""
    flow.configure_providers(built_api, provider_settings)
    return built_api


@pytest.fixture
def api_browser(api: APIFlask) -> Browser:
    """A browser at the API."""
    return Browser(api)


@pytest.fixture
def forget_in(gateway_app: Flask) -> Callable[[float], None]:
    """Age the cached documents of the providers by this many seconds."""

    def age(seconds: float) -> None:
        for kept in gateway_app.extensions["oauth_gateway"].documents._kept.values():
            kept.read_at -= seconds
            if kept.failed_at is not None:
                kept.failed_at -= seconds

    return age
