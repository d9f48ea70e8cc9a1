"""Finishes the generated OpenAPI document, and serves a page to browse it, with local assets."""

import itertools
import json
import re
from collections.abc import Collection, Iterable
from importlib.resources import files
from typing import Any

from apiflask import APIBlueprint, APIFlask
from flask import Response, abort, url_for
from flask.json.provider import DefaultJSONProvider

from backend.core.errors import DomainError
from backend.core.web.http import Problem
from backend.core.web.idempotency import ACCEPTS_KEY, REQUIRES_KEY
from backend.core.web.rate_limits import RouteClasses
from backend.core.web.uploads import TEXT_TYPES, UPLOADED_FILE

SPEC_PATH = "/api/v1/openapi.json"

docs = APIBlueprint("docs", __name__, enable_openapi=False)

_ASSETS = files("flask_openapi3_swagger") / "templates" / "swagger"
_ASSET_TYPES = {
    "css/swagger-ui.css": "text/css",
    "js/swagger-ui-bundle.js": "text/javascript",
}
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>HackTheStudy API</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"><link rel="stylesheet" href="{css}"></head>
<body><div id="docs"></div><script src="{js}"></script><script src="{start}"></script></body></html>
"""
_START = """SwaggerUIBundle({{url: {spec}, dom_id: "#docs", deepLinking: true, validatorUrl: null}});
"""
# Swagger UI sets inline styles and draws its icons from data: addresses.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
# The page needs no access to the device.
_PERMISSIONS = ", ".join(
    f"{feature}=()" for feature in ("camera", "display-capture", "geolocation", "microphone", "payment", "usb")
)


@docs.get("/docs")
def page() -> Response:
    """The documentation page."""
    html = _PAGE.format(
        css=url_for(".asset", name="css/swagger-ui.css"),
        js=url_for(".asset", name="js/swagger-ui-bundle.js"),
        start=url_for(".start"),
    )
    return Response(
        html,
        content_type="text/html; charset=utf-8",
        headers={"Content-Security-Policy": _POLICY, "Permissions-Policy": _PERMISSIONS},
    )


@docs.get("/docs/start.js")
def start() -> Response:
    """The page's start script. It is a separate file because inline scripts are not allowed."""
    return Response(_START.format(spec=json.dumps(SPEC_PATH)), content_type="text/javascript")


@docs.get("/docs/<path:name>")
def asset(name: str) -> Response:
    """A style sheet or script of the page."""
    if name not in _ASSET_TYPES:
        abort(404)
    body = (_ASSETS / name).read_bytes()
    headers = {"Cache-Control": "public, max-age=86400"}
    return Response(body, content_type=_ASSET_TYPES[name], headers=headers)


def configure_openapi(
    app: APIFlask,
    public_endpoints: frozenset[str],
    classes: RouteClasses,
    *,
    raw_bodies: Collection[str] = (),
    text_bodies: Collection[str] = (),
    problems: Iterable[type[DomainError]] = (),
) -> None:
    """Finish the generated document on each request for it.

    ``raw_bodies`` are the endpoints that take a body as it is, ``text_bodies`` those that also take a text as the whole
    body, ``problems`` the errors with members of their own.
    """
    app.config["SECURITY_SCHEMES"] = {
        "bearer": {
            "type": "http",
            "scheme": "bearer",
            "description": "An access token, or an API key (`hts_…`) within its scopes.",
        },
    }
    app.config["AUTO_OPERATION_ID"] = True
    # Relative to the document's own URL, so that the document is the same on every machine.
    app.config["SERVERS"] = [{"url": "/", "description": "The server that this document comes from."}]
    if isinstance(app.json, DefaultJSONProvider):
        # Generated clients parse a response as the first media type they know, so the order must survive.
        app.json.sort_keys = False

    @app.spec_processor
    def finish(spec: dict[str, Any] | str) -> dict[str, Any]:
        if isinstance(spec, str):
            raise TypeError("The document is generated as JSON.")
        rules = {
            (_braces(rule.rule), method.lower()): rule
            for rule in app.url_map.iter_rules()
            for method in rule.methods or ()
        }
        for path, methods in spec["paths"].items():
            for method, operation in methods.items():
                if isinstance(operation, dict) and "responses" in operation:
                    endpoint = rules[path, method].endpoint
                    _describe_path(operation, rules[path, method].rule)
                    view = app.view_functions.get(endpoint)
                    if getattr(view, ACCEPTS_KEY, False):
                        parameter = IDEMPOTENCY_KEY | {"required": getattr(view, REQUIRES_KEY, False)}
                        operation.setdefault("parameters", []).append(parameter)
                        for status, text in _KEY_REFUSED.items():
                            operation["responses"].setdefault(status, {"description": text})
                        _add_header(operation, "2", "Location")
                        _add_header(operation, "409", "Retry-After")
                    if endpoint in raw_bodies:
                        operation["requestBody"] = dict(_RAW_BODY)
                    if endpoint in text_bodies:
                        operation["requestBody"]["content"] |= dict.fromkeys(TEXT_TYPES, _TEXT_BODY)
                    limited = classes.find(endpoint, path, method.upper()) is not None
                    _finish_operation(
                        operation,
                        endpoint,
                        public=endpoint in public_endpoints,
                        limited=limited,
                        raw=endpoint in raw_bodies,
                    )
        # APIFlask lists one tag per blueprint, but several blueprints share a tag.
        spec["tags"] = [{"name": name} for name in dict.fromkeys(tag["name"] for tag in spec["tags"])]
        schemas = spec.setdefault("components", {}).setdefault("schemas", {})
        for unused in ("HTTPError", "ValidationError"):
            schemas.pop(unused, None)
        spec["components"]["headers"] = _LIMIT_HEADERS
        schemas["Problem"] = _describe_problem(problems)
        return _flatten(spec)


