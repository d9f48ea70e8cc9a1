"""What every answer has in common: request ids, problem+json, limits, headers, entity tags.

Problems follow RFC 9457 with ``code``, ``detail``, ``request_id`` and, for validation, field ``errors``.
"""

import hashlib
import logging
import re
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from uuid import UUID

import structlog
from apiflask import APIFlask, HTTPError
from flask import Response, g, json, request
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.datastructures import Headers
from werkzeug.exceptions import HTTPException

from backend.core.database import find_refusal, is_passing
from backend.core.errors import DomainError, Unavailable
from backend.core.ids import new_id
from backend.core.logging import get_logger
from backend.core.origins import refuse_unknown_host
from backend.core.security_headers import security_headers
from backend.core.validation_messages import field_messages, nul_refused

log = get_logger(__name__)

LANGUAGES = ("en", "de")

_LARGEST_JSON = 1_000_000
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
_METHODS_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
_CODES = {
    400: "bad_request",
    401: "unauthorized",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    411: "length_required",
    413: "too_large",
    415: "unsupported_media_type",
    422: "invalid_input",
    429: "too_many_requests",
    500: "internal_error",
    503: "unavailable",
}
_SENTENCES = {
    "bad_request": {"en": "The request could not be understood.", "de": "Die Anfrage war nicht verständlich."},
    "invalid_json": {"en": "The body is not valid JSON.", "de": "Der Inhalt ist kein gültiges JSON."},
    "unauthorized": {"en": "Please sign in.", "de": "Bitte melde dich an."},
    "forbidden": {"en": "This is not allowed.", "de": "Das ist nicht erlaubt."},
    "not_found": {"en": "There is nothing here.", "de": "Hier gibt es nichts."},
    "method_not_allowed": {
        "en": "This method is not available here.",
        "de": "Diese Methode gibt es hier nicht.",
    },
    "not_acceptable": {
        "en": "This format is not available here.",
        "de": "Dieses Format gibt es hier nicht.",
    },
    "length_required": {
        "en": "The request needs a Content-Length header.",
        "de": "Die Anfrage braucht einen Content-Length-Header.",
    },
    "too_large": {"en": "The request is too large.", "de": "Die Anfrage ist zu gross."},
    "unsupported_media_type": {
        "en": "This content type is not accepted here.",
        "de": "Dieser Inhaltstyp wird hier nicht angenommen.",
    },
    "invalid_input": {"en": "Some fields are not valid.", "de": "Einige Felder sind ungültig."},
    "too_many_requests": {"en": "Too many requests.", "de": "Zu viele Anfragen."},
    "internal_error": {
        "en": "Something went wrong on our side. Please quote the request id if you write to us.",
        "de": "Bei uns ist etwas schiefgegangen. Nenne bitte die Request-ID, wenn du uns schreibst.",
    },
    "unavailable": {
        "en": "The service is briefly unavailable. Please try again.",
        "de": "Der Dienst ist kurz nicht verfügbar. Bitte versuche es noch einmal.",
    },
}


class Body(BaseModel):
    """Base of request bodies: an unknown field is an error that names it, and strings are trimmed."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, strict=False)

    @field_validator("*", mode="after")
    @classmethod
    def _refuse_nul(cls, value: object) -> object:
        # PostgreSQL cannot store the character, and would say so only when the row is written. Checked last, so
        # that a field may clean its text instead.
        if _has_nul(value):
            raise nul_refused()
        return value


def _has_nul(value: object) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, Mapping):
        return any(_has_nul(key) or _has_nul(inner) for key, inner in value.items())
    return isinstance(value, list) and any(_has_nul(inner) for inner in value)


class Answer(BaseModel):
    """Base of response bodies; built from rows, views and keywords alike."""

    model_config = ConfigDict(from_attributes=True)


class FieldError(BaseModel):
    """One field and what is wrong with it."""

    field: str
    messages: list[str]


class Problem(BaseModel):
    """The body of every error (RFC 9457)."""

    type: str = "about:blank"
    title: str
    status: int
    code: str
    detail: str
    request_id: str
    errors: list[FieldError] | None = None


def request_language() -> str:
    """Return the best supported language of the request's Accept-Language."""
    # Werkzeug's best_match prefers an exact "en" of low quality to the "de" in a wanted "de-CH".
    for tag, quality in request.accept_languages:
        language = tag.split("-")[0].lower()
        if language in LANGUAGES and quality > 0:
            return language
    return LANGUAGES[0]


