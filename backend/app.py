"""The app factory: ``gunicorn "backend.app:create_app()"``."""

from typing import cast

from apiflask import APIFlask
from flask import g, request

from backend.accounts.api_keys.routes import api_keys
from backend.accounts.profile.routes import profile
from backend.accounts.providers.oauth import configure_oauth
from backend.accounts.service import get_caller
from backend.accounts.sessions.routes import sessions
from backend.accounts.sessions.tokens import configure_tokens
from backend.accounts.sign_in.routes import FRONTEND_KEY, providers, sign_in
from backend.accounts.sign_in.token_routes import development, tokens
from backend.administration.routes import admin
from backend.core.database.database import configure_database
from backend.core.database.transaction import transaction
from backend.core.process.logging import add_to_log, configure_logging
from backend.core.web.client_address import configure_client_address
from backend.core.web.cookies import configure_cookies
from backend.core.web.http import configure_http
from backend.core.web.openapi import SPEC_PATH, configure_openapi, docs
from backend.core.web.origins import configure_origins
from backend.core.web.rate_limits import RouteClass, RouteClasses, configure_rate_limits
from backend.core.web.uploads import UploadRequest
from backend.core.work.queue import configure_queue
from backend.generation.routes import generation
from backend.library.routes import library
from backend.operations.monitoring.metrics import configure_metrics
from backend.operations.monitoring.routes import SCRAPERS_KEY, metrics, operations
from backend.operations.monitoring.sentry import configure_sentry
from backend.privacy.routes import privacy
from backend.settings import Settings, get_settings
from backend.study.routes import study

API_PREFIX = "/api/v1"

# Everything else needs a signed-in user: a new route is closed until it is named here.
PUBLIC_ENDPOINTS = frozenset(
    {
        "operations.health",
        # Asks for a token of its own.
        "metrics.scrape",
        "operations.live",
        # They ask for a code or a refresh token of their own.
        "tokens.redeem_code",
        "tokens.refresh",
        "tokens.sign_out",
        "development.dev_login",
        # Those who sign in are not signed in yet.
        "providers.list_sign_in_providers",
        "sign_in.begin_sign_in",
        "sign_in.finish_sign_in",
        # A browser that navigates sends no token; it asks for a ticket.
        "privacy.download_linked_export",
        "openapi.spec",
        "docs.page",
        "docs.start",
        "docs.asset",
    }
)

# How requests are limited. What is not named here is a reading route or a writing one, by its method, and all under
# /auth is signing in.
ROUTE_CLASSES = RouteClasses(
    named={
        "library.upload_documents": RouteClass.UPLOAD,
        "generation.start_run": RouteClass.RUN,
        # Making a file of a whole study set takes long, though nothing is changed.
        "study.export_study_set": RouteClass.RUN,
        "privacy.request_export": RouteClass.RUN,
    },
    unlimited={
        "operations.health": "a probe that is refused restarts a process that is well",
        "operations.live": "a probe that is refused restarts a process that is well",
        "metrics.scrape": "is asked by one scraper, which has a token of its own",
        "openapi.spec": "does not touch a database",
        "docs.page": "does not touch a database",
        "docs.start": "does not touch a database",
        "docs.asset": "does not touch a database",
    },
    sign_in_under=f"{API_PREFIX}/auth/",
)

# Asked by address, by the platform's probes and by what measures from inside the private network.
ENDPOINTS_FOR_ANY_HOST = frozenset({"operations.health", "operations.live", "metrics.scrape"})

_FILES_PER_UPLOAD = 2


def create_app(settings: Settings | None = None) -> APIFlask:
    """Build the API. Raises SettingsRefused when the configuration is missing or unsafe."""
    settings = settings or get_settings()
    configure_logging(settings)
    configure_sentry(settings, "api")
    app = APIFlask(
        "hackthestudy",
        title="HackTheStudy",
        version=settings.app_version,
        spec_path=SPEC_PATH,
        docs_path=None,
        # None means that there is no static route; APIFlask's annotation forgets that Flask allows it.
        static_folder=cast(str, None),
    )
    app.request_class = UploadRequest
    app.config["SECRET_KEY"] = settings.flask_secret_key.get_secret_value()
    app.config["DESCRIPTION"] = "From lecture notes to a study kit whose every item leads back to its page."
    configure_http(
        app,
        largest_upload=settings.max_upload_bytes * _FILES_PER_UPLOAD + 1_000_000,
        production=settings.environment == "production",
        public_endpoints=PUBLIC_ENDPOINTS,
        upload_endpoints=ROUTE_CLASSES.list_named(RouteClass.UPLOAD),
    )
    configure_cookies(app, settings)
    configure_database(app, settings)
    configure_queue(settings, answers_requests=True)
    configure_tokens(app, settings)
    app.config[FRONTEND_KEY] = settings.frontend_url
    configure_oauth(app, settings)
    configure_metrics(app)
    configure_client_address(app, settings)
    rate_limits = configure_rate_limits(app, settings, ROUTE_CLASSES)
    _require_user(app)
    app.before_request(rate_limits.limit_user)
    rooms = [operations, providers, sign_in, tokens, sessions, api_keys, profile]
    rooms += [library, study, generation, privacy, admin, docs]
    if settings.environment != "production":
        rooms.append(development)
    for blueprint in rooms:
        app.register_blueprint(blueprint, url_prefix=API_PREFIX)
    if settings.metrics_token is not None:
        # Without a token there is no such page, not even one that says so.
        app.config[SCRAPERS_KEY] = settings.metrics_token.get_secret_value()
        app.register_blueprint(metrics)
    configure_openapi(app, PUBLIC_ENDPOINTS, ROUTE_CLASSES)
    configure_origins(app, settings, any_host=ENDPOINTS_FOR_ANY_HOST)
    return app


def _require_user(app: APIFlask) -> None:
    @app.before_request
    def authenticate() -> None:
        if request.endpoint is None or request.endpoint in PUBLIC_ENDPOINTS or request.method == "OPTIONS":
            return
        with transaction():
            g.caller = get_caller()
        g.user_id = g.caller.user_id
        add_to_log(user_id=g.user_id)
