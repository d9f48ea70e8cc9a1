"""Exchanging codes for tokens, refresh token families, signing out, and rotation of the signing key."""

import threading
from datetime import timedelta
from typing import Any

import jwt
import pytest
import sqlalchemy as sa

from backend.app import create_app
from backend.settings import Settings
from tests.accounts.conftest import AUTH, identity

ME = "/api/v1/users/me"


def has_access(browser, tokens: dict[str, Any]) -> bool:
    header = {"Authorization": f"Bearer {tokens['access_token']}"}
    status = browser.get("/api/v1/study-sets", headers=header).status_code
    assert status in (200, 401)
    return status == 200


def refresh(browser, token: str | None = None):
    return browser.post(f"{AUTH}/refresh", json={"refresh_token": token} if token else {})


def make_older(engine: sa.Engine, seconds: int) -> None:
    """Move the last rotation of every session this many seconds into the past."""
    with engine.begin() as connection:
        moved = sa.text("UPDATE sessions SET rotated_at = rotated_at - :age")
        connection.execute(moved, {"age": timedelta(seconds=seconds)})


def reasons(engine: sa.Engine) -> list[str | None]:
    with engine.connect() as connection:
        return list(connection.scalars(sa.text("SELECT end_reason FROM sessions ORDER BY id")))


def test_a_code_is_exchanged_for_tokens_in_its_browser(signed_in) -> None:
    browser, tokens = signed_in()
    assert has_access(browser, tokens)
    assert "refresh_token" not in tokens
    cookie = browser.get_cookie("refresh_token")
    assert cookie.http_only
    assert cookie.same_site == "Strict"
    assert browser.get_cookie("hand_over") is None


def test_a_non_browser_client_gets_the_refresh_token_in_the_body(signed_in) -> None:
    browser, tokens = signed_in(refresh="body")
    assert browser.get_cookie("refresh_token") is None
    answer = refresh(browser, tokens["refresh_token"])
    assert answer.status_code == 200
    assert answer.json["refresh_token"] != tokens["refresh_token"]
    assert has_access(browser, answer.json)


def test_a_code_is_valid_once(come_back, engine: sa.Engine) -> None:
    browser, code = come_back()
    value = browser.get_cookie("hand_over").value
    assert browser.post(f"{AUTH}/token", json={"code": code}).status_code == 200
    browser.set_cookie("hand_over", value)
    again = browser.post(f"{AUTH}/token", json={"code": code})
    assert (again.status_code, again.json["code"]) == (401, "sign_in_code_refused")


def test_a_code_of_another_browser_is_refused_and_used_up(come_back) -> None:
    victim, code = come_back()
    thief, _ = come_back(identity("2"))
    assert thief.post(f"{AUTH}/token", json={"code": code}).status_code == 401
    assert victim.post(f"{AUTH}/token", json={"code": code}).status_code == 401


def test_a_code_without_its_cookie_is_refused(app, come_back) -> None:
    _, code = come_back()
    assert app.test_client().post(f"{AUTH}/token", json={"code": code}).status_code == 401


def test_a_code_is_valid_for_a_minute(come_back, engine: sa.Engine) -> None:
    browser, code = come_back()
    with engine.begin() as connection:
        left = connection.scalar(sa.text("SELECT expires_at - clock_timestamp() FROM sign_in_codes"))
        assert timedelta(seconds=30) < left <= timedelta(seconds=60)
        connection.execute(sa.text("UPDATE sign_in_codes SET expires_at = clock_timestamp()"))
    assert browser.post(f"{AUTH}/token", json={"code": code}).status_code == 401


def test_neither_half_of_the_code_is_stored(come_back, engine: sa.Engine) -> None:
    browser, code = come_back()
    with engine.connect() as connection:
        kept = str(connection.execute(sa.text("SELECT sign_in_codes::text FROM sign_in_codes")).all())
    for half in (code, browser.get_cookie("hand_over").value):
        assert half not in kept
        assert half.encode().hex() not in kept


def test_a_refresh_replaces_the_token(signed_in) -> None:
    browser, first = signed_in()
    before = browser.get_cookie("refresh_token").value
    answer = refresh(browser)
    assert answer.status_code == 200
    assert browser.get_cookie("refresh_token").value != before
    assert has_access(browser, answer.json)
    assert has_access(browser, first)