def request_id() -> str:
    """Return the id of the current request."""
    return str(g.request_id)


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    errors: Mapping[str, list[str]] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Render a problem+json answer."""
    body = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        code=code,
        detail=detail,
        request_id=request_id(),
        errors=[FieldError(field=name, messages=texts) for name, texts in errors.items()] if errors else None,
    )
    response = Response(json.dumps(body.model_dump(exclude_none=True)), status, content_type="application/problem+json")
    response.headers.extend(dict(headers or {}))
    return response


def with_entity_tag(body: BaseModel) -> Response:
    """Answer with a strong ETag, or 304 when the caller has this very representation already."""
    text = json.dumps(body.model_dump(mode="json"))
    response = Response(text, content_type="application/json")
    response.set_etag(hashlib.sha256(text.encode()).hexdigest()[:32])
    response.headers["Cache-Control"] = "private, no-cache"
    response.make_conditional(request)
    return response


def configure_http(app: APIFlask, *, largest_upload: int, production: bool) -> None:
    """Install request ids, limits, error handlers and security headers on ``app``."""
    # An upload may carry several files; each file's own limit is the library's to check.
    app.config["MAX_CONTENT_LENGTH"] = largest_upload
    app.config["MAX_FORM_MEMORY_SIZE"] = _LARGEST_JSON
    app.config["MAX_FORM_PARTS"] = 50
    common = security_headers(production=production)

    @app.before_request
    def begin() -> Response | None:
        g.began_at = time.monotonic()
        wanted = request.headers.get("X-Request-Id", "")
        g.request_id = wanted if _REQUEST_ID.fullmatch(wanted) else new_id().hex
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)
        refuse_unknown_host()
        if request.method in _METHODS_WITH_BODY:
            return _refuse_body()
        return None

    @app.after_request
    def finish(response: Response) -> Response:
        response.headers["X-Request-Id"] = request_id()
        # Also on answers without CORS headers, so that no cache hands one origin's answer to another.
        response.vary.add("Origin")
        for name, value in common.items():
            response.headers.setdefault(name, value)
        # Probes ask every few seconds, and would hide what users do.
        is_routine = g.get("is_probe", False) and response.status_code < HTTPStatus.BAD_REQUEST
        log.log(
            logging.DEBUG if is_routine else logging.INFO,
            "http.request.answered",
            method=request.method,
            path=request.path,
            status=response.status_code,
            duration_ms=round((time.monotonic() - g.began_at) * 1000),
        )
        return response

    _install_error_handlers(app)


def _refuse_body() -> Response | None:
    # Without a length the limit would cut a chunked body silently instead of refusing it.
    if request.content_length is None and request.headers.get("Transfer-Encoding"):
        return _plain_problem(411, "length_required")
    if request.mimetype == "multipart/form-data" or not request.content_length:
        return None
    if request.content_length > _LARGEST_JSON:
        return _plain_problem(413, "too_large")
    # A browser asks before it sends JSON to another origin, but not before it sends text.
    return None if request.is_json else _plain_problem(415, "unsupported_media_type")


def _plain_problem(status: int, code: str, **more: Any) -> Response:
    return problem(status, code, _SENTENCES[code][request_language()], **more)


def _install_error_handlers(app: APIFlask) -> None:
    @app.error_processor
    def http_error(error: HTTPError) -> Response:
        # The framework's own messages are English, and name classes of ours.
        cause = error.__cause__
        errors = field_messages(cause, request_language()) if isinstance(cause, ValidationError) else None
        code = _CODES.get(error.status_code, "error")
        sentence = _SENTENCES.get(code, _SENTENCES["bad_request"])[request_language()]
        return problem(error.status_code, code, sentence, errors=errors, headers=dict(Headers(error.headers)))

    @app.errorhandler(HTTPException)
    def werkzeug_error(error: HTTPException) -> Response:
        status = error.code or 500
        code = _CODES.get(status, "error")
        if status == 400 and request.is_json:
            code = "invalid_json"
        keep = {"Allow", "Retry-After", "WWW-Authenticate"}
        headers = {name: value for name, value in error.get_headers() if name in keep}
        return problem(
            status, code, _SENTENCES.get(code, _SENTENCES["bad_request"])[request_language()], headers=headers
        )

    @app.errorhandler(DomainError)
    def domain_error(error: DomainError) -> Response:
        headers = {"Retry-After": str(error.retry_after_s)} if error.retry_after_s is not None else {}
        if error.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        sentence = error.text(request_language())
        errors = {name: texts or [sentence] for name, texts in error.fields.items()}
        return problem(error.status, error.code, sentence, errors=errors, headers=headers)

    @app.errorhandler(DBAPIError)
    def database_error(error: DBAPIError) -> Response:
        if is_passing(error):
            state = getattr(error.orig, "pgcode", None)
            log.warning("core.database.unavailable", sqlstate=state, error=type(error.orig).__name__)
            return domain_error(Unavailable())
        refusal = find_refusal(error)
        return domain_error(refusal) if refusal is not None else unexpected(error)

    @app.errorhandler(PoolTimeout)
    def pool_timeout(_error: PoolTimeout) -> Response:
        log.warning("core.database.pool_exhausted")
        return domain_error(Unavailable())

    @app.errorhandler(Exception)
    def unexpected(error: Exception) -> Response:
        log.error("http.request.crashed", error=type(error).__name__, path=request.path, exc_info=error)
        return _plain_problem(500, "internal_error")


def parse_uuid(text: str) -> UUID | None:
    """Return the UUID that ``text`` spells, or None."""
    try:
        return UUID(text)
    except ValueError:
        return None
