"""Fixtures for administration: an administrator, users with addresses and names, and the audit log."""

import secrets
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from tests import credits
from tests.conftest import Client
from tests.stand_ins.stripe_api import TEST_KEY
from tests.stand_ins.stripe_server import StripeStandIn, sign
from tests.triggers import disabled_triggers

ADMIN = "/api/v1/admin"
# The built-in language model makes flashcards from these.
NOTES = b"""
Mitosis is the division of a cell nucleus into two genetically identical nuclei.
Osmosis is the movement of water through a semipermeable membrane towards the higher concentration.
A ribosome is a particle in the cytoplasm that builds proteins from amino acids.
Photosynthesis is the process by which plants turn light into chemical energy.
An enzyme is a protein that speeds up a chemical reaction without being used up.
"""


@pytest.fixture
def admin(app: Any, engine: sa.Engine) -> Client:
    """A client signed in as a user with the admin role."""
    client = app.test_client().sign_in("admin@example.org")
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE users SET role = 'admin' WHERE id = :id"), {"id": client.user_id})
    return client


@pytest.fixture
def describe(engine: sa.Engine) -> Callable[..., None]:
    """Set a user's address and name."""

    def write(client: Client, email: str | None, name: str | None = None, *, verified: bool = True) -> None:
        statement = "UPDATE users SET email = :email, email_verified = :verified, name = :name WHERE id = :id"
        values = {"email": email, "name": name, "verified": verified, "id": client.user_id}
        with engine.begin() as connection:
            connection.execute(sa.text(statement), values)

    return write


@pytest.fixture
def logged(engine: sa.Engine) -> Callable[[], list[Any]]:
    """Read the rows of the audit log, oldest first."""

    def read() -> list[Any]:
        with engine.connect() as connection:
            return list(connection.execute(sa.text("SELECT * FROM admin_actions ORDER BY id")))

    return read


@pytest.fixture
def start_failed_run(client: Client, run_pending_jobs: Callable[[], int]) -> Callable[[], str]:
    """Start a run of the student that fails, because its document has no usable content; return its id."""

    def start() -> str:
        study_set_id = client.make_study_set("Secret plans")
        assert client.upload(study_set_id, ("private-name.txt", b"42")).status_code == 201
        run_id: str = client.post(f"/api/v1/study-sets/{study_set_id}/runs", json={}).json["id"]
        run_pending_jobs()
        assert client.get(f"/api/v1/runs/{run_id}").json["state"] == "failed"
        return run_id

    return start


@pytest.fixture
def stripe(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[StripeStandIn]:
    """Stripe on loopback, and billing turned on. Users get no sign-up credits."""
    with (
        StripeStandIn() as server,
        credits.billing_on(monkeypatch, STRIPE_API_KEY=TEST_KEY, STRIPE_URL=server.url, SIGNUP_CREDITS="0"),
    ):
        yield server


@pytest.fixture
def buy(stripe: StripeStandIn, engine: sa.Engine) -> Callable[..., str]:
    """Let a student buy a package through Stripe; return the payment's id."""

    def pay(client: Client, package: str = "chf-10") -> str:
        checkouts = "/api/v1/billing/checkout-sessions"
        made = client.post(checkouts, json={"package": package}, headers={"Idempotency-Key": secrets.token_hex(8)})
        assert made.status_code == 201, made.text
        with engine.connect() as connection:
            found = sa.text("SELECT stripe_session_id FROM checkouts WHERE id = :id")
            stripe.account.pay(connection.execute(found, {"id": made.json["id"]}).scalar_one(), "twint")
        assert client.get(f"{checkouts}/{made.json['id']}").json["state"] == "paid"
        with engine.connect() as connection:
            bought = sa.text("SELECT id FROM payments WHERE checkout_id = :id")
            return str(connection.execute(bought, {"id": made.json["id"]}).scalar_one())

    return pay


@pytest.fixture
def stale(engine: sa.Engine) -> Callable[[Client], None]:
    """Let a client's sign-in be no longer fresh."""

    def age(client: Client) -> None:
        old = "UPDATE sessions SET authenticated_at = authenticated_at - interval '11 minutes' WHERE user_id = :id"
        with engine.begin() as connection:
            connection.execute(sa.text(old), {"id": client.user_id})

    return age


@pytest.fixture
def add_event(stripe: StripeStandIn, app: Any, run_pending_jobs: Callable[[], int], engine: sa.Engine) -> Any:
    """Let Stripe send an event about a refund that is in an unknown state; return the id of its row."""

    def send() -> str:
        with engine.connect() as connection:
            intent = connection.exec_driver_sql("SELECT stripe_payment_intent_id FROM payments").scalar_one()
        event = stripe.account.refund(intent, 1, status="teleported")[0]
        webhook = sign(event, credits.KEYS["STRIPE_WEBHOOK_SECRET"])
        app.test_client().post("/api/v1/payment/webhook", data=webhook.body, headers=webhook.headers)
        run_pending_jobs()
        with engine.connect() as connection:
            found = sa.text("SELECT id FROM stripe_events WHERE outcome = 'unhandled' AND event_id = :id")
            return str(connection.execute(found, {"id": event["id"]}).scalar_one())

    return send


@pytest.fixture
def age_log(engine: sa.Engine) -> Callable[[], None]:
    """Let the entries of the audit log be older than a day. The log refuses this to all but the owner of its table."""
    day_ago = (
        "UPDATE admin_actions SET id = (lpad(to_hex((extract(epoch FROM now() - interval '24 hours 1 minute')"
        " * 1000)::bigint), 12, '0') || right(replace(id::text, '-', ''), 20))::uuid"
    )

    def age() -> None:
        with engine.begin() as connection, disabled_triggers(connection, "admin_actions"):
            connection.exec_driver_sql(day_ago)

    return age
