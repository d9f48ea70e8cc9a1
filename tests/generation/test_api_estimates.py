"""Estimates of runs: documents are cut once, and a user has one estimate at a time."""

from typing import Any

import pytest
import sqlalchemy as sa

from backend.core.hashing import lock_number
from backend.core.web.rate_limits import RouteClass
from backend.generation.room import ROOM
from tests.conftest import Client
from tests.generation.charged import estimate

pytestmark = pytest.mark.usefixtures("billing")


def count_texts_read(engine: sa.Engine, client: Client, study_set: str) -> int:
    """Return how many statements of an estimate read the text of pages."""
    seen: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        seen.append(statement)

    sa.event.listen(sa.Engine, "before_cursor_execute", note)
    try:
        estimate(client, study_set)
    finally:
        sa.event.remove(sa.Engine, "before_cursor_execute", note)
    assert seen
    return sum("pages.text" in statement for statement in seen)


def test_a_read_document_is_cut_once_until_it_is_read_again(client: Client, engine: sa.Engine, study_set: str) -> None:
    assert count_texts_read(engine, client, study_set) == 1
    first = estimate(client, study_set)
    assert count_texts_read(engine, client, study_set) == 0
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM pages WHERE number > 2")
        connection.exec_driver_sql("UPDATE documents SET ended_at = ended_at + interval '1 second'")
    assert estimate(client, study_set) != first


def test_a_user_has_one_estimate_at_a_time(
    client: Client, other_client: Client, study_set: str, engine: sa.Engine
) -> None:
    theirs = other_client.make_study_set()
    other_client.upload(theirs, ("notes.txt", b"The nucleus regulates the vesicle."))
    with engine.begin() as connection:
        turn = sa.func.pg_advisory_xact_lock(lock_number("turn", "estimate", client.user_id))
        connection.execute(sa.select(turn))
        path = f"/api/v1/study-sets/{study_set}/runs/estimate"
        answers = {
            language: client.post(path, json={}, headers={"Accept-Language": language})
            for language in ("en", "de", "fr", "it")
        }
        estimate(other_client, theirs)
    for answer in answers.values():
        assert (answer.status_code, answer.json["code"]) == (429, "estimate_in_progress")
        assert answer.headers["Retry-After"] == "1"
    assert len({answer.json["detail"] for answer in answers.values()}) == 4
    estimate(client, study_set)


def test_estimates_share_the_limit_of_runs() -> None:
    assert ROOM.limits["generation.estimate_run"] is RouteClass.RUN
