"""Shared by all responses: request ids, problem+json, limits, headers, entity tags.

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

from apiflask import APIFlask, HTTPError
from flask import Response, g, json, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.datastructures import Headers, LanguageAccept
from werkzeug.exceptions import HTTPException, MethodNotAllowed, RequestEntityTooLarge
from werkzeug.http import parse_accept_header

from backend.core.database.database import find_refusal, is_passing
from backend.core.errors import DomainError, Unavailable
from backend.core.ids import new_id
from backend.core.process.logging import begin_log_context, get_logger
from backend.core.web.origins import refuse_unknown_host
from backend.core.web.problem_messages import code_of, sentence
from backend.core.web.security_headers import security_headers
from backend.core.web.uploads import (
    MAX_PART_HEAD_BYTES,
    MAX_PARTS,
    TEXT_TYPES,
    BodyTooLarge,
    UploadTooLarge,
)
from backend.core.web.validation_messages import field_messages, nul_refused, unnamed_errors
from backend.text.languages import LANGUAGES

log = get_logger(__name__)

_MAX_JSON_BYTES = 1_000_000
# Public routes take at most a code or a token.
_MAX_PUBLIC_JSON_BYTES = 8_000
_NO_RAW_BODIES: Mapping[str, int] = {}
_REQUEST_ID = re.compile(r"[A-Za-z0-9_-]{8,64}")
_METHODS_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


def _omit_null_defaults(schema: dict[str, Any]) -> None:
    for field in schema.get("properties", {}).values():
        if field.get("default", ...) is None:
            del field["default"]


class RequestBody(BaseModel):
    """Base of request bodies: an unknown field is an error that names it, and strings are trimmed.

    The OpenAPI document has no ``default: null``: leaving a field out often means something else than null, and
    generated types make fields with a default required.
    """

    model_config = ConfigDict(
        extra="forbid", str_strip_whitespace=True, strict=False, json_schema_extra=_omit_null_defaults
    )

    @field_validator("*", mode="after")
    @classmethod
    def _refuse_nul(cls, value: object) -> object:
        # PostgreSQL cannot store the character and would reject it only when the row is written. Checked after the
        # field's own validators, which may remove it.
        if _has_nul(value):
            raise nul_refused()
        return value


def _has_nul(value: object) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, Mapping):
        return any(_has_nul(key) or _has_nul(inner) for key, inner in value.items())
    return isinstance(value, list) and any(_has_nul(inner) for inner in value)


class ResponseBody(BaseModel):
    """Base of response bodies. Can be built from rows, views or keywords."""

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
    detail: str = Field(
        description="A sentence for the user in English, German, French or Italian: the language of their profile, "
        "else the best match for Accept-Language. Content-Language names it."
    )
    request_id: str
    errors: list[FieldError] | None = None


def request_language() -> str:
    """Return the language of the signed-in caller's profile or, without one, of the request's Accept-Language."""
    chosen = getattr(g.get("caller"), "language", None)
    if chosen in LANGUAGES:
        return str(chosen)
    g.is_language_negotiated = True
    return choose_language(request.headers.get("Accept-Language", ""))


def choose_language(accept_language: str) -> str:
    """Return the best supported language of an Accept-Language header."""
    # Werkzeug's best_match prefers an exact "en" of low quality over "de" for "de-CH".
    for tag, quality in parse_accept_header(accept_language, LanguageAccept):
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
    members: Mapping[str, object] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Render a problem+json response. ``members`` are those of this problem alone."""
    body = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        code=code,
        detail=detail,
        request_id=request_id(),
        errors=[FieldError(field=name, messages=texts) for name, texts in errors.items()] if errors else None,
    )
    rendered = json.dumps({**(members or {}), **body.model_dump(exclude_none=True)})
    response = Response(rendered, status, content_type="application/problem+json")
    response.headers["Content-Language"] = request_language()
    response.headers.extend(dict(headers or {}))
    return response


def with_entity_tag(body: BaseModel) -> Response:
    """Respond with a strong ETag, or 304 if the caller already has this representation."""
    text = json.dumps(body.model_dump(mode="json"))
    response = Response(text, content_type="application/json")
    response.set_etag(hashlib.sha256(text.encode()).hexdigest()[:32])
    response.headers["Cache-Control"] = "private, no-cache"
    response.make_conditional(request)
    return response


