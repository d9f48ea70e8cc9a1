"""Loading an object is the permission check: "not yours" and "not there" are the same 404, on every route.

Administration routes act on other users by design; tests/operations/admin shows whom they refuse.
"""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from apiflask import APIFlask

from backend.app import PUBLIC_ENDPOINTS
from tests.architecture.conftest import CHOICES

UNKNOWN = UUID("018f0000-0000-7000-8000-000000000000")
# Valid bodies, so that only the permission can cause a refusal.
BODIES: dict[str, dict[str, Any]] = {
    "library.rename_study_set": {"title": "Mine now"},
    "library.reread_document": {},
    "study.create_flashcard": {"front": "a", "back": "b"},
    "study.update_flashcard": {"front": "Mine now"},
    "study.create_question": CHOICES,
    "study.update_question": {"stem": "Mine now"},
    "generation.start_run": {},
    "generation.estimate_run": {},
    "generation.continue_run": {},
    "generation.cancel_run": {},
    "privacy.link_export": {},
}
ADMINISTRATION = "/api/v1/admin/"
# Found, but not possible with the objects of this test, and why.
NOT_POSSIBLE = {"POST /api/v1/runs/<uuid:run_id>/continue": "the run is done"}
QUERIES = {"study.export_study_set": {"format": "json"}}


def walk(app: APIFlask, caller, values: dict[str, Any], before_deleting: Callable[[], object]) -> dict[str, int]:
    """Call every route that takes an id, reads first and deletes last. Returns the statuses by route."""
    statuses = {}
    order = ("GET", "PATCH", "POST", "DELETE")
    calls = [
        (method, rule)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) & set(order)
        if any(name.endswith("_id") for name in rule.arguments)
        and rule.endpoint not in PUBLIC_ENDPOINTS
        and not rule.rule.startswith(ADMINISTRATION)
    ]
    # Delete a study set's contents before the study set.
    for method, rule in sorted(calls, key=lambda call: (order.index(call[0]), "study_set_id" in call[1].arguments)):
        path = str(rule.build(values, append_unknown=False)[1])
        if rule.endpoint == "library.upload_documents":
            answer = caller.upload(values["study_set_id"], ("more.txt", b"A plant grows."))
        elif method in ("POST", "PATCH"):
            assert rule.endpoint in BODIES, f"Add a body for {rule.endpoint} to BODIES."
            answer = caller.open(path, method=method, json=BODIES[rule.endpoint])
        else:
            if method == "DELETE":
                before_deleting()
            answer = caller.open(path, method=method, query_string=QUERIES.get(rule.endpoint))
        statuses[f"{method} {rule}"] = answer.status_code
    return statuses


def test_another_users_objects_are_not_found(app: APIFlask, other_client, owned, run_pending_jobs) -> None:
    statuses = walk(app, other_client, owned, run_pending_jobs)
    assert len(statuses) > 15
    assert {route: status for route, status in statuses.items() if status != 404} == {}


def test_unknown_objects_are_not_found(app: APIFlask, client, owned, run_pending_jobs) -> None:
    unknown = {name: UNKNOWN if name.endswith("_id") else value for name, value in owned.items()}
    statuses = walk(app, client, unknown, run_pending_jobs)
    assert {route: status for route, status in statuses.items() if status != 404} == {}


def test_own_objects_are_found(app: APIFlask, client, owned, run_pending_jobs) -> None:
    # Otherwise the other two tests would also pass for an API that returns 404 for everything.
    statuses = walk(app, client, owned, run_pending_jobs)
    refused = {route: status for route, status in statuses.items() if status >= 400}
    assert refused == dict.fromkeys(NOT_POSSIBLE, 409)


def test_foreign_and_missing_have_the_same_response(client, other_client, owned: dict[str, Any]) -> None:
    foreign = other_client.get(f"/api/v1/study-sets/{owned['study_set_id']}").json
    missing = other_client.get(f"/api/v1/study-sets/{UNKNOWN}").json
    assert {**foreign, "request_id": ""} == {**missing, "request_id": ""}


@pytest.mark.parametrize("route", ["flashcards", "questions"])
def test_items_cannot_cite_another_users_documents(client, other_client, owned: dict[str, Any], route: str) -> None:
    mine = other_client.make_study_set()
    body = BODIES[f"study.create_{route[:-1]}"] | {
        "evidence": {"document_id": owned["document_id"], "page": 1, "quote": "A cell divides."}
    }
    answer = other_client.post(f"/api/v1/study-sets/{mine}/{route}", json=body)
    assert answer.status_code in (404, 422)
    assert "divides" not in answer.text


def test_runs_cannot_use_another_users_documents(client, other_client, owned: dict[str, Any]) -> None:
    mine = other_client.make_study_set()
    other_client.upload(mine, ("mine.txt", b"A plant grows."))
    answer = other_client.post(f"/api/v1/study-sets/{mine}/runs", json={"document_ids": [owned["document_id"]]})
    assert answer.status_code == 404