def test_a_sign_in_is_recorded_with_its_provider(signed_in) -> None:
    browser, tokens = signed_in()
    answer = browser.get(f"{ME}/activity", headers={"Authorization": f"Bearer {tokens['access_token']}"})
    recorded = next(item for item in answer.json["items"] if item["kind"] == "signed_in")
    assert recorded["data"]["provider"] == "google"


def test_a_reused_token_ends_its_family(signed_in, engine: sa.Engine, caplog) -> None:
    browser, first = signed_in(refresh="body")
    second = refresh(browser, first["refresh_token"]).json
    make_older(engine, 11)
    stolen = refresh(browser, first["refresh_token"])
    assert (stolen.status_code, stolen.json["code"]) == (401, "session_ended")
    assert refresh(browser, second["refresh_token"]).status_code == 401
    assert not has_access(browser, second)
    assert reasons(engine) == ["token_reused"]
    assert caplog.text.count("accounts.refresh_token.reused") == 1
    with engine.connect() as connection:
        recorded = connection.scalar(sa.text("SELECT data FROM activities WHERE kind = 'session_ended'"))
    assert recorded["reason"] == "token_reused"


def test_two_tabs_get_the_same_successor_and_stay_signed_in(signed_in, engine: sa.Engine) -> None:
    browser, first = signed_in(refresh="body")
    one, two = (refresh(browser, first["refresh_token"]).json for _ in range(2))
    assert one["refresh_token"] == two["refresh_token"]
    assert has_access(browser, one)
    assert has_access(browser, two)
    assert refresh(browser, two["refresh_token"]).status_code == 200
    assert reasons(engine) == [None]


def test_two_concurrent_tabs_stay_signed_in(app, signed_in, engine: sa.Engine) -> None:
    _, first = signed_in(refresh="body")
    barrier, answers = threading.Barrier(2), []

    def tab() -> None:
        client = app.test_client()
        barrier.wait()
        answers.append(refresh(client, first["refresh_token"]))

    tabs = [threading.Thread(target=tab) for _ in range(2)]
    for each in tabs:
        each.start()
    for each in tabs:
        each.join()
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json["refresh_token"] == answers[1].json["refresh_token"]


def test_a_third_use_ends_the_family(signed_in, engine: sa.Engine) -> None:
    browser, first = signed_in(refresh="body")
    for expected in (200, 200, 401):
        assert refresh(browser, first["refresh_token"]).status_code == expected
    assert reasons(engine) == ["token_reused"]


def test_the_grandparent_of_a_token_ends_the_family(signed_in, engine: sa.Engine) -> None:
    browser, first = signed_in(refresh="body")
    second = refresh(browser, first["refresh_token"]).json
    refresh(browser, second["refresh_token"])
    assert refresh(browser, first["refresh_token"]).status_code == 401
    assert reasons(engine) == ["token_reused"]


def test_access_and_refresh_tokens_are_not_interchangeable(signed_in) -> None:
    browser, tokens = signed_in(refresh="body")
    assert refresh(browser, tokens["access_token"]).status_code == 401
    assert not has_access(browser, {"access_token": tokens["refresh_token"]})


@pytest.mark.parametrize("path", ["token", "refresh", "logout"])
def test_a_foreign_page_cannot_use_the_cookies(come_back, path: str) -> None:
    browser, code = come_back()
    answer = browser.post(
        f"{AUTH}/{path}", json={"code": code} if path == "token" else {}, headers={"Origin": "https://evil.example"}
    )
    assert (answer.status_code, answer.json["code"]) == (403, "foreign_origin")


def test_an_idle_session_expires(signed_in, engine: sa.Engine) -> None:
    browser, tokens = signed_in()
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE sessions SET expires_at = clock_timestamp()"))
    assert refresh(browser).status_code == 401
    assert not has_access(browser, tokens)


def test_no_session_is_extended_beyond_its_limit(signed_in, engine: sa.Engine) -> None:
    browser, _ = signed_in()
    with engine.begin() as connection:
        latest = connection.scalar(
            sa.text("UPDATE sessions SET latest_at = clock_timestamp() + interval '1 hour' RETURNING latest_at")
        )
    assert refresh(browser).status_code == 200
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT expires_at FROM sessions")) == latest


