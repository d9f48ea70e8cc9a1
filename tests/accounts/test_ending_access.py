"""What ends access ends all of it: codes that were not redeemed yet, and sessions of a way in that is taken away."""

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


def opens(browser: Any, tokens: dict[str, Any]) -> bool:
    return browser.get("/api/v1/study-sets", headers=header_of(tokens)).status_code == 200


def shut_out(engine: sa.Engine, column: str) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE users SET email = NULL, email_verified = false, name = NULL"))
        connection.execute(sa.text(f"UPDATE users SET {column} = now()"))


def test_signing_out_everywhere_ends_codes_too(signed_in, come_back) -> None:
    browser, tokens = signed_in()
    thief, code = come_back()
    other, hers = come_back(identity("2"))
    assert browser.post(f"{AUTH}/logout-everywhere", headers=header_of(tokens)).status_code == 204
    assert redeem(thief, code) == 401
    assert redeem(other, hers) == 200


@pytest.mark.parametrize("column", ["disabled_at", "erasing_at"])
def test_no_code_is_good_for_a_user_who_is_shut_out(come_back, engine: sa.Engine, column: str) -> None:
    browser, code = come_back()
    shut_out(engine, column)
    assert redeem(browser, code) == 401
    with engine.begin() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM sessions")) == 0
        connection.execute(sa.text("UPDATE users SET disabled_at = NULL"))
    # It is used up.
    assert redeem(browser, code) == 401


@pytest.mark.parametrize("column", ["disabled_at", "erasing_at"])
def test_no_session_is_refreshed_for_a_user_who_is_shut_out(signed_in, engine: sa.Engine, column: str) -> None:
    browser, tokens = signed_in(refresh="body")
    shut_out(engine, column)
    answer = browser.post(f"{AUTH}/refresh", json={"refresh_token": tokens["refresh_token"]})
    assert (answer.status_code, answer.json["code"]) == (401, "session_ended")


@pytest.mark.parametrize("how", ["code", "refresh"])
@pytest.mark.parametrize("end", ["disable", "leave"])
def test_who_is_shut_out_at_this_moment_gets_no_session(
    app: APIFlask, signed_in, come_back, engine: sa.Engine, how: str, end: str
) -> None:
    (browser, tokens), (waiting, code), (_, admin) = signed_in(refresh="body"), come_back(), signed_in(identity("2"))
    user_id, statuses = UUID(tokens["user_id"]), []

    def come_in() -> None:
        if how == "code":
            statuses.append(redeem(waiting, code))
        else:
            again = browser.post(f"{AUTH}/refresh", json={"refresh_token": tokens["refresh_token"]})
            statuses.append(again.status_code)

    coming = threading.Thread(target=come_in)
    with app.app_context(), transaction() as session:
        # The first thing that both ways of shutting her out do.
        session.execute(sa.text("SELECT FROM users WHERE id = :id FOR NO KEY UPDATE"), {"id": user_id})
        coming.start()
        wait_for_blocked(engine)
        if end == "disable":
            service.disable_user(user_id, by=UUID(admin["user_id"]))
            service.end_sessions(user_id)
        else:
            service.leave(user_id)
    coming.join()
    assert statuses == [401]
    with engine.connect() as connection:
        left = sa.text("SELECT count(*) FROM sessions WHERE user_id = :id AND ended_at IS NULL")
        assert connection.scalar(left, {"id": user_id}) == 0


def test_a_way_in_that_is_taken_away_ends_what_came_by_it(
    app: APIFlask, signed_in, come_back, engine: sa.Engine
) -> None:
    here, mine = signed_in(identity(email=EMAIL))
    there, thiefs = signed_in(identity(email=EMAIL))
    github = identity("7", provider="github", email=EMAIL)
    elsewhere, others = signed_in(github)
    (waiting, code), (github_waiting, github_code) = come_back(identity(email=EMAIL)), come_back(github)
    google, _ = here.get(IDENTITIES, headers=header_of(mine)).json["items"]
    assert here.delete(f"{IDENTITIES}/{google['id']}", headers=header_of(mine)).status_code == 204
    assert opens(here, mine)
    assert not opens(there, thiefs)
    assert opens(elsewhere, others)
    assert redeem(waiting, code) == 401
    assert redeem(github_waiting, github_code) == 200
    with engine.connect() as connection:
        told = connection.scalars(sa.text("SELECT data FROM activities WHERE kind = 'session_ended'")).all()
    assert told == [{"reason": "identity_unlinked", "sessions": 1}]


def test_sessions_go_on_while_another_identity_of_the_provider_is_left(app: APIFlask, signed_in) -> None:
    browser, tokens = signed_in(identity(email=EMAIL))
    signed_in(identity("2", email=EMAIL))
    user_id = UUID(tokens["user_id"])
    with app.app_context(), transaction():
        first, _ = service.list_identities(user_id)
        service.unlink(user_id, first.id)
    assert opens(browser, tokens)
