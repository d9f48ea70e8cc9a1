"""Exports of study sets take memory: few at a time in a process, and one at a time for each user."""

import sqlalchemy as sa

from backend.core.hashing import lock_number
from backend.study.routes import _EXPORT_SLOTS
from tests.conftest import Client


def export(client: Client, study_set: str) -> tuple[int, str, str | None]:
    answer = client.get(f"/api/v1/study-sets/{study_set}/export?format=json")
    return answer.status_code, (answer.json or {}).get("code", ""), answer.headers.get("Retry-After")


def test_a_user_exports_one_study_set_at_a_time(engine: sa.Engine, client: Client, other_client: Client) -> None:
    mine, others = client.make_study_set(), other_client.make_study_set()
    with engine.begin() as connection:
        # As their export in another process does until it is rendered.
        turn = lock_number("turn", "study-set-export", client.user_id)
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(turn)))
        assert export(client, mine) == (429, "export_running", "2")
        assert export(other_client, others)[0] == 200
    assert export(client, mine)[0] == 200


def test_exports_are_capped_by_slots(client: Client) -> None:
    study_set = client.make_study_set()
    slots = [_EXPORT_SLOTS.acquire() for _ in range(_EXPORT_SLOTS.count())]
    assert export(client, study_set) == (503, "too_many_exports", "5")
    slots.pop().release()
    # A refused export releases its slot too.
    for _ in range(3):
        assert export(client, "018f0000-0000-7000-8000-000000000000")[0] == 404
        assert export(client, study_set)[0] == 200
    for slot in slots:
        slot.release()