def _describe_problem(problems: Iterable[type[DomainError]]) -> dict[str, Any]:
    """Return the schema of all problems. Members that only some have are optional."""
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    for error in problems:
        for name, text in error.members.items():
            described = {"type": "integer", "description": text}
            if schema["properties"].setdefault(name, described) != described:
                raise ValueError(f"Two descriptions of the member {name} of problems.")
    return schema


def _braces(rule: str) -> str:
    parts = []
    for part in rule.split("/"):
        parts.append("{" + part[1:-1].split(":")[-1] + "}" if part.startswith("<") else part)
    return "/".join(parts)


def _describe_path(operation: dict[str, Any], rule: str) -> None:
    """Describe the form of path parameters. The generator knows only their types."""
    kinds = {}
    for part in rule.split("/"):
        kind, _, name = part[1:-1].rpartition(":")
        kinds[name] = kind or "string"
    for parameter in operation.get("parameters", ()):
        if parameter["in"] == "path":
            parameter["schema"] = _PATH_PARTS[kinds[parameter["name"]]]


def _finish_operation(operation: dict[str, Any], endpoint: str, *, public: bool, limited: bool, raw: bool) -> None:
    operation["operationId"] = endpoint.rsplit(".", 1)[-1] or operation.get("operationId", "")
    responses = operation["responses"]
    if "requestBody" in operation:
        # An object must be sent even if all its fields are optional: a request without a body is refused.
        operation["requestBody"]["required"] = True
    if operation.pop("x-if-match", False):
        operation.setdefault("parameters", []).append(IF_MATCH)
        _add_header(operation, "2", "ETag")
    operation["security"] = [] if public else [{"bearer": []}]
    if not public:
        responses.setdefault("401", {"description": "Not signed in"})
        responses.setdefault("403", {"description": "Not allowed with this API key"})
    responses.setdefault("503", {"description": "Temporarily unavailable"})
    leads_on = operation.pop("x-leads-on", False)
    if leads_on:
        # Errors are redirects too, including those for invalid parameters.
        responses.pop("422", None)
        responses["302"].pop("content", None)
        _add_header(operation, "302", "Location")
    if limited:
        responses.setdefault("429", {"description": "Too many requests"})
        for status, name in itertools.product(("2", "302", "429"), _LIMIT_HEADERS):
            _add_header(operation, status, name)
    _describe_refusals(operation, leads_on=leads_on, raw=raw)
    if "304" in responses:
        # A 304 has no body (RFC 9110, 15.4.5).
        responses["304"].pop("content", None)
        _add_header(operation, "2", "ETag")
        _add_header(operation, "304", "ETag")
    for status, response in responses.items():
        if status.startswith(("4", "5")) and not _is_own_response(response):
            if status in ("429", "503"):
                _add_header(operation, status, "Retry-After")
            response["content"] = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    operation["responses"] = dict(sorted(responses.items()))


