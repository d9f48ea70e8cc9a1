"""The audit log: complete, without names, and append-only."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from apiflask import APIFlask

from backend.administration.audit_log import Action, record_action
from backend.core.database.database import engine_url
from backend.core.database.transaction import transaction
from tests.operations.admin.conftest import ADMIN

LOG = f"{ADMIN}/audit-log"


def read(admin: Any, **query: Any) -> list[dict[str, Any]]:
    answer = admin.get(LOG, query_string=query)
    assert answer.status_code == 200, answer.text
    return answer.json["items"]


def test_an_entry_has_actor_action_subject_and_request(admin, client) -> None:
    done = admin.post(f"{ADMIN}/users/{client.user_id}/disable", json={"reason": "abuse", "ticket": 4711})
    (entry,) = read(admin)
    assert UUID(entry.pop("id")).version == 7
    assert entry.pop("created_at").endswith("Z")
    assert entry == {
        "actor_kind": "admin",
        "actor_id": str(admin.user_id),
        "action": "user.disabled",
        "subject_user_id": str(client.user_id),
        "run_id": None,
        "data": {"reason": "abuse", "ticket": 4711, "changed": True, "sessions_ended": 1, "runs_cancelled": 0},
        "request_id": done.headers["X-Request-Id"],
    }


def test_the_log_is_filtered_and_paged(app, admin, client, other_client) -> None:
    for user_id in (client.user_id, other_client.user_id, client.user_id):
        admin.get(f"{ADMIN}/users/{user_id}")
    with app.app_context(), transaction():
        record_action(None, Action.ROLE_GRANTED, subject_user_id=client.user_id)
    of_client = read(admin, user_id=client.user_id)
    assert [entry["action"] for entry in of_client] == ["role.granted", "user.viewed", "user.viewed"]
    assert (of_client[0]["actor_kind"], of_client[0]["actor_id"]) == ("operator", None)
    by_admin = read(admin, actor_id=admin.user_id)
    assert [entry["subject_user_id"] for entry in by_admin] == [
        str(client.user_id),
        str(other_client.user_id),
        str(client.user_id),
    ]
    assert read(admin, actor_id=client.user_id) == []
    first = admin.get(f"{LOG}?limit=3").json
    second = admin.get(LOG, query_string={"limit": 3, "cursor": first["next_cursor"]}).json
    assert len(first["items"]) == 3
    assert len(second["items"]) == 1
    assert [*first["items"], *second["items"]] == read(admin)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE admin_actions SET action = 'nothing'",
        "UPDATE admin_actions SET actor_id = gen_random_uuid() WHERE false",
        "DELETE FROM admin_actions",
        "DELETE FROM admin_actions WHERE created_at < now() - interval '10 years'",
        "TRUNCATE admin_actions",
        "TRUNCATE admin_actions, activities",
        "INSERT INTO admin_actions SELECT * FROM admin_actions ON CONFLICT (id) DO UPDATE SET action = 'nothing'",
        "MERGE INTO admin_actions a USING users u ON a.actor_id = u.id WHEN MATCHED THEN DELETE",
        "WITH gone AS (DELETE FROM admin_actions RETURNING id) SELECT count(*) FROM gone",
    ],
)
def test_the_apps_database_role_cannot_alter_the_log(app: APIFlask, admin, client, logged, statement: str) -> None:
    admin.get(f"{ADMIN}/users/{client.user_id}")
    before = logged()
    assert len(before) == 1
    with app.app_context(), pytest.raises(sa.exc.DBAPIError) as refused, transaction() as session:
        session.connection().exec_driver_sql(statement)
    assert getattr(refused.value.orig, "pgcode", None) == "42501"
    assert logged() == before


def test_the_trigger_also_fires_in_replica_mode(new_database: Callable[[], str]) -> None:
    # A fresh database, because emptying the table between tests disables and enables its trigger.
    engine = sa.create_engine(engine_url(new_database()), poolclass=sa.NullPool)
    with engine.connect() as connection, pytest.raises(sa.exc.DBAPIError) as refused:
        connection.exec_driver_sql("SET LOCAL session_replication_role = replica; DELETE FROM admin_actions")
    assert getattr(refused.value.orig, "pgcode", None) == "42501"


def test_no_route_alters_the_log(app: APIFlask, admin) -> None:
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith(LOG)]
    assert {method for rule in rules for method in rule.methods or ()} == {"GET", "HEAD", "OPTIONS"}
    assert [admin.open(LOG, method=method).status_code for method in ("POST", "PUT", "PATCH", "DELETE")] == [405] * 4


def test_an_action_that_cannot_be_audited_is_not_done(admin, client, crash_on) -> None:
    crash_on("admin_actions", times=2)
    assert admin.post(f"{ADMIN}/users/{client.user_id}/disable", json={"reason": "abuse"}).status_code == 500
    assert admin.get(f"{ADMIN}/users/{client.user_id}").status_code == 500
    assert client.get("/api/v1/study-sets").status_code == 200
    assert admin.post(f"{ADMIN}/users/{client.user_id}/disable", json={"reason": "abuse"}).status_code == 200


def test_a_refused_action_is_not_audited(admin, client, logged) -> None:
    assert admin.post(f"{ADMIN}/users/{admin.user_id}/disable", json={"reason": "abuse"}).status_code == 409
    assert logged() == []


def test_the_log_contains_no_names_and_outlives_the_user(admin, client, describe, engine: sa.Engine, logged) -> None:
    describe(client, "anna.muster@example.org", "Anna Muster")
    for text in ("anna.muster@example.org", "Anna Muster", str(client.user_id)):
        assert len(admin.get(f"{ADMIN}/users", query_string={"query": text}).json["items"]) == 1
    admin.get(f"{ADMIN}/users/{client.user_id}")
    admin.post(f"{ADMIN}/users/{client.user_id}/disable", json={"reason": "own_wish"})
    before = logged()
    assert len(before) == 5
    assert not any(word in str(row).lower() for row in before for word in ("anna", "muster", "@"))
    with engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM users WHERE id = :id"), {"id": client.user_id})
    assert logged() == before
    assert [entry["action"] for entry in read(admin, user_id=client.user_id)] == ["user.disabled", "user.viewed"]


def test_the_table_rejects_an_address(app: APIFlask, client) -> None:
    with app.app_context(), pytest.raises(sa.exc.IntegrityError, match="names_nobody"), transaction():
        record_action(client.user_id, Action.USERS_SEARCHED, query="anna@example.org")


def test_the_search_text_is_not_audited(admin, logged) -> None:
    admin.get(f"{ADMIN}/users", query_string={"query": "anna"})
    admin.get(f"{ADMIN}/users")
    assert [row.data for row in logged()] == [{"found": 0, "listed_all": False}, {"found": 1, "listed_all": True}]


@pytest.mark.parametrize("text", ["", "  ", "\u200b"])
def test_an_empty_search_is_audited_as_listing_all(admin, logged, text: str) -> None:
    admin.get(f"{ADMIN}/users", query_string={"query": text})
    assert [row.data for row in logged()] == [{"found": 1, "listed_all": True}]
