"""The OpenAPI document is valid, committed, and correct about errors, keys and authentication."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from apiflask import APIFlask
from openapi_spec_validator import OpenAPIV31SpecValidator

from backend.app import PUBLIC_ENDPOINTS, RAW_BODIES, ROUTE_CLASSES, create_app
from backend.core.web.http import ResponseBody
from backend.core.web.openapi import configure_openapi
from backend.settings import Settings
from tests.architecture.source_tree import CHECKOUT
from tests.architecture.test_routes import NOT_CREATING

PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
# Error responses with their own body, and why.
NOT_PROBLEMS = {("health", "503"): "a monitor reads which part is down"}

Spec = dict[str, Any]


@pytest.fixture
def spec(app: APIFlask) -> Spec:
    """The document as the API serves it."""
    return app.test_client().get("/api/v1/openapi.json").json


def operations(spec: Spec) -> Iterator[tuple[str, Spec]]:
    for path, methods in spec["paths"].items():
        for method, operation in methods.items():
            yield f"{method} {path}", operation


def is_valid(spec: Spec) -> bool:
    """Tell what a third-party validator says, once every reference leads somewhere: it stops at one that does not."""
    parts = spec["components"]
    names = {f"#/components/{part}/{name}" for part in ("schemas", "headers") for name in parts[part]}
    return set(references(spec)) <= names and not any(OpenAPIV31SpecValidator(spec).iter_errors())


def references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        yield from (value for key, value in node.items() if key == "$ref" and isinstance(value, str))
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def repeated_ids(spec: Spec) -> list[str]:
    ids = [operation["operationId"] for _, operation in operations(spec)]
    return sorted({name for name in ids if ids.count(name) > 1})


def wrong_errors(spec: Spec) -> list[str]:
    """Return the error responses that are not problem+json."""
    return [
        f"{name} {status}"
        for name, operation in operations(spec)
        for status, response in operation["responses"].items()
        if status.startswith(("4", "5"))
        and response.get("content") != PROBLEM
        and (operation["operationId"], status) not in NOT_PROBLEMS
    ]


def test_the_document_is_openapi_3_1(spec: Spec) -> None:
    assert spec["openapi"].startswith("3.1")
    assert is_valid(spec)


@pytest.mark.parametrize(
    "damage",
    [
        lambda spec: spec["info"].pop("title"),
        lambda spec: spec["paths"]["/api/v1/health"]["get"].update(responses=[]),
        lambda spec: spec["paths"]["/api/v1/health"]["get"].update(parameters=[{"name": "x"}]),
        lambda spec: spec["components"]["schemas"].pop("Problem"),
        lambda spec: spec["tags"].append({"name": "Account"}),
    ],
)
def test_an_invalid_document_is_reported(spec: Spec, damage) -> None:
    damaged = copy.deepcopy(spec)
    damage(damaged)
    assert not is_valid(damaged)


def test_the_committed_document_is_not_stale(spec: Spec) -> None:
    committed = CHECKOUT / "docs/openapi.json"
    assert committed.is_file(), "Run `make openapi` and commit docs/openapi.json."
    assert json.loads(committed.read_text()) == spec, "docs/openapi.json is stale: run `make openapi`."


def test_operation_ids_are_unique(spec: Spec) -> None:
    assert repeated_ids(spec) == []
    assert all(operation["operationId"].isidentifier() for _, operation in operations(spec))


def test_a_repeated_id_is_reported(spec: Spec) -> None:
    spec["paths"]["/api/v1/health"]["get"]["operationId"] = "list_study_sets"
    assert repeated_ids(spec) == ["list_study_sets"]


def test_every_error_is_a_problem(spec: Spec) -> None:
    assert wrong_errors(spec) == []


def test_an_error_that_is_not_a_problem_is_reported(spec: Spec) -> None:
    spec["paths"]["/api/v1/study-sets"]["get"]["responses"]["401"]["content"] = {"application/json": {}}
    assert wrong_errors(spec) == ["get /api/v1/study-sets 401"]


def test_rate_limited_operations_document_their_headers(spec: Spec) -> None:
    limited = [operation for _, operation in operations(spec) if "429" in operation["responses"]]
    assert {operation["operationId"] for _, operation in operations(spec)} - {
        operation["operationId"] for operation in limited
    } == {"health", "live"}
    for operation in limited:
        for status, response in operation["responses"].items():
            if status.startswith("2") or status == "429":
                assert {"RateLimit", "RateLimit-Policy"} <= set(response["headers"])
        assert "Retry-After" in operation["responses"]["429"]["headers"]


def test_not_modified_has_no_body(spec: Spec) -> None:
    unchanged = [operation["responses"] for _, operation in operations(spec) if "304" in operation["responses"]]
    assert unchanged
    for responses in unchanged:
        assert "content" not in responses["304"]
        assert "ETag" in responses["200"]["headers"]
        assert "ETag" in responses["304"]["headers"]


def test_sent_headers_are_documented(spec: Spec) -> None:
    for name, operation in operations(spec):
        keyed = any(parameter["name"] == "Idempotency-Key" for parameter in operation.get("parameters", ()))
        headers = {status: set(response.get("headers", {})) for status, response in operation["responses"].items()}
        created = [found for status, found in headers.items() if status.startswith("2")]
        assert all(("Location" in found) == keyed for found in created), name
        assert not keyed or "Retry-After" in headers["409"], name
        assert ("Retry-After" in headers["503"]) == ((operation["operationId"], "503") not in NOT_PROBLEMS), name


def test_every_operation_has_a_summary_and_a_success_response(spec: Spec) -> None:
    for name, operation in operations(spec):
        assert operation["summary"].endswith("."), name
        assert any(status.startswith(("2", "302")) for status in operation["responses"]), name


def test_every_route_is_in_the_document(app: APIFlask, spec: Spec) -> None:
    undocumented = {"openapi.spec", "docs.page", "docs.start", "docs.asset", "metrics.scrape"}
    endpoints = {rule.endpoint for rule in app.url_map.iter_rules()} - undocumented
    documented = {operation["operationId"] for _, operation in operations(spec)}
    assert documented == {endpoint.rsplit(".", 1)[-1] for endpoint in endpoints}


def test_the_document_states_the_authentication(spec: Spec) -> None:
    public = {endpoint.rsplit(".", 1)[-1] for endpoint in PUBLIC_ENDPOINTS}
    for name, operation in operations(spec):
        closed = operation["operationId"] not in public
        # An empty list says that the operation is public; a missing one would say nothing.
        assert operation["security"] == ([{"bearer": []}] if closed else []), name
        # What asks for a code or a token of its own refuses it with the same status.
        own_token = operation["operationId"] in ("redeem_code", "refresh")
        assert ("401" in operation["responses"]) == (closed or own_token), name


def test_every_tag_is_in_use_and_listed_once(spec: Spec) -> None:
    listed = [tag["name"] for tag in spec["tags"]]
    assert sorted(listed) == sorted({tag for _, operation in operations(spec) for tag in operation["tags"]})


def test_the_document_does_not_depend_on_the_deployment(settings: Settings, spec: Spec) -> None:
    elsewhere = create_app(settings.model_copy(update={"public_url": "https://api.example.org"}))
    assert spec["servers"] == [{"url": "/", "description": "The server that this document comes from."}]
    assert elsewhere.spec == spec


def test_media_types_come_in_the_order_of_the_committed_document(app: APIFlask) -> None:
    """Generated clients parse a response as the first media type that they know."""
    served = json.loads(app.test_client().get("/api/v1/openapi.json").text)
    committed = json.loads((CHECKOUT / "docs/openapi.json").read_text())
    assert json.dumps(served) == json.dumps(committed)


def test_every_body_is_required(spec: Spec) -> None:
    bodies = {name: operation["requestBody"] for name, operation in operations(spec) if "requestBody" in operation}
    assert bodies
    assert [name for name, body in bodies.items() if body.get("required") is not True] == []


def null_defaults(spec: Spec) -> list[str]:
    """Return the fields of request bodies whose default is null."""
    pending = [
        reference
        for _, operation in operations(spec)
        for media in operation.get("requestBody", {}).get("content", {}).values()
        for reference in references(media)
    ]
    found, seen = [], set()
    while pending:
        name = pending.pop().rsplit("/", 1)[-1]
        if name not in seen:
            seen.add(name)
            schema = spec["components"]["schemas"][name]
            pending += references(schema)
            fields = schema.get("properties", {}).items()
            found += [f"{name}.{field}" for field, body in fields if body.get("default", ...) is None]
    assert {"FlashcardRequest", "EvidenceRequest", "ExamDefaultsRequest"} <= seen
    return found


def test_no_field_of_a_body_is_null_by_default(spec: Spec) -> None:
    assert null_defaults(spec) == []


def test_a_field_that_is_null_by_default_is_reported(spec: Spec) -> None:
    spec["components"]["schemas"]["ExamDefaultsRequest"]["properties"]["language"]["default"] = None
    assert null_defaults(spec) == ["ExamDefaultsRequest.language"]


def test_every_media_type_has_a_schema(spec: Spec) -> None:
    for name, operation in operations(spec):
        for status, response in operation["responses"].items():
            for media_type, media in response.get("content", {}).items():
                assert media.get("schema"), f"{name} {status} {media_type}"


def test_files_are_binary(spec: Spec) -> None:
    binary = {"type": "string", "format": "binary"}
    upload = spec["paths"]["/api/v1/study-sets/{study_set_id}/documents"]["post"]["requestBody"]
    assert upload["content"]["multipart/form-data"] == {"schema": {"$ref": "#/components/schemas/UploadRequestBody"}}
    form = spec["components"]["schemas"]["UploadRequestBody"]
    assert form["required"] == ["files"]
    assert form["properties"]["files"]["items"] == {**binary, "contentMediaType": "application/octet-stream"}
    downloads = {
        (operation["operationId"], media_type)
        for _, operation in operations(spec)
        for status, response in operation["responses"].items()
        for media_type, media in response.get("content", {}).items()
        if media["schema"] == binary
    }
    assert {operation for operation, _ in downloads} == {
        "export_study_set",
        "get_concept_map",
        "get_page_image",
        "get_statement",
    } | {f"download_{file}" for file in ("document", "export", "linked_export")}
    # A JSON answer is validated as the value it holds, which is no string.
    assert not any(media_type.endswith("json") for _, media_type in downloads)


def test_the_document_says_what_a_body_is_refused_for(spec: Spec) -> None:
    for name, operation in operations(spec):
        if "requestBody" in operation:
            raw = operation["operationId"] in {endpoint.rsplit(".", 1)[-1] for endpoint in RAW_BODIES}
            refusals = {"411", "413"} if raw else {"400", "411", "413", "415", "422"}
            assert refusals <= set(operation["responses"]), name
        if "{" in name:
            assert "404" in operation["responses"], name


def test_operations_that_need_credits_say_so(spec: Spec) -> None:
    found = {operation["operationId"] for _, operation in operations(spec) if "402" in operation["responses"]}
    assert found == {"start_run", "continue_run", "retry_run", "adjust_user_credits"}


def test_a_raw_body_is_binary(settings: Settings) -> None:
    app = create_app(settings)

    @app.post("/api/v1/raw")
    def receive() -> str:
        """Receive something."""
        return ""

    configure_openapi(app, PUBLIC_ENDPOINTS, ROUTE_CLASSES, raw_bodies=["receive"])
    described = app.test_client().get("/api/v1/openapi.json").json
    assert is_valid(described)
    operation = described["paths"]["/api/v1/raw"]["post"]
    assert operation["requestBody"]["required"]
    assert list(operation["requestBody"]["content"]) == ["application/octet-stream"]
    assert operation["requestBody"]["content"]["application/octet-stream"]["schema"]["format"] == "binary"
    assert {"411", "413"} <= set(operation["responses"])
    assert not {"400", "415", "422"} & set(operation["responses"])


def test_ids_in_paths_are_documented_as_uuids(spec: Spec) -> None:
    for name, operation in operations(spec):
        for parameter in operation.get("parameters", []):
            if parameter["in"] == "path" and parameter["name"].endswith("_id"):
                assert parameter["schema"] == {"type": "string", "format": "uuid"}, name


class ProfileResponse(ResponseBody):
    """Has the name of another model."""

    nickname: str


class ProfileList(ResponseBody):
    """Is made of it."""

    items: list[ProfileResponse]


def test_two_models_with_one_name_are_refused(settings: Settings) -> None:
    app = create_app(settings)
    app.get("/api/v1/new")(app.output(ProfileList)(lambda: {"items": []}))
    with (
        app.test_request_context(),
        pytest.raises(ValueError, match="Two models of the API are called ProfileResponse"),
    ):
        dict(app.spec)


def test_the_idempotency_key_is_documented_where_it_is_accepted(app: APIFlask, spec: Spec) -> None:
    not_creating = {endpoint.rsplit(".", 1)[-1] for endpoint in NOT_CREATING}
    for name, operation in operations(spec):
        documented = any(parameter["name"] == "Idempotency-Key" for parameter in operation.get("parameters", []))
        creates = name.startswith("post ") and operation["operationId"] not in not_creating
        assert documented == creates, name


def test_the_idempotency_key_is_required_where_money_moves(spec: Spec) -> None:
    required = {
        operation["operationId"]
        for _, operation in operations(spec)
        for parameter in operation.get("parameters", [])
        if parameter["name"] == "Idempotency-Key" and parameter["required"]
    }
    assert required == {"adjust_user_credits", "create_checkout", "refund_payment"}


def test_the_documentation_page_loads_nothing_external(app: APIFlask) -> None:
    client = app.test_client()
    page = client.get("/api/v1/docs").text
    assert "http" not in page.replace("http-equiv", "")
    for asset in ("start.js", "css/swagger-ui.css", "js/swagger-ui-bundle.js"):
        assert f"/api/v1/docs/{asset}" in page
        assert client.get(f"/api/v1/docs/{asset}").status_code == 200
    assert client.get("/api/v1/docs/../../settings.py").status_code == 404
    assert client.get("/api/v1/docs/index.html").status_code == 404
