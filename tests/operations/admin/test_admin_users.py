"""Finding, viewing, disabling, enabling and signing out users."""

import json
import threading
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa

from backend.accounts.errors import AccountDisabled
from backend.accounts.service import sign_in_for_development
from backend.core.database.transaction import transaction
from tests.operations.admin.conftest import ADMIN, NOTES

SETS = "/api/v1/study-sets"


def find(admin: Any, text: str | None = None) -> list[UUID]:
    query = {"query": text} if text is not None else {}
    answer = admin.get(f"{ADMIN}/users", query_string=query)
    assert answer.status_code == 200, answer.text
    return [UUID(item["id"]) for item in answer.json["items"]]


def test_users_are_found_by_id_and_by_part_of_address_or_name(admin, client, other_client, describe) -> None:
    describe(client, "anna.muster@example.org", "Änna Muster")
    describe(other_client, "bea@example.com", "Bea Beispiel")
    assert find(admin, "MUSTER") == find(admin, "änna") == find(admin, "  anna.m ") == [client.user_id]
    assert find(admin, "Beispiel") == find(admin, "@example.com") == [other_client.user_id]
    assert find(admin, str(client.user_id)) == find(admin, client.user_id.hex.upper()) == [client.user_id]
    assert find(admin, "nobody") == []
    assert find(admin) == find(admin, "") == [other_client.user_id, client.user_id, admin.user_id]


@pytest.mark.parametrize("text", ["%", "_", "a_b", "a%c", "/", "\\"])
def test_the_search_text_is_not_a_pattern(admin, client, other_client, describe, text: str) -> None:
    describe(client, "abc@example.org", "abc")
    describe(other_client, "other@example.org", f"x{text}y")
    assert find(admin, text) == [other_client.user_id]


@pytest.mark.parametrize("text", ["\x00", "a\x00b", "\ud800".encode("utf-8", "surrogatepass"), "x" * 200])
def test_unusual_search_texts_are_accepted(admin, text: Any) -> None:
    assert admin.get(f"{ADMIN}/users", query_string={"query": text}).status_code == 200


def test_a_search_text_that_is_too_long_is_refused(admin) -> None:
    answer = admin.get(f"{ADMIN}/users", query_string={"query": "x" * 201})
    assert answer.status_code == 422
    assert answer.json["errors"][0]["field"] == "query"


def test_users_are_paged(app, admin) -> None:
    ids = [app.test_client().sign_in(f"u{number}@example.org").user_id for number in range(4)]
    first = admin.get(f"{ADMIN}/users?limit=3").json
    second = admin.get(f"{ADMIN}/users", query_string={"limit": 3, "cursor": first["next_cursor"]}).json
    assert [UUID(item["id"]) for item in first["items"] + second["items"]] == [*reversed(ids), admin.user_id]
    assert second["next_cursor"] is None


def test_a_user_is_shown_in_figures(admin, client, describe, run_pending_jobs, engine: sa.Engine) -> None:
    describe(client, "anna@example.org", "Anna")
    study_set_id = client.make_study_set("Secret plans")
    client.upload(study_set_id, ("private-name.txt", NOTES))
    client.post(f"{SETS}/{study_set_id}/runs", json={})
    run_pending_jobs()
    client.make_study_set()
    detail = admin.get(f"{ADMIN}/users/{client.user_id}").json
    assert detail["user"]["email"] == "anna@example.org"
    assert (detail["user"]["name"], detail["user"]["role"], detail["user"]["is_admin"]) == ("Anna", "student", False)
    assert [identity["provider"] for identity in detail["identities"]] == ["development"]
    assert (detail["open_sessions"], detail["api_keys"]) == (1, 0)
    usage = detail["usage"]
    assert (usage["study_sets"], usage["documents"]) == (2, 1)
    quotas = client.get("/api/v1/users/me/quotas").json
    assert usage["stored_bytes"] == quotas["storage_used_bytes"] > 2 * len(NOTES)
    assert {state: count for state, count in usage["runs"].items() if count} == {"done": 1}
    assert set(usage["tokens"]) == {"requests", "input_tokens", "cached_tokens", "output_tokens"}
    with engine.connect() as connection:
        requests = connection.scalar(sa.text("SELECT sum(requests) FROM model_calls"))
    assert usage["tokens"]["requests"] == requests
    assert admin.get(f"{ADMIN}/users/{admin.user_id}").json["user"]["is_admin"] is True


def test_no_study_content_is_shown(admin, client, run_pending_jobs) -> None:
    study_set_id = client.make_study_set("Secret plans")
    client.upload(study_set_id, ("private-name.txt", NOTES))
    client.post(f"{SETS}/{study_set_id}/runs", json={})
    run_pending_jobs()
    shown = ""
    for path in (f"/users/{client.user_id}", f"/users/{client.user_id}/runs", "/users", "/audit-log"):
        shown += admin.get(ADMIN + path).text
    assert all(word not in shown.lower() for word in ("secret", "private-name", "osmosis"))


def test_a_disabled_user_loses_access_immediately(app, admin, client, describe) -> None:
    assert client.get(SETS).status_code == 200
    answer = admin.post(f"{ADMIN}/users/{client.user_id}/disable", json={"reason": "taken_over", "ticket": 17})
    assert answer.status_code == 200
    assert answer.json["sessions_ended"] == 1
    assert answer.json["user"]["disabled_at"] is not None
    assert client.get(SETS).status_code == 401
    with app.app_context(), pytest.raises(AccountDisabled), transaction():
        sign_in_for_development("student@example.org")
    sign_in = app.test_client().post("/api/v1/auth/dev-login", json={"email": "student@example.org"})
    assert (sign_in.status_code, sign_in.json["code"]) == (403, "account_disabled")


