"""Verified addresses: they belong to a user while a provider verifies them, and open no account afterwards."""

import threading
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from apiflask import APIFlask
from pydantic import SecretStr

from backend.accounts import service
from backend.accounts.callers import is_admin
from backend.accounts.providers.configured import GOOGLE_ISSUER, Provider, describe
from backend.core.database.transaction import transaction
from backend.settings import get_settings
from tests.accounts.conftest import EMAIL, identity
from tests.blocked import wait_for_blocked

NEW = "new@example.org"
KELVIN = "ma\N{KELVIN SIGN}e@example.org"


@pytest.fixture
def address_of(engine: sa.Engine):
    def read(user_id: UUID) -> tuple[str | None, bool]:
        with engine.connect() as connection:
            found = sa.text("SELECT email, email_verified FROM users WHERE id = :id")
            return tuple(connection.execute(found, {"id": user_id}).one())

    return read


@pytest.fixture
def admin_emails(monkeypatch):
    def appoint(emails: str) -> None:
        monkeypatch.setenv("ADMIN_EMAILS", emails)
        get_settings.cache_clear()

    yield appoint
    get_settings.cache_clear()


@pytest.fixture
def unlink(app: APIFlask):
    def remove(user_id: UUID, provider: str) -> None:
        with app.app_context(), transaction():
            (gone,) = (each for each in service.list_identities(user_id) if each.provider == provider)
            service.unlink(user_id, gone.id)

    return remove


@pytest.fixture
def link(app: APIFlask):
    def add(user_id: UUID, **said: Any) -> None:
        with app.app_context(), transaction():
            service.link(user_id, identity("7", provider="github", **said))

    return add


def test_the_address_of_an_unlinked_identity_no_longer_opens_the_account(sign_in, link, unlink, address_of) -> None:
    alice = sign_in("google", "1")
    link(alice, email="alice@github.example", email_verified=False)
    unlink(alice, "google")
    assert address_of(alice) == (None, False)
    # Years later, the university assigns the address to another person.
    next_owner = sign_in("google", "2")
    assert next_owner != alice
    assert address_of(next_owner) == (EMAIL, True)


def test_an_address_that_another_identity_also_has_stays(sign_in, link, unlink, address_of) -> None:
    alice = sign_in("google", "1")
    link(alice, email="ADA@example.org")
    unlink(alice, "google")
    assert address_of(alice) == (EMAIL, True)


def test_the_address_of_another_identity_replaces_an_unlinked_one(sign_in, link, unlink, address_of) -> None:
    alice = sign_in("google", "1")
    link(alice, email=NEW)
    assert address_of(alice) == (EMAIL, True)
    unlink(alice, "google")
    assert address_of(alice) == (NEW, True)


def test_an_address_changed_at_the_provider_no_longer_opens_the_account(sign_in, address_of) -> None:
    alice = sign_in("google", "1")
    assert sign_in("google", "1", NEW) == alice
    assert address_of(alice) == (NEW, True)
    assert sign_in("google", "2") != alice


def test_an_address_that_is_no_longer_verified_is_removed(sign_in, address_of) -> None:
    alice = sign_in("google", "1")
    sign_in("google", "1", verified=False)
    assert address_of(alice) == (None, False)
    assert sign_in("google", "2") != alice


def test_an_address_of_another_user_is_not_taken(sign_in, address_of) -> None:
    alice, bob = sign_in("google", "1"), sign_in("google", "2", NEW)
    sign_in("google", "1", NEW)
    assert address_of(alice) == (None, False)
    assert address_of(bob) == (NEW, True)


def test_an_address_that_is_concurrently_registered_is_not_taken(
    app: APIFlask, sign_in, link, engine: sa.Engine, address_of
) -> None:
    alice, failed = sign_in("google", "1", None, verified=False), []

    def run() -> None:
        try:
            link(alice, email=NEW)
        except Exception as error:
            failed.append(error)

    linking = threading.Thread(target=run)
    with engine.begin() as connection:
        other = sa.text("INSERT INTO users (id, email, email_verified) VALUES (:id, :email, true)")
        connection.execute(other, {"id": uuid4(), "email": NEW})
        linking.start()
        wait_for_blocked(engine)
    linking.join()
    assert failed == []
    assert address_of(alice) == (None, False)
    with app.app_context(), transaction():
        assert [each.provider for each in service.list_identities(alice)] == ["google", "github"]


def test_a_concurrently_removed_address_does_not_link_an_identity(sign_in, link, engine: sa.Engine, address_of) -> None:
    alice, found = sign_in("google", "1"), []
    coming = threading.Thread(target=lambda: found.append(sign_in("github", "2")))
    with engine.begin() as connection:
        gone = sa.text("UPDATE users SET email = NULL, email_verified = false WHERE id = :id")
        connection.execute(gone, {"id": alice})
        coming.start()
        wait_for_blocked(engine)
    coming.join()
    assert found != [alice]
    assert address_of(found[0]) == (EMAIL, True)


def test_a_look_alike_address_is_not_verified(sign_in, address_of) -> None:
    google = Provider("google", "Google", "openid", GOOGLE_ISSUER, "client", SecretStr("secret"), reauthenticates=False)
    assert not describe(google, "1", {"email": KELVIN, "email_verified": True}).email_verified
    assert describe(google, "1", {"email": "kelvin@example.org", "email_verified": True}).email_verified
    victim = sign_in("google", "1", "make@example.org")
    impostor = sign_in("university", "2", KELVIN)
    assert impostor != victim
    assert address_of(impostor) == (None, False)


def test_a_look_alike_address_does_not_make_an_administrator(app: APIFlask, admin_emails) -> None:
    admin_emails("make@example.org")
    with app.app_context(), transaction():
        assert is_admin("student", "Make@example.org", verified=True)
        assert not is_admin("student", KELVIN, verified=True)


def test_no_user_is_found_by_a_look_alike_address(app: APIFlask, sign_in) -> None:
    sign_in("google", "1", "make@example.org")
    with app.app_context(), transaction():
        assert service.find_user("MAKE@example.org") is not None
        assert service.find_user(KELVIN) is None


def test_losing_an_administrators_address_ends_administration(sign_in, app: APIFlask, admin_emails) -> None:
    admin_emails(EMAIL)
    alice = sign_in("google", "1")
    with app.app_context(), transaction():
        assert service.get_user(alice).is_admin
    sign_in("google", "1", NEW)
    with app.app_context(), transaction():
        assert not service.get_user(alice).is_admin
