"""Whose identity is it: linking by verified addresses only, and nobody waits in somebody else's account."""

import threading
from uuid import UUID

import pytest
import sqlalchemy as sa
from apiflask import APIFlask

from backend.accounts import service
from backend.accounts.errors import AccountDisabled, IdentityTaken, LastIdentity
from backend.core.database.transaction import transaction
from tests.accounts.conftest import EMAIL, identity


def test_the_same_subject_is_the_same_user_whatever_its_address(sign_in) -> None:
    first = sign_in("google", "1")
    assert sign_in("google", "1", "new@example.org") == first
    assert sign_in("google", "2", "other@example.org") != first


def test_the_same_subject_of_another_provider_is_somebody_else(sign_in) -> None:
    assert sign_in("google", "1", "a@example.org") != sign_in("github", "1", "b@example.org")


def test_two_verified_addresses_are_one_user(sign_in) -> None:
    assert sign_in("google", "1") == sign_in("github", "7", "ADA@Example.org")


def test_who_registers_with_an_address_first_does_not_wait_there(sign_in) -> None:
    # The classic: an attacker makes an account with the victim's address, which nobody has verified, and waits.
    attacker = sign_in("university", "evil", verified=False)
    victim = sign_in("google", "1")
    assert victim != attacker
    assert sign_in("university", "evil", verified=False) == attacker


def test_an_unverified_address_opens_no_account_that_is_there(sign_in) -> None:
    victim = sign_in("google", "1")
    assert sign_in("university", "evil", verified=False) != victim


def test_an_address_that_was_not_verified_when_it_came_is_not_kept(sign_in, engine: sa.Engine) -> None:
    sign_in("university", "evil", verified=False)
    with engine.connect() as connection:
        assert connection.execute(sa.text("SELECT email, email_verified FROM users")).one() == (None, False)


def test_an_identity_whose_address_becomes_the_victims_does_not_move(sign_in) -> None:
    # The provider lets its user change her address later; the account that she has stays hers.
    victim = sign_in("google", "1")
    attacker = sign_in("university", "evil", "evil@example.org")
    assert sign_in("university", "evil", EMAIL) == attacker != victim
    assert sign_in("github", "9") == victim


def test_two_providers_at_the_same_moment_make_one_user(app: APIFlask, sign_in, engine: sa.Engine) -> None:
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
    # Neither by a further identity that the address would link.
    with pytest.raises(AccountDisabled):
        sign_in("github", "1")


def test_an_identity_of_somebody_else_cannot_be_linked(app: APIFlask, sign_in) -> None:
    mine, hers = sign_in("google", "1"), sign_in("google", "2", "other@example.org")
    with app.app_context():
        with pytest.raises(IdentityTaken), transaction():
            service.link(mine, identity("2"))
        with transaction():
            assert [each.subject for each in service.list_identities(hers)] == ["2"]


def test_linking_gives_a_further_way_in_whatever_its_address(app: APIFlask, sign_in, engine: sa.Engine) -> None:
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


def test_the_last_identity_stays(app: APIFlask, sign_in) -> None:
    mine = sign_in("google", "1")
    sign_in("github", "1")
    with app.app_context():
        with transaction():
            first, second = service.list_identities(mine)
        with transaction():
            service.unlink(mine, first.id)
        with pytest.raises(LastIdentity), transaction():
            service.unlink(mine, second.id)


def test_two_that_are_unlinked_at_once_leave_one(app: APIFlask, sign_in, engine: sa.Engine) -> None:
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
    # Being let through by a provider that remembers her does not tell that it is she who sits there.
    _, remembered = signed_in(identity("1", email=EMAIL), is_fresh=False)
    header = {"Authorization": f"Bearer {remembered['access_token']}"}
    assert browser.delete(f"{path}/{first['id']}", headers=header).json["code"] == "fresh_sign_in_needed"
    again, fresh = signed_in(identity("1", email=EMAIL))
    header = {"Authorization": f"Bearer {fresh['access_token']}"}
    assert again.delete(f"{path}/{first['id']}", headers=header).status_code == 204
    assert again.delete(f"{path}/{second['id']}", headers=header).json["code"] == "last_identity"
