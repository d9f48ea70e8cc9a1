"""Identities: linked only by verified addresses, and no pre-hijacking of accounts."""

import threading
from uuid import UUID

import pytest
import sqlalchemy as sa
from apiflask import APIFlask

from backend.accounts import service
from backend.accounts.errors import AccountDisabled, IdentityTaken, LastIdentity
from backend.core.database.transaction import transaction
from tests.accounts.conftest import EMAIL, identity


def test_the_same_subject_is_the_same_user_with_any_address(sign_in) -> None:
    first = sign_in("google", "1")
    assert sign_in("google", "1", "new@example.org") == first
    assert sign_in("google", "2", "other@example.org") != first


def test_the_same_subject_at_another_provider_is_another_user(sign_in) -> None:
    assert sign_in("google", "1", "a@example.org") != sign_in("github", "1", "b@example.org")


def test_identities_with_the_same_verified_address_are_one_user(sign_in) -> None:
    assert sign_in("google", "1") == sign_in("github", "7", "ADA@Example.org")


def test_registering_with_a_victims_address_first_gains_nothing(sign_in) -> None:
    # Pre-hijacking: an attacker creates an account with the victim's unverified address, and waits.
    attacker = sign_in("university", "evil", verified=False)
    victim = sign_in("google", "1")
    assert victim != attacker
    assert sign_in("university", "evil", verified=False) == attacker


def test_an_unverified_address_does_not_open_an_existing_account(sign_in) -> None:
    victim = sign_in("google", "1")
    assert sign_in("university", "evil", verified=False) != victim


def test_an_unverified_address_is_not_stored(sign_in, engine: sa.Engine) -> None:
    sign_in("university", "evil", verified=False)
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT email, email_verified FROM users")).one() == (None, False)


def test_changing_to_a_victims_address_does_not_move_the_identity(sign_in) -> None:
    # A provider may let its users change their address later. They keep their own account.
    victim = sign_in("google", "1")
    attacker = sign_in("university", "evil", "evil@example.org")
    assert sign_in("university", "evil", EMAIL) == attacker != victim
    assert sign_in("github", "9") == victim


def test_concurrent_sign_ins_with_two_providers_create_one_user(app: APIFlask, sign_in, engine: sa.Engine) -> None:
    barrier, ids = threading.Barrier(4), []

    def enter(number: int) -> None:
        barrier.wait()
        ids.append(sign_in("google" if number % 2 else "github", "1"))

    threads = [threading.Thread(target=enter, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 4
    assert len(set(ids)) == 1
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM users")) == 1


def test_a_disabled_user_cannot_sign_in(sign_in, engine: sa.Engine) -> None:
    sign_in("google", "1")
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE users SET disabled_at = now()"))
    with pytest.raises(AccountDisabled):
        sign_in("google", "1")
    # Nor with another identity that the address would link.
    with pytest.raises(AccountDisabled):
        sign_in("github", "1")


def test_an_identity_of_another_user_cannot_be_linked(app: APIFlask, sign_in) -> None:
    mine, theirs = sign_in("google", "1"), sign_in("google", "2", "other@example.org")
    with app.app_context():
        with pytest.raises(IdentityTaken), transaction():
            service.link(mine, identity("2"))
        with transaction():
            assert [each.subject for each in service.list_identities(theirs)] == ["2"]


def test_an_identity_with_any_address_can_be_linked(app: APIFlask, sign_in, engine: sa.Engine) -> None:
    mine = sign_in("google", "1")
    said = identity("5", provider="university", email="ada@uni.example", email_verified=False)
    with app.app_context():
        for _ in range(2):
            with transaction():
                service.link(mine, said)
    assert sign_in("university", "5", "ada@uni.example", verified=False) == mine
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT email FROM users")) == EMAIL
        linked = sa.text("SELECT count(*) FROM activities WHERE kind = 'identity_linked'")
        assert connection.scalar(linked) == 1


def test_the_last_identity_cannot_be_unlinked(app: APIFlask, sign_in) -> None:
    mine = sign_in("google", "1")
    sign_in("github", "1")
    with app.app_context():
        with transaction():
            first, second = service.list_identities(mine)
        with transaction():
            service.unlink(mine, first.id)
        with pytest.raises(LastIdentity), transaction():
            service.unlink(mine, second.id)


def test_concurrent_unlinking_leaves_one_identity(app: APIFlask, sign_in, engine: sa.Engine) -> None:
    mine = sign_in("google", "1")
    sign_in("github", "1")
    with app.app_context(), transaction():
        ids = [each.id for each in service.list_identities(mine)]
    barrier, refused = threading.Barrier(2), []

    def unlink(identity_id: UUID) -> None:
        with app.app_context():
            barrier.wait()
            try:
                with transaction():
                    service.unlink(mine, identity_id)
            except LastIdentity as error:
                refused.append(error)

    threads = [threading.Thread(target=unlink, args=(each,)) for each in ids]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM identities")) == 1


def test_unlinking_needs_a_fresh_sign_in(signed_in, app: APIFlask, engine: sa.Engine, sign_in) -> None:
    browser, tokens = signed_in(identity("1", email=EMAIL))
    sign_in("github", "1")
    header = {"Authorization": f"Bearer {tokens['access_token']}"}
    path = "/api/v1/users/me/identities"
    first, second = browser.get(path, headers=header).json["items"]
    with engine.begin() as connection:
        older = sa.text("UPDATE sessions SET authenticated_at = authenticated_at - interval '11 minutes'")
        connection.execute(older)
    answer = browser.delete(f"{path}/{first['id']}", headers=header)
    assert (answer.status_code, answer.json["code"]) == (403, "fresh_sign_in_needed")
    # A provider that remembers the user does not prove that the user is present.
    _, remembered = signed_in(identity("1", email=EMAIL), is_fresh=False)
    header = {"Authorization": f"Bearer {remembered['access_token']}"}
    assert browser.delete(f"{path}/{first['id']}", headers=header).json["code"] == "fresh_sign_in_needed"
    again, fresh = signed_in(identity("1", email=EMAIL))
    header = {"Authorization": f"Bearer {fresh['access_token']}"}
    assert again.delete(f"{path}/{first['id']}", headers=header).status_code == 204
    assert again.delete(f"{path}/{second['id']}", headers=header).json["code"] == "last_identity"
