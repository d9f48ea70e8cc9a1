"""The app factory: ``gunicorn "backend.app:create_app()"``."""

from pkgutil import resolve_name
from typing import cast

from apiflask import APIFlask
from flask import g, request

from backend.accounts.service import get_caller
from backend.core.database.database import configure_database
from backend.core.database.transaction import transaction
from backend.core.manifest import API_PREFIX, Room, merge, open_rooms
from backend.core.process.logging import add_to_log, configure_logging
from backend.core.web.client_address import configure_client_address
from backend.core.web.cookies import configure_cookies
from backend.core.web.http import configure_http
from backend.core.web.openapi import SPEC_PATH, configure_openapi
from backend.core.web.origins import configure_origins
from backend.core.web.rate_limits import RouteClass, RouteClasses, configure_rate_limits
from backend.core.web.uploads import UploadRequest
from backend.core.work.queue import configure_queue
from backend.operations.monitoring.sentry import configure_sentry
from backend.rooms import ROOMS
from backend.settings import Settings, get_settings

# All other endpoints require a signed-in user, so a new route is closed until its room declares it public.
PUBLIC_ENDPOINTS = frozenset(merge(ROOMS, "public_endpoints"))

# Maximum bytes of bodies that are not parsed.
RAW_BODIES = merge(ROOMS, "raw_bodies")

# Endpoints that also take a text as the whole body.
TEXT_BODIES = frozenset().union(*(room.text_bodies for room in ROOMS))

# Routes not declared by a room are in the class for reads or writes, by method; all under /auth are sign-in routes.
ROUTE_CLASSES = RouteClasses(
    named=merge(ROOMS, "limits"),
    unlimited=merge(ROOMS, "unlimited"),
    limited_by_view=merge(ROOMS, "limited_by_view"),
    sign_in_under=f"{API_PREFIX}/auth/",
)

_FILES_PER_UPLOAD = 2


def create_app(settings: Settings | None = None) -> APIFlask:
    """Build the API. Raises SettingsRefused if a setting is missing, malformed or unsafe."""
    settings = settings or get_settings()
    configure_logging(settings)
    configure_sentry(settings, "api")
    app = APIFlask(
        "hackthestudy",
        title="HackTheStudy",
        version=settings.app_version,
        spec_path=SPEC_PATH,
        docs_path=None,
        # None: no static route. Flask allows it, but APIFlask's annotation does not.
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
        text_endpoints=TEXT_BODIES,
        raw_bodies=RAW_BODIES,
    )
    configure_cookies(app, settings)
    configure_database(app, settings)
    configure_queue(settings, answers_requests=True)
    open_rooms(ROOMS)
    for room in ROOMS:
        for configure in room.configure:
            resolve_name(configure)(app, settings)
    configure_client_address(app, settings)
    rate_limits = configure_rate_limits(app, settings, ROUTE_CLASSES)
    _require_user(app)
    app.before_request(rate_limits.limit_user)
    for room in ROOMS:
        _register_routes(app, room, settings)
    configure_openapi(
        app,
        PUBLIC_ENDPOINTS,
        ROUTE_CLASSES,
        raw_bodies=RAW_BODIES,
        text_bodies=TEXT_BODIES,
        problems=[error for room in ROOMS for error in room.problems],
    )
    configure_origins(app, settings, any_host=frozenset().union(*(room.any_host for room in ROOMS)))
    return app


def _register_routes(app: APIFlask, room: Room, settings: Settings) -> None:
    for routes in room.routes:
        if routes.when(settings):
            app.register_blueprint(resolve_name(routes.blueprint), url_prefix=routes.prefix or None)


def _require_user(app: APIFlask) -> None:
    @app.before_request
    def authenticate() -> None:
        if request.endpoint is None or request.endpoint in PUBLIC_ENDPOINTS or request.method == "OPTIONS":
            return
        with transaction():
            g.caller = get_caller()
        g.user_id = g.caller.user_id
        add_to_log(user_id=g.user_id)
