"""Ending access is complete: it covers unredeemed codes, and the sessions of an unlinked identity."""

import threading
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from apiflask import APIFlask

from backend.accounts import service
from backend.core.database.transaction import transaction
from tests.accounts.conftest import AUTH, EMAIL, identity
from tests.blocked import wait_for_blocked

IDENTITIES = "/api/v1/users/me/identities"


def redeem(browser: Any, code: str) -> int:
    return browser.post(f"{AUTH}/token", json={"code": code, "refresh": "body"}).status_code


def header_of(tokens: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['access_token']}"}


def has_access(browser: Any, tokens: dict[str, Any]) -> bool:
    return browser.get("/api/v1/study-sets", headers=header_of(tokens)).status_code == 200


def block(engine: sa.Engine, column: str) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE users SET email = NULL, email_verified = false, name = NULL"))
        connection.execute(sa.text(f"UPDATE users SET {column} = now()"))


def test_signing_out_everywhere_deletes_one_time_codes(signed_in, come_back) -> None:
    browser, tokens = signed_in()
    thief, code = come_back()
    other, other_code = come_back(identity("2"))
    assert browser.post(f"{AUTH}/logout-everywhere", headers=header_of(tokens)).status_code == 204
    assert redeem(thief, code) == 401
    assert redeem(other, other_code) == 200


@pytest.mark.parametrize("column", ["disabled_at", "erasing_at"])
def test_a_code_of_a_disabled_or_leaving_user_is_refused(come_back, engine: sa.Engine, column: str) -> None:
    browser, code = come_back()
    block(engine, column)
    assert redeem(browser, code) == 401
    with engine.begin() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM sessions")) == 0
        connection.execute(sa.text("UPDATE users SET disabled_at = NULL"))
    # The code is used up.
    assert redeem(browser, code) == 401


@pytest.mark.parametrize("column", ["disabled_at", "erasing_at"])
def test_a_refresh_of_a_disabled_or_leaving_user_is_refused(signed_in, engine: sa.Engine, column: str) -> None:
    browser, tokens = signed_in(refresh="body")
    block(engine, column)
    answer = browser.post(f"{AUTH}/refresh", json={"refresh_token": tokens["refresh_token"]})
    assert (answer.status_code, answer.json["code"]) == (401, "session_ended")


@pytest.mark.parametrize("how", ["code", "refresh"])
@pytest.mark.parametrize("end", ["disable", "leave"])
def test_a_concurrently_disabled_or_leaving_user_gets_no_session(
    app: APIFlask, signed_in, come_back, engine: sa.Engine, how: str, end: str
) -> None:
    (browser, tokens), (waiting, code), (_, admin) = signed_in(refresh="body"), come_back(), signed_in(identity("2"))
    user_id, statuses = UUID(tokens["user_id"]), []

    def attempt() -> None:
        if how == "code":
            statuses.append(redeem(waiting, code))
        else:
            again = browser.post(f"{AUTH}/refresh", json={"refresh_token": tokens["refresh_token"]})
            statuses.append(again.status_code)

    attempting = threading.Thread(target=attempt)
    with app.app_context(), transaction() as session:
        # Disabling and leaving both take this lock first.
        session.execute(sa.text("SELECT FROM users WHERE id = :id FOR NO KEY UPDATE"), {"id": user_id})
        attempting.start()
        wait_for_blocked(engine)
        if end == "disable":
            service.disable_user(user_id, by=UUID(admin["user_id"]))
            service.end_sessions(user_id)
        else:
            service.leave(user_id)
    attempting.join()
    assert statuses == [401]
    with engine.connect() as connection:
        left = sa.text("SELECT count(*) FROM sessions WHERE user_id = :id AND ended_at IS NULL")
        assert connection.scalar(left, {"id": user_id}) == 0


def test_unlinking_an_identity_ends_its_sessions_and_codes(
    app: APIFlask, signed_in, come_back, engine: sa.Engine
) -> None:
    here, mine = signed_in(identity(email=EMAIL))
    there, there_tokens = signed_in(identity(email=EMAIL))
    github = identity("7", provider="github", email=EMAIL)
    elsewhere, others = signed_in(github)
    (waiting, code), (github_waiting, github_code) = come_back(identity(email=EMAIL)), come_back(github)
    google, _ = here.get(IDENTITIES, headers=header_of(mine)).json["items"]
    assert here.delete(f"{IDENTITIES}/{google['id']}", headers=header_of(mine)).status_code == 204
    assert has_access(here, mine)
    assert not has_access(there, there_tokens)
    assert has_access(elsewhere, others)
    assert redeem(waiting, code) == 401
    assert redeem(github_waiting, github_code) == 200
    with engine.connect() as connection:
        recorded = connection.scalars(sa.text("SELECT data FROM activities WHERE kind = 'session_ended'")).all()
    assert recorded == [{"reason": "identity_unlinked", "sessions": 1}]


def test_sessions_stay_while_another_identity_of_the_provider_is_linked(app: APIFlask, signed_in) -> None:
    browser, tokens = signed_in(identity(email=EMAIL))
    signed_in(identity("2", email=EMAIL))
    user_id = UUID(tokens["user_id"])
    with app.app_context(), transaction():
        first, _ = service.list_identities(user_id)
        service.unlink(user_id, first.id)
    assert has_access(browser, tokens)