def configure_http(
    app: APIFlask,
    *,
    largest_upload: int,
    production: bool,
    public_endpoints: frozenset[str] = frozenset(),
    upload_endpoints: frozenset[str] = frozenset(),
    text_endpoints: frozenset[str] = frozenset(),
    raw_bodies: Mapping[str, int] = _NO_RAW_BODIES,
) -> None:
    """Install request ids, limits, error handlers and security headers on ``app``.

    ``public_endpoints`` need no signed-in user and accept only small bodies. ``upload_endpoints`` accept files,
    ``text_endpoints`` also a text as the whole body.
    ``raw_bodies`` are the maximum bytes by endpoint that takes a body of any content type.
    """
    # An upload may carry several files; each file's own limit is the library's to check.
    app.config["MAX_CONTENT_LENGTH"] = largest_upload
    app.config["MAX_FORM_MEMORY_SIZE"] = MAX_PART_HEAD_BYTES
    # A hundred photographs, one too many of them, and the fields of the form.
    app.config["MAX_FORM_PARTS"] = MAX_PARTS
    common = security_headers(production=production)

    @app.before_request
    def begin() -> Response | None:
        g.began_at = time.monotonic()
        g.is_language_negotiated = False
        wanted = request.headers.get("X-Request-Id", "")
        g.request_id = wanted if _REQUEST_ID.fullmatch(wanted) else new_id().hex
        begin_log_context(request_id=g.request_id)
        refuse_unknown_host()
        if request.method not in _METHODS_WITH_BODY or isinstance(request.routing_exception, MethodNotAllowed):
            return None
        endpoint = request.endpoint or ""
        if endpoint in raw_bodies:
            return _refuse_length(raw_bodies[endpoint])
        return _refuse_body(
            max_json_bytes=_MAX_PUBLIC_JSON_BYTES if endpoint in public_endpoints else _MAX_JSON_BYTES,
            takes_files=endpoint in upload_endpoints,
            takes_text=endpoint in text_endpoints,
        )

    @app.after_request
    def finish(response: Response) -> Response:
        response.headers["X-Request-Id"] = request_id()
        # Also without CORS headers, so that no cache serves one origin's response to another.
        response.vary.add("Origin")
        for name, value in common.items():
            response.headers.setdefault(name, value)
        if g.get("is_language_negotiated", False):
            response.vary.add("Accept-Language")
        # Probes run every few seconds and would drown out users' requests in the log.
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


def _refuse_length(max_bytes: int | None) -> Response | None:
    # Without a length, a chunked body over the limit would be truncated silently instead of refused.
    if request.content_length is None and request.headers.get("Transfer-Encoding"):
        return _plain_problem(411, "length_required")
    if max_bytes is not None and (request.content_length or 0) > max_bytes:
        raise BodyTooLarge(max_bytes)
    return None


def _refuse_body(*, max_json_bytes: int, takes_files: bool, takes_text: bool) -> Response | None:
    is_upload = takes_files and request.mimetype == "multipart/form-data"
    is_upload = is_upload or (takes_text and request.mimetype in TEXT_TYPES)
    refused = _refuse_length(None if is_upload else max_json_bytes)
    if refused is not None or is_upload or not request.content_length:
        return refused
    # The framework parses JSON of any content type. Browsers send a preflight before JSON to another origin, but not
    # before text or a form.
    return None if request.is_json else _plain_problem(415, "unsupported_media_type")


def _plain_problem(status: int, code: str, **more: Any) -> Response:
    return problem(status, code, sentence(code, request_language()), **more)


def _install_error_handlers(app: APIFlask) -> None:
    @app.error_processor
    def http_error(error: HTTPError) -> Response:
        # The framework's own messages are in English and name our classes.
        cause = error.__cause__
        code = code_of(error.status_code)
        detail, errors = sentence(code, request_language()), None
        if isinstance(cause, ValidationError):
            errors = field_messages(cause, request_language())
            unnamed = unnamed_errors(cause, request_language())
            detail = f"{detail} {unnamed}" if unnamed else detail
        return problem(error.status_code, code, detail, errors=errors, headers=dict(Headers(error.headers)))

    @app.errorhandler(HTTPException)
    def werkzeug_error(error: HTTPException) -> Response:
        if isinstance(error, RequestEntityTooLarge):
            return domain_error(UploadTooLarge(app.config["MAX_CONTENT_LENGTH"]))
        status = error.code or 500
        code = code_of(status)
        if status == 400 and request.is_json:
            code = "invalid_json"
        keep = {"Allow", "Retry-After", "WWW-Authenticate"}
        headers = {name: value for name, value in error.get_headers() if name in keep}
        return _plain_problem(status, code, headers=headers)

    @app.errorhandler(DomainError)
    def domain_error(error: DomainError) -> Response:
        headers = {"Retry-After": str(error.retry_after_s)} if error.retry_after_s is not None else {}
        if error.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
        detail = error.text(request_language())
        errors = {name: texts or [detail] for name, texts in error.fields.items()}
        members = {name: error.facts[name] for name in error.members}
        return problem(error.status, error.code, detail, errors=errors, members=members, headers=headers)

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
    """Parse a UUID, or return None."""
    try:
        return UUID(text)
    except ValueError:
        return None