def test_signing_out_ends_access_immediately(signed_in) -> None:
    browser, tokens = signed_in()
    before = browser.get_cookie("refresh_token").value
    assert browser.post(f"{AUTH}/logout", json={}).status_code == 204
    assert browser.get_cookie("refresh_token") is None
    assert not has_access(browser, tokens)
    assert refresh(browser, before).status_code == 401
    assert browser.post(f"{AUTH}/logout", json={}).status_code == 204


def test_signing_out_everywhere_ends_all_own_sessions(signed_in) -> None:
    (laptop, here), (phone, there), (other, other_tokens) = signed_in(), signed_in(), signed_in(identity("2"))
    header = {"Authorization": f"Bearer {here['access_token']}"}
    assert laptop.post(f"{AUTH}/logout-everywhere", headers=header).status_code == 204
    assert not has_access(laptop, here)
    assert not has_access(phone, there)
    assert has_access(other, other_tokens)


def test_sessions_are_listed_with_their_device_and_one_can_be_ended(app, come_back, signed_in) -> None:
    browser, here = signed_in()
    phone, code = come_back()
    agent = (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 "
        "Version/18.0 Mobile/15E148 Safari/604.1"
    )
    there = phone.post(f"{AUTH}/token", json={"code": code}, headers={"User-Agent": agent}).json
    header = {"Authorization": f"Bearer {here['access_token']}"}
    found = browser.get(f"{ME}/sessions", headers=header).json["items"]
    assert [each["is_current"] for each in found] == [False, True]
    assert found[0]["device"] == "Mobile Safari, iOS"
    assert browser.delete(f"{ME}/sessions/{found[0]['id']}", headers=header).status_code == 204
    assert not has_access(phone, there)
    assert has_access(browser, here)
    assert browser.delete(f"{ME}/sessions/{found[0]['id']}", headers=header).status_code == 404


def test_signing_in_again_in_a_browser_replaces_its_session(come_back, signed_in, engine: sa.Engine) -> None:
    browser, _ = signed_in()
    again, code = come_back()
    browser.set_cookie("hand_over", again.get_cookie("hand_over").value)
    assert browser.post(f"{AUTH}/token", json={"code": code}).status_code == 200
    assert reasons(engine) == ["signed_in_again", None]


def test_key_rotation_keeps_users_signed_in(settings: Settings, signed_in) -> None:
    _, old = signed_in(refresh="body")
    new_key = settings.model_copy(
        update={"jwt_secret": type(settings.jwt_secret)("another-jwt-secret-9876543210-zyxwvutsrq")}
    )
    changed = create_app(new_key.model_copy(update={"jwt_secret_previous": settings.jwt_secret})).test_client()
    assert has_access(changed, old)
    answer = refresh(changed, old["refresh_token"])
    assert answer.status_code == 200
    kids = [jwt.get_unverified_header(tokens["access_token"])["kid"] for tokens in (old, answer.json)]
    assert kids[0] != kids[1]
    done = create_app(new_key).test_client()
    assert not has_access(done, old)
    assert has_access(done, answer.json)


def test_a_new_key_can_be_announced_before_it_signs(settings: Settings, signed_in) -> None:
    # During a rollout, containers with the old key must accept tokens signed with the new one.
    _, tokens = signed_in(refresh="body")
    old, new = settings.jwt_secret, type(settings.jwt_secret)("another-jwt-secret-9876543210-zyxwvutsrq")
    before, after = (
        create_app(settings.model_copy(update={"jwt_secret": one, "jwt_secret_previous": other})).test_client()
        for one, other in ((old, new), (new, old))
    )
    by_new = refresh(after, tokens["refresh_token"]).json
    assert has_access(before, by_new)
    by_old = refresh(before, by_new["refresh_token"])
    assert by_old.status_code == 200
    assert has_access(after, by_old.json)


def test_a_token_with_an_unknown_key_is_refused(signed_in, settings: Settings) -> None:
    browser, tokens = signed_in()
    claims = jwt.decode(tokens["access_token"], options={"verify_signature": False})
    forged = jwt.encode(claims, "a-key-of-somebody-else-0123456789-abc", "HS256", headers={"kid": "000000000000"})
    assert not has_access(browser, {"access_token": forged})
