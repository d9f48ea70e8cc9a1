"""Members of problems are declared by their rooms, and documented as optional integers."""

from typing import Any

import pytest
from apiflask import APIFlask

from backend.app import PUBLIC_ENDPOINTS, ROUTE_CLASSES, create_app
from backend.core.errors import DomainError
from backend.core.web.http import Problem
from backend.core.web.openapi import configure_openapi
from backend.rooms import ROOMS
from backend.settings import Settings
from tests.architecture.test_openapi import is_valid
from tests.architecture.test_texts import all_errors

Spec = dict[str, Any]


@pytest.fixture
def spec(app: APIFlask) -> Spec:
    return app.test_client().get("/api/v1/openapi.json").json


def undeclared_members(errors: set[type[DomainError]]) -> list[str]:
    """Return the errors whose members no manifest declares, or hide members that every problem has."""
    declared = {error for room in ROOMS for error in room.problems}
    return sorted(
        error.__name__
        for error in errors
        if (error.members and error not in declared) or set(error.members) & set(Problem.model_fields)
    )


class Short(DomainError):
    """An error with two members."""

    members = {"required": "Credits that the request needs.", "available": "Credits that can be spent."}


class Hiding(DomainError):
    """An error that would hide the status of its problem."""

    members = {"status": "The state of the thing."}


class Differing(DomainError):
    """An error that gives another meaning to a member."""

    members = {"available": "Seats that are free."}


def test_members_of_errors_are_declared_by_their_rooms() -> None:
    assert undeclared_members(all_errors()) == []
    assert undeclared_members({Short, Hiding, DomainError}) == ["Hiding", "Short"]


def test_members_of_errors_are_documented_as_optional_integers(settings: Settings, spec: Spec) -> None:
    app = create_app(settings)
    configure_openapi(app, PUBLIC_ENDPOINTS, ROUTE_CLASSES, problems=[Short])
    described = app.test_client().get("/api/v1/openapi.json").json
    assert is_valid(described)
    problem = described["components"]["schemas"]["Problem"]
    assert problem["properties"].pop("available") == {"type": "integer", "description": "Credits that can be spent."}
    assert problem["properties"].pop("required")["type"] == "integer"
    published = spec["components"]["schemas"]["Problem"]
    named = {name for room in ROOMS for error in room.problems for name in error.members}
    assert named <= set(published["properties"])
    assert problem["required"] == published["required"]
    assert set(published["properties"]) - named == set(problem["properties"])


def test_two_meanings_of_a_member_are_refused(settings: Settings) -> None:
    app = create_app(settings)
    configure_openapi(app, PUBLIC_ENDPOINTS, ROUTE_CLASSES, problems=[Short, Differing])
    with app.test_request_context(), pytest.raises(ValueError, match="Two descriptions of the member available"):
        dict(app.spec)
