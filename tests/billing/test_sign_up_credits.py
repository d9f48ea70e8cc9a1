"""Sign-up credits: once per person, who is recognised by verified addresses and identities."""

import threading
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from apiflask import APIFlask

from backend.accounts import service as accounts
from backend.billing.audits import check_ledger
from backend.billing.ledger import sign_up
from backend.billing.ledger.accounts import read_balance
from backend.billing.ledger.sign_up import grant_missing_sign_up_credits, grant_sign_up_credits
from backend.billing.models import SignUpPerson
from backend.core.database.database import db
from backend.core.database.transaction import transaction
from backend.settings import get_settings
from tests import credits
from tests.accounts.conftest import identity, sign_in
from tests.patience import join, wait_for

__all__ = ["sign_in"]

SignIn = Callable[..., UUID]


@pytest.fixture
def billing(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Billing is on, with the default sign-up credits."""
    with credits.billing_on(monkeypatch):
        yield


@pytest.fixture
def read_free(app: APIFlask) -> Callable[[UUID], int]:
    """Read a user's free credits."""

    def read(user_id: UUID) -> int:
        with app.app_context(), transaction():
            return read_balance(user_id).free

    return read


def test_each_verified_user_gets_them_once(sign_in: SignIn, billing: None, read_free) -> None:
    user = sign_in("google", "1")
    assert sign_in("google", "1") == user
    assert read_free(user) == 500


def test_without_a_verified_address_there_are_none(sign_in: SignIn, billing: None, read_free) -> None:
    user = sign_in("google", "1", verified=False)
    assert read_free(user) == 0
    # Until the provider has verified it.
    assert sign_in("google", "1") == user
    assert read_free(user) == 500


@pytest.mark.parametrize("environment", [{"SIGNUP_CREDITS": "0"}, {"STRIPE_API_KEY": ""}])
def test_they_can_be_off_and_come_later(
    app: APIFlask, sign_in: SignIn, settings, monkeypatch, read_free, environment: dict[str, str]
) -> None:
    with credits.billing_on(monkeypatch, **environment):
        users = {sign_in("google", str(number), f"{number}@example.org") for number in range(5)}
        unverified = sign_in("google", "9", "nine@example.org", verified=False)
        with app.app_context():
            assert grant_missing_sign_up_credits() == 0
    monkeypatch.setattr(sign_up, "_BATCH", 2)
    with credits.billing_on(monkeypatch), app.app_context():
        looked = [grant_missing_sign_up_credits() for _ in range(6)]
    assert sum(looked) == len(users)
    assert {read_free(user) for user in users} == {500}
    assert read_free(unverified) == 0


def leave(app: APIFlask, user_id: UUID) -> None:
    with app.app_context(), transaction():
        accounts.leave(user_id)


def test_who_leaves_and_comes_back_gets_no_others(app: APIFlask, sign_in: SignIn, billing: None, read_free) -> None:
    first = sign_in("google", "1")
    leave(app, first)
    again = sign_in("google", "1")
    # The same address at another provider, and the same identity with another address.
    by_address = sign_in("github", "2", "ADA@example.org")
    leave(app, again)
    by_identity = sign_in("google", "1", "ada@elsewhere.example")
    assert first not in (again, by_identity)
    assert [read_free(user) for user in (first, again, by_address, by_identity)] == [500, 0, 0, 0]


def test_unlinking_what_two_accounts_share_gives_no_others(
    app: APIFlask, sign_in: SignIn, billing: None, read_free
) -> None:
    first = sign_in("google", "1")
    leave(app, first)
    # The new account shares the identity, and has an address that is new.
    second = sign_in("google", "1", "new@example.org")
    with app.app_context(), transaction():
        accounts.link(second, identity("3", provider="github", email="new@example.org"))
        google = next(each for each in accounts.list_identities(second) if each.provider == "google")
        accounts.unlink(second, google.id)
    assert sign_in("github", "3", "new@example.org") == second
    leave(app, second)
    # Neither does the address alone.
    third = sign_in("github", "4", "new@example.org")
    with app.app_context():
        grant_missing_sign_up_credits()
        with transaction():
            owners = set(db.session.scalars(sa.select(SignUpPerson.user_id)))
        assert check_ledger()["violations"] == []
    assert owners == {first}
    assert [read_free(user) for user in (second, third)] == [0, 0]


def test_what_is_linked_later_counts_as_theirs(app: APIFlask, sign_in: SignIn, billing: None, read_free) -> None:
    first = sign_in("google", "1")
    with app.app_context(), transaction():
        accounts.link(first, identity("2", provider="github", email="work@example.org"))
    leave(app, first)
    assert read_free(sign_in("oidc", "5", "work@example.org")) == 0


def test_two_accounts_of_one_person_at_once(
    app: APIFlask, sign_in: SignIn, engine: sa.Engine, settings, monkeypatch, read_free
) -> None:
    with credits.billing_on(monkeypatch, STRIPE_API_KEY=""):
        users = [sign_in("google", "1"), sign_in("github", "2", "other@example.org")]
    # Both have an address of the same person, as after a change of address.
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE identities SET email = 'same@example.org', email_verified = true")
    granted: list[bool] = []

    def grant() -> None:
        with app.app_context(), transaction():
            granted.append(grant_sign_up_credits(users[1]))

    def is_waiting() -> bool:
        with engine.connect() as connection:
            waiting = "SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
            return connection.exec_driver_sql(waiting).first() is not None

    with credits.billing_on(monkeypatch), app.app_context():
        thread = threading.Thread(target=grant)
        with transaction():
            assert grant_sign_up_credits(users[0])
            thread.start()
            wait_for("the other account", is_waiting)
        join(thread)
    assert granted == [False]
    assert sorted(map(read_free, users)) == [0, 500]


def test_hashes_need_the_secret(app: APIFlask, sign_in: SignIn, billing: None) -> None:
    sign_in("google", "1")
    with app.app_context(), transaction():
        stored = db.session.scalars(sa.select(SignUpPerson.person_hash)).all()
    assert {len(each) for each in stored} == {32}
    before = sign_up._hash("email:ada@example.org")
    assert before in stored
    assert before != sign_up._hash("identity:google:1")
    assert get_settings().flask_secret_key.get_secret_value().encode() not in b"".join(stored)
