"""The API keeps the contract of its OpenAPI document: generated requests for every operation.

Valid and invalid requests, from unauthenticated callers and from a signed-in user who owns one of every object. No
response has an undocumented status, type, header or body, none is a server error, and unauthenticated callers get no
access. The requests are the same each time: each value at and beyond its limits, each part missing, undocumented
methods and, from the signed-in user, some random valid requests from a fixed seed.
"""

import contextlib
import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import hypothesis
import jwt
import pytest
import schemathesis
import sqlalchemy as sa
from apiflask import APIFlask
from hypothesis import HealthCheck, Phase
from pydantic import SecretStr
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from schemathesis.core.failures import FailureGroup, ServerError
from schemathesis.core.transport import Response
from schemathesis.generation import GenerationMode
from schemathesis.generation.drivers import CoverageGenerator
from schemathesis.generation.feedback import NO_FEEDBACK
from schemathesis.generation.overrides import Override
from schemathesis.openapi.checks import JsonSchemaError, UndefinedContentType, UndefinedStatusCode
from schemathesis.schemas import APIOperation

from backend.app import create_app
from backend.core.web.http import parse_uuid
from backend.core.web.rate_limits import RouteClass
from backend.settings import Settings
from tests.architecture.conftest import CHOICES, NOTES
from tests.conftest import Client

EMAIL = "student@example.org"
# Number of random valid requests per operation.
DRAWN = 3
PROMISES = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# Values of a valid request that a schema cannot express.
SAID: dict[str, Any] = {
    "provider": "github",
    "number": 1,
    "page": 1,
    "quote": "A cell divides.",
    "options": CHOICES["options"],
}
# Operations that never succeed here, and why.
NEVER_SUCCEEDS = {
    "redeem_code": "needs a code, which only a sign-in at a provider gives",
    "download_linked_export": "needs a ticket, which cannot be guessed",
    "create_checkout": "billing is off",
    "continue_run": "no run ended for lack of credits, because billing is off",
    "receive_event": "billing is off",
    "adjust_user_credits": "billing is off",
    "refund_payment": "billing is off, so there is none",
    "retry_event": "billing is off, so there is none",
    "dismiss_event": "billing is off, so there is none",
}


@pytest.fixture(scope="module")
def wide(built_app: APIFlask, settings: Settings) -> APIFlask:
    """The app with a sign-in provider and with rate limits too high to be reached."""
    github = {"github_client_id": SecretStr("id"), "github_client_secret": SecretStr("secret")}
    names = ["address", *(each.name.lower() for each in RouteClass)]
    limits = {f"rate_limit_{name}": "1000000/minute" for name in names}
    app = create_app(settings.model_copy(update={**limits, **github}))
    app.test_client_class = Client
    return app


def load(app: APIFlask, *, forge_tokens: bool) -> list[APIOperation]:
    """Return the document's operations: reads first, deletes last, parents after their children.

    ``forge_tokens`` also generates Authorization headers.
    """
    config = schemathesis.Config.from_dict({"generation": {"with-security-parameters": forge_tokens}})
    document = schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app, config=config)
    found = [result.ok() for result in document.get_all_operations()]
    assert len(found) > 60
    order, holders = ("GET", "PATCH", "POST", "DELETE"), ("/{study_set_id}", "/users/me")

    def place(operation: APIOperation) -> tuple[int, int, str]:
        holds = [operation.path.endswith(path) for path in holders]
        return order.index(operation.method.upper()), sum(holds) + holds[-1], operation.label

    return sorted(found, key=place)


def cover(operation: APIOperation) -> Iterator[Any]:
    """Yield requests with each value at and beyond each of its limits, and with undocumented methods."""
    return iter(
        CoverageGenerator(
            operation=operation,
            generation_modes=list(GenerationMode),
            generation_config=operation.schema.config.generation,
            auth_storage=None,
            override=Override(),
            feedback=NO_FEEDBACK,
        )
    )