def test_disabling_blocks_api_keys_and_enabling_restores_them(app, admin, client) -> None:
    key = client.post("/api/v1/users/me/api-keys", json={"name": "script"}).json["key"]
    script = {"headers": {"Authorization": f"Bearer {key}"}}
    stranger = app.test_client()
    assert stranger.get(SETS, **script).status_code == 200
    admin.post(f"{ADMIN}/users/{client.user_id}/disable", json={"reason": "abuse"})
    assert stranger.get(SETS, **script).status_code == 401
    enabled = admin.post(f"{ADMIN}/users/{client.user_id}/enable")
    assert (enabled.status_code, enabled.json["disabled_at"]) == (200, None)
    assert stranger.get(SETS, **script).status_code == 200
    # Old sessions, which another person may hold, stay invalid.
    assert client.get(SETS).status_code == 401
    assert app.test_client().sign_in("student@example.org").get(SETS).status_code == 200


def test_disabling_cancels_runs(admin, client, other_client, run_pending_jobs) -> None:
    runs = []
    for each in (client, other_client):
        study_set_id = each.make_study_set()
        each.upload(study_set_id, ("notes.txt", NOTES))
        runs.append(each.post(f"{SETS}/{study_set_id}/runs", json={}).json["id"])
    answer = admin.post(f"{ADMIN}/users/{client.user_id}/disable", json={"reason": "abuse"})
    assert answer.json["runs_cancelled"] == 1
    run_pending_jobs()
    assert [run["state"] for run in admin.get(f"{ADMIN}/users/{client.user_id}/runs").json["items"]] == ["cancelled"]
    assert other_client.get(f"/api/v1/runs/{runs[1]}").json["state"] == "done"


def test_disabling_and_enabling_are_idempotent(admin, client, logged) -> None:
    path = f"{ADMIN}/users/{client.user_id}"
    first, again = (admin.post(f"{path}/disable", json={"reason": "abuse"}).json for _ in range(2))
    assert again["user"]["disabled_at"] == first["user"]["disabled_at"]
    assert [admin.post(f"{path}/enable").status_code for _ in range(2)] == [200, 200]
    assert [(row.action, row.data["changed"]) for row in logged()] == [
        ("user.disabled", True),
        ("user.disabled", False),
        ("user.enabled", True),
        ("user.enabled", False),
    ]


def test_administrators_cannot_disable_themselves(admin, logged) -> None:
    answer = admin.post(f"{ADMIN}/users/{admin.user_id}/disable", json={"reason": "other"})
    assert (answer.status_code, answer.json["code"]) == (409, "own_account")
    assert admin.get(f"{ADMIN}/users").status_code == 200


def test_one_of_two_administrators_who_disable_each_other_stays(app, admin, engine: sa.Engine) -> None:
    other = app.test_client().sign_in("other-admin@example.org")
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE users SET role = 'admin'"))
    pairs = [(admin, other.user_id), (other, admin.user_id)]
    statuses: list[int] = []

    def disable(caller: Any, user_id: UUID) -> None:
        answer = caller.post(f"{ADMIN}/users/{user_id}/disable", json={"reason": "other"})
        statuses.append(answer.status_code)

    # Both are authenticated and wait for the first row before either of them is disabled.
    with engine.connect() as holder:
        holder.execute(sa.text("SELECT id FROM users ORDER BY id FOR UPDATE"))
        threads = [threading.Thread(target=disable, args=pair) for pair in pairs]
        for thread in threads:
            thread.start()
        with engine.connect() as looker:
            waiting = sa.text(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
            while (looker.scalar(waiting) or 0) < len(pairs):
                looker.rollback()
        holder.rollback()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200, 401]
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM users WHERE disabled_at IS NULL")) == 1


@pytest.mark.parametrize(
    "body", [{}, {"reason": "Anna said so"}, {"reason": "abuse", "note": "x"}, {"reason": "abuse", "ticket": "anna"}]
)
def test_the_reason_must_be_listed(admin, client, body: dict[str, Any]) -> None:
    assert admin.post(f"{ADMIN}/users/{client.user_id}/disable", json=body).status_code == 422
    assert client.get(SETS).status_code == 200


def test_ended_sessions_allow_a_new_sign_in(app, admin, client) -> None:
    app.test_client().sign_in("student@example.org")
    answer = admin.post(f"{ADMIN}/users/{client.user_id}/end-sessions")
    assert (answer.status_code, answer.json) == (200, {"sessions_ended": 2})
    assert client.get(SETS).status_code == 401
    assert app.test_client().sign_in("student@example.org").get(SETS).status_code == 200


@pytest.mark.parametrize("action", ["disable", "enable"])
def test_a_deleted_user_cannot_be_disabled_or_enabled(admin, client, engine: sa.Engine, action: str) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE users SET erasing_at = now() WHERE id = :id"), {"id": client.user_id})
    answer = admin.post(
        f"{ADMIN}/users/{client.user_id}/{action}",
        data=json.dumps({"reason": "abuse"}),
        content_type="application/json",
    )
    assert (answer.status_code, answer.json["code"]) == (409, "user_leaving")
    assert admin.get(f"{ADMIN}/users/{client.user_id}").json["user"]["erasing_at"] is not None