def _describe_refusals(operation: dict[str, Any], *, leads_on: bool, raw: bool) -> None:
    """Add the statuses that refuse parameters and bodies."""
    responses = operation["responses"]
    places = {parameter["in"] for parameter in operation.get("parameters", ())}
    if "path" in places:
        responses.setdefault("404", {"description": "Not found, or no access"})
    if places & {"query", "header"} and not leads_on:
        responses.setdefault("422", {"description": "Invalid input"})
    if "requestBody" in operation:
        for status, text in (_LENGTH_REFUSED if raw else _BODY_REFUSED).items():
            responses.setdefault(status, {"description": text})


def _add_header(operation: dict[str, Any], status: str, name: str) -> None:
    """Describe a header of all responses whose status begins with ``status``."""
    for code, response in operation["responses"].items():
        if code.startswith(status):
            described = {"$ref": f"#/components/headers/{name}"} if name in _LIMIT_HEADERS else _HEADERS[name]
            response.setdefault("headers", {})[name] = described


def _is_own_response(response: dict[str, Any]) -> bool:
    """Tell whether a route describes this response itself, as the health check does for its 503."""
    references = [media.get("schema", {}).get("$ref", "") for media in response.get("content", {}).values()]
    return any(reference.endswith("Response") for reference in references)


_LENGTH_REFUSED = {"411": "Content-Length missing", "413": "Too large"}
_BODY_REFUSED = {
    **_LENGTH_REFUSED,
    "400": "Malformed request",
    "415": "Unsupported content type",
    "422": "Invalid input",
}
_RAW_BODY: dict[str, Any] = {
    "description": "The bytes as they are. Any Content-Type is accepted.",
    "content": {"application/octet-stream": {"schema": UPLOADED_FILE}},
}
_TEXT_BODY = {"schema": {"type": "string", "minLength": 1}}
_KEY_REFUSED = {"400": "Malformed request", "409": "Conflict", "422": "Invalid input"}
_HEADERS = {
    "ETag": {
        "description": "Identifies this version. Send it as If-None-Match or If-Match.",
        "schema": {"type": "string"},
    },
    "Location": {
        "description": "The address of the created resource, or the target of the redirect.",
        "schema": {"type": "string", "format": "uri-reference"},
    },
    "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 0}},
}
# Every limited operation has these headers, so the document describes them once and refers to them.
_LIMIT_HEADERS = {
    "RateLimit": {
        "description": 'Remaining requests per limit: `"read";r=1199;t=42` means 1199 requests in the next 42 seconds.',
        "schema": {"type": "string"},
    },
    "RateLimit-Policy": {
        "description": 'The limits that apply: `"read";q=1200;w=60` means 1200 requests per 60 seconds.',
        "schema": {"type": "string"},
    },
}
# What Werkzeug's converters with these names accept.
_PATH_PARTS: dict[str, dict[str, Any]] = {
    "uuid": {"type": "string", "format": "uuid"},
    "int": {"type": "integer", "minimum": 0},
    "string": {"type": "string", "minLength": 1, "pattern": "^[^/]*$"},
}
IDEMPOTENCY_KEY = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": False,
    "description": "Repeating a request with the same key returns the first response again, for 24 hours.",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
}
IF_MATCH = {
    "in": "header",
    "name": "If-Match",
    "required": True,
    "description": "The ETag of the version that you have read. The request is refused if it has changed since.",
    "schema": {"type": "string", "minLength": 1},
}


def _flatten(spec: dict[str, Any]) -> dict[str, Any]:
    """Give each nested model a single name: the generator calls it ``Outer.Inner`` wherever it is used.

    Raises ValueError if two different models have the same name.
    """
    schemas: dict[str, Any] = {}
    for name, schema in spec["components"]["schemas"].items():
        for full, body in {name: schema, **schema.pop("$defs", {})}.items():
            short, described = full.rsplit(".", 1)[-1], _shorten(body)
            if schemas.setdefault(short, described) != described:
                raise ValueError(f"Two models of the API are called {short}.")
    result: dict[str, Any] = _shorten({**spec, "components": {**spec["components"], "schemas": {}}})
    result["components"]["schemas"] = dict(sorted(schemas.items()))
    return result


def _shorten(node: Any) -> Any:
    """Return a copy whose references use the models' short names."""
    if isinstance(node, list):
        return [_shorten(each) for each in node]
    if not isinstance(node, dict):
        return node
    copy = {name: _shorten(each) for name, each in node.items()}
    reference = copy.get("$ref")
    if isinstance(reference, str) and reference.startswith(("#/components/schemas/", "#/$defs/")):
        copy["$ref"] = "#/components/schemas/" + re.split("[/.]", reference)[-1]
    return copy
