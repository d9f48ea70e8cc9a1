"""What other rooms learn of a user: verified addresses and identities, and when a provider has confirmed one."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
import sqlalchemy as sa
from apiflask import APIFlask

from backend.accounts import service
from backend.accounts.errors import AccountDisabled, IdentityTaken
from backend.accounts.hooks import identity_verified
from backend.core.database.database import db
from backend.core.database.transaction import transaction
from backend.core.errors import NotFound
from tests.accounts.conftest import EMAIL, identity

# Each user whom the hook was sent for, and the number of identities that the receiver found.
Seen = list[tuple[UUID, int]]
_LOCK = sa.text("SELECT id FROM users WHERE id = :id FOR NO KEY UPDATE SKIP LOCKED")
_seen: Seen = []


class _Refused(Exception):
    """The receiver prevents the sign-in of this user."""


def _receive(user_id: UUID) -> None:
    with db.engine.begin() as other:
        assert other.execute(_LOCK, {"id": user_id}).all() == [], "The user is not locked."
    proofs = service.list_proofs(user_id)
    if ("google", "refused") in proofs.identities:
        raise _Refused
    _seen.append((user_id, len(proofs.identities)))


@pytest.fixture
def seen() -> Seen:
    """What the hook has told since the test began."""
    identity_verified.subscribe(_receive)
    _seen.clear()
    return _seen


@pytest.fixture
def ask(app: APIFlask) -> Callable[..., Any]:
    """Call a verb in a transaction of its own."""

    def call(verb: Callable[..., Any], *args: Any) -> Any:
        with app.app_context(), transaction():
            return verb(*args)

    return call


def test_each_sign_in_and_link_is_told_once(sign_in, ask, seen: Seen) -> None:
    mine = sign_in("google", "1")
    assert seen == [(mine, 1)]
    sign_in("google", "1")
    # By the verified address.
    assert sign_in("github", "1") == mine
    ask(service.link, mine, identity("5", provider="university"))
    assert seen == [(mine, 1), (mine, 1), (mine, 2), (mine, 3)]


def test_an_identity_that_is_not_let_in_is_not_told(sign_in, ask, seen: Seen, engine: sa.Engine) -> None:
    mine = sign_in("google", "1")
    sign_in("google", "2", "other@example.org")
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE users SET disabled_at = now() WHERE id = :id"), {"id": mine})
    seen.clear()
    with pytest.raises(AccountDisabled):
        sign_in("google", "1")
    with pytest.raises(IdentityTaken):
        ask(service.link, mine, identity("2"))
    assert seen == []


def test_a_receiver_can_prevent_the_sign_in(sign_in, seen: Seen, engine: sa.Engine) -> None:
    with pytest.raises(_Refused):
        sign_in("google", "refused")
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM users")) == 0


def test_the_proofs_of_a_user_are_their_verified_addresses_and_identities(sign_in, ask) -> None:
    mine = sign_in("google", "1", "Ada@Example.org")
    sign_in("google", "2", "other@example.org")
    ask(service.link, mine, identity("5", provider="university", email="ADA@uni.example"))
    ask(service.link, mine, identity("6", provider="github", email="not.mine@example.org", email_verified=False))
    proofs = ask(service.list_proofs, mine)
    assert proofs.verified_emails == ("ada@example.org", "ada@uni.example")
    assert proofs.identities == (("google", "1"), ("university", "5"), ("github", "6"))


def test_users_without_a_verified_address_have_no_address_as_proof(sign_in, ask) -> None:
    unverified = sign_in("university", "1", verified=False)
    assert ask(service.list_proofs, unverified).verified_emails == ()
    assert ask(service.list_proofs, uuid4()).identities == ()
    assert ask(service.list_users_with_verified_email, None, 10) == []


def test_a_deleted_user_has_no_proofs(sign_in, ask) -> None:
    mine = sign_in("google", "1")
    ask(service.leave, mine)
    proofs = ask(service.list_proofs, mine)
    assert (proofs.verified_emails, proofs.identities) == ((), ())
    assert ask(service.list_users_with_verified_email, None, 10) == []
    with pytest.raises(NotFound):
        ask(service.get_contact, mine)


def test_users_with_a_verified_address_are_listed_page_by_page(sign_in, ask, engine: sa.Engine) -> None:
    users = [sign_in("google", str(number), f"ada{number}@example.org") for number in range(5)]
    sign_in("university", "1", verified=False)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE users SET disabled_at = now() WHERE id = :id"), {"id": users[1]})
        # Verified by the identity alone, because another user had the address at that time.
        connection.execute(
            sa.text("UPDATE users SET email = NULL, email_verified = false WHERE id = :id"), {"id": users[2]}
        )
    first = ask(service.list_users_with_verified_email, None, 3)
    assert list(first) == [users[0], users[2], users[3]]
    assert list(ask(service.list_users_with_verified_email, first[-1], 3)) == [users[4]]


def test_a_contact_has_only_a_verified_address(sign_in, ask) -> None:
    mine = sign_in("google", "1")
    contact = ask(service.get_contact, mine)
    assert (contact.email, contact.name, contact.language) == (EMAIL, "Ada", None)
    unverified = sign_in("university", "1", verified=False)
    ask(
        lambda: db.session.execute(
            sa.text("UPDATE users SET email = 'a@b.ch', language = 'de' WHERE NOT email_verified")
        )
    )
    contact = ask(service.get_contact, unverified)
    assert (contact.email, contact.language) == (None, "de")
    assert ask(service.list_proofs, unverified).verified_emails == ()