def draw(operation: APIOperation) -> list[Any]:
    """Return random valid requests, the same each time."""
    drawn: list[Any] = []

    @hypothesis.settings(
        max_examples=DRAWN,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @hypothesis.given(case=operation.as_strategy(feedback=NO_FEEDBACK))
    def take(case: Any) -> None:
        drawn.append(case)

    take()
    return drawn


def mode_of(case: Any) -> GenerationMode:
    mode: GenerationMode = case.meta.generation.mode
    return mode


def is_documented(case: Any) -> bool:
    """Tell whether the document has the request's method."""
    return str(case.method) == case.operation.method.upper()


def keeps_promises(case: Any, response: Response) -> None:
    case.validate_response(response, checks=PROMISES)
    if not is_documented(case):
        # A browser sends OPTIONS without a token to ask what a page of another origin may do.
        assert response.status_code == (200 if case.method == "OPTIONS" else 405), case.as_curl_command()


def id_of(operation: APIOperation) -> str:
    return str(operation.definition.raw["operationId"])


class Owner:
    """Sends requests as an administrator who owns the ``known`` objects, keyed by name."""

    def __init__(self, app: APIFlask, engine: sa.Engine, known: dict[str, Any]) -> None:
        self.client, self.known, self._engine = app.test_client(), known, engine
        self._runs = f"/api/v1/study-sets/{known['study_set_id']}/runs"
        self.sign_in()

    def sign_in(self) -> None:
        """Begin a session. The previous session becomes the one that a request may end."""
        if self.client.token is not None:
            self.known["session_id"] = jwt.decode(self.client.token, options={"verify_signature": False})["sid"]
        answer = self.client.post("/api/v1/auth/dev-login", json={"email": EMAIL}).json
        self.client.token, self.known["refresh_token"] = answer["access_token"], answer["refresh_token"]
        with self._engine.begin() as connection:
            connection.execute(sa.text("UPDATE users SET role = 'admin' WHERE id = :id"), {"id": answer["user_id"]})

    def cancel_runs(self) -> None:
        """Cancel the active runs: their number is limited, and a document in use cannot be deleted."""
        for run in self.client.get(self._runs).json["items"]:
            if run["state"] not in ("done", "failed", "cancelled"):
                assert self.client.post(f"/api/v1/runs/{run['id']}/cancel").status_code == 202

    def start_run(self) -> None:
        """Start a run, so that it can be cancelled."""
        self.cancel_runs()
        self.known["run_id"] = self.client.post(self._runs, json={}).json["id"]

    def cancel_run(self) -> None:
        """Cancel a run, so that it can be retried."""
        self.start_run()
        self.cancel_runs()

    def send(self, case: Any) -> Response:
        """Send a generated request, with the user's own ids in place of generated ones."""
        name, right = id_of(case.operation), mode_of(case) is GenerationMode.POSITIVE
        if name in ENDS_SESSION:
            self.sign_in()
        if name in NEEDS and right:
            NEEDS[name](self)
        case.path_parameters, case.query, case.body = (
            self._fill(part, right=right) for part in (case.path_parameters, case.query, case.body)
        )
        headers = {"Authorization": f"Bearer {self.client.token}"}
        if right and name == "upload_documents":
            # Generated files have no name, but the name tells the format.
            return Response.from_any(self.client.upload(case.path_parameters["study_set_id"], ("more.txt", NOTES)))
        if right and "If-Match" in case.headers:
            headers["If-Match"] = self.client.get("/api/v1/users/me").headers["ETag"]
        response: Response = case.call(headers=headers)
        return response

    def _fill(self, node: Any, *, right: bool, name: str = "") -> Any:
        if right and node is not None and name in SAID:
            return SAID[name]
        if isinstance(node, dict):
            return {key: self._fill(value, right=right, name=key) for key, value in node.items()}
        if isinstance(node, list):
            return [self._fill(each, right=right, name=name.removesuffix("s")) for each in node]
        is_known = isinstance(node, str) and (parse_uuid(node) is not None or (right and name == "refresh_token"))
        return self.known.get(name, node) if is_known else node


# Preparations that an operation needs to succeed.
NEEDS: dict[str, Callable[[Owner], None]] = {
    **dict.fromkeys(("start_run", "delete_document", "reread_document"), Owner.cancel_runs),
    **dict.fromkeys(("cancel_run", "cancel_any_run"), Owner.start_run),
    "retry_run": Owner.cancel_run,
}
# These operations end the session that calls them, or use up its refresh token.
ENDS_SESSION = {"refresh", "sign_out", "sign_out_everywhere", "end_session", "erase_me"}


@pytest.fixture
def owner(wide: APIFlask, owned, client: Client, other_client: Client, engine: sa.Engine) -> Owner:
    topics = client.get(f"/api/v1/study-sets/{owned['study_set_id']}/topics").json["items"]
    known = {**owned, "topic_id": topics[0]["id"], "user_id": str(other_client.user_id)}
    return Owner(wide, engine, known)


@pytest.mark.usefixtures("app")
def test_unauthenticated_callers_get_no_access_and_documented_responses(wide: APIFlask, subtests) -> None:
    for operation in load(wide, forge_tokens=True):
        # Most of these requests are refused alike before they are looked at, so a third of them is enough.
        each = 3 if is_closed(operation) else 1
        with subtests.test(operation.label):
            for case in itertools.islice(cover(operation), 0, None, each):
                send_unauthenticated(case)


def is_closed(operation: APIOperation) -> bool:
    return bool(operation.definition.raw["security"])


def send_unauthenticated(case: Any) -> None:
    response = case.call()
    keeps_promises(case, response)
    if is_closed(case.operation) and is_documented(case):
        # A malformed id matches no route, and some bodies are refused before authentication.
        refused = {401} if mode_of(case) is GenerationMode.POSITIVE else {401, 404, 415}
        assert response.status_code in refused, case.as_curl_command()


def test_a_signed_in_user_gets_documented_responses(wide: APIFlask, owner: Owner, subtests) -> None:
    answered: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for operation in load(wide, forge_tokens=False):
        with subtests.test(operation.label):
            for case in [*cover(operation), *draw(operation)]:
                response = owner.send(case)
                keeps_promises(case, response)
                if is_documented(case):
                    answered[id_of(operation)][response.status_code] += 1
    # Otherwise this test would also pass for an API that refuses everything.
    badly = {name: dict(statuses) for name, statuses in answered.items() if min(statuses) >= 400}
    assert set(badly) == set(NEVER_SUCCEEDS), badly
    assert not any(401 in statuses for name, statuses in answered.items() if name not in ("redeem_code", "refresh"))


@pytest.mark.usefixtures("app")
@pytest.mark.parametrize(
    ("route", "answer", "reported"),
    [
        ("operations.live", ({"status": "ok"}, 200), None),
        ("operations.live", ({"status": "ok"}, 500), ServerError),
        ("operations.live", ({"status": "ok"}, 418), UndefinedStatusCode),
        ("operations.live", ("ok", 200), UndefinedContentType),
        ("operations.live", ({"status": "well"}, 200), JsonSchemaError),
        ("tokens.refresh", ({}, 429, {"Retry-After": "soon"}), JsonSchemaError),
        ("library.list_study_sets", ({"items": [], "next_cursor": None}, 200), AssertionError),
    ],
    ids=["nothing", "an error", "status", "type", "body", "header", "an open route"],
)
def test_a_breach_of_the_contract_is_reported(settings: Settings, route: str, answer: Any, reported: Any) -> None:
    app = create_app(settings)
    [operation] = [each for each in load(app, forge_tokens=True) if id_of(each) == route.rpartition(".")[-1]]
    # The document is already built from the original route.
    app.view_functions[route] = lambda **_: answer
    hooks = app.before_request_funcs[None]
    app.before_request_funcs[None] = [hook for hook in hooks if hook.__name__ != "authenticate"]
    case = next(cover(operation))
    with pytest.raises((FailureGroup, AssertionError)) if reported else contextlib.nullcontext() as caught:
        send_unauthenticated(case)
    if caught is not None:
        assert any(isinstance(each, reported) for each in getattr(caught.value, "exceptions", [caught.value]))
