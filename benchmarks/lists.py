"""The cost of lists: time compared with a bare view of the same rows, and number of queries."""

import contextlib
import gc
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from apiflask import APIFlask
from flask import Flask, Response
from flask.testing import FlaskClient

from backend.core.database.database import db
from backend.core.database.transaction import transaction
from benchmarks.application import running_application
from benchmarks.figures import Measurement
from benchmarks.rows import add_material, add_study_sets

_CARDS = 50
_REQUESTS = 300
_WARM_UP = 30
_API = "/api/v1"

Statement = tuple[str, Any]


def measure_flashcards(folder: Path) -> Measurement:
    """Measure the time for a list of 50 flashcards ÷ the time of a bare Flask view with the same query and JSON."""
    with running_application() as app:
        client, headers, user_id = sign_in(app)
        with app.app_context(), transaction():
            study_set_id, _ = add_material(user_id, _CARDS)
        path = f"{_API}/study-sets/{study_set_id}/flashcards?limit={_CARDS}"
        ours = _asking(client, path, headers)
        bare = _asking(_bare_app(app, _query_of_list(app, ours)).test_client(), "/flashcards", {})
        if json.loads(ours()) != json.loads(bare()):
            raise ValueError("the bare view returns something else")
        our_s, bare_s = _interleaved(ours, bare)
    return Measurement(our_s / bare_s, {"api_ms": round(our_s * 1000, 2), "bare_view_ms": round(bare_s * 1000, 2)})


def sign_in(app: APIFlask) -> tuple[FlaskClient, dict[str, str], UUID]:
    client = app.test_client()
    answer = client.post(f"{_API}/auth/dev-login", json={"email": "reader@example.org"}).get_json()
    return client, {"Authorization": f"Bearer {answer['access_token']}"}, UUID(answer["user_id"])


def _asking(client: FlaskClient, path: str, headers: dict[str, str]) -> Callable[[], bytes]:
    def ask() -> bytes:
        answer = client.get(path, headers=headers)
        if answer.status_code != 200:
            raise ValueError(f"{path}: {answer.status}")
        return bytes(answer.data)

    return ask


@contextlib.contextmanager
def _statements(app: APIFlask) -> Iterator[list[Statement]]:
    """Yield a list that collects the app's statements with their parameters."""
    executed: list[Statement] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        executed.append((statement, parameters))

    with app.app_context():
        engine = db.engine
    sa.event.listen(engine, "before_cursor_execute", note)
    try:
        yield executed
    finally:
        sa.event.remove(engine, "before_cursor_execute", note)


def _query_of_list(app: APIFlask, ask: Callable[[], bytes]) -> Statement:
    with _statements(app) as executed:
        ask()
    (query,) = [each for each in executed if "FROM flashcards" in each[0]]
    return query


def _bare_app(app: APIFlask, query: Statement) -> Flask:
    """Return an app with a single view, which runs the query and returns the API's response."""
    engine = sa.create_engine(app.config["SQLALCHEMY_DATABASE_URI"])
    bare = Flask("bare")

    @bare.get("/flashcards")
    def list_flashcards() -> Response:
        with engine.connect() as connection:
            rows = connection.exec_driver_sql(*query).all()
        items = [
            {
                "id": str(row.id),
                "study_set_id": str(row.study_set_id),
                "topic_id": str(row.topic_id),
                "difficulty": row.difficulty,
                "evidence": row.evidence,
                "evidence_status": "verified",
                "origin": "generated",
                "model": row.model,
                "run_id": str(row.run_id),
                "created_at": row.created_at.isoformat().replace("+00:00", "Z"),
                "updated_at": row.updated_at.isoformat().replace("+00:00", "Z"),
                "kind": row.kind,
                "front": row.front,
                "back": row.back,
            }
            for row in rows
        ]
        return Response(json.dumps({"items": items, "next_cursor": None}), content_type="application/json")

    return bare


def _interleaved(ours: Callable[[], bytes], bare: Callable[[], bytes]) -> tuple[float, float]:
    """Call both in turn. Returns the median time of each in seconds."""
    seconds: tuple[list[float], list[float]] = ([], [])
    gc.collect()
    for number in range(_WARM_UP + _REQUESTS):
        for ask, taken in zip((ours, bare), seconds, strict=True):
            started = time.perf_counter()
            ask()
            if number >= _WARM_UP:
                taken.append(time.perf_counter() - started)
    return median(seconds[0]), median(seconds[1])


def measure_queries(folder: Path) -> Measurement:
    """Measure the largest difference, over all lists, between the numbers of queries for 100 rows and for 10."""
    with running_application() as app:
        few, many = _count_queries(app, 10), _count_queries(app, 100)
    differences = {path: abs(many[path] - few[path]) for path in few}
    return Measurement(max(differences.values()), {"queries_of_100_rows": many})


def _count_queries(app: APIFlask, count: int) -> dict[str, int]:
    """Return the number of queries for a list of ``count`` rows, by list. Raises ValueError if a list is shorter."""
    client, headers, user_id = sign_in(app)
    with app.app_context(), transaction():
        db.session.execute(sa.text("TRUNCATE study_sets CASCADE"))
        add_study_sets(user_id, count - 1)
        study_set_id, run_id = add_material(user_id, count)
    inside, page = f"{_API}/study-sets/{study_set_id}", "?limit=100"
    lists = {
        "study-sets": f"{_API}/study-sets{page}",
        **{name: f"{inside}/{name}{page}" for name in ("documents", "runs", "flashcards", "questions", "topics")},
        "concept-map": f"{inside}/concept-map",
        "events": f"{_API}/runs/{run_id}/events?after=0",
    }
    counted = {}
    for name, path in lists.items():
        with _statements(app) as executed:
            body = json.loads(_asking(client, path, headers)())
        listed = len(body["topics"] if name == "concept-map" else body["items"])
        if listed != count:
            raise ValueError(f"{name} lists {listed} rows, not {count}")
        counted[name] = len(executed)
    return counted
