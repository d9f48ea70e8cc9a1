"""Fixtures for tests of payments: a Stripe on loopback, and a shop that sells through it."""

import json
import threading
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
import stripe as stripe_sdk
from apiflask import APIFlask
from werkzeug.test import TestResponse

from backend.billing.ledger.accounts import read_balance
from backend.billing.types import CreditBalance
from backend.core.database.transaction import transaction
from backend.core.work.queue import queue
from tests import credits
from tests.conftest import Client
from tests.patience import join
from tests.stand_ins.stripe_api import TEST_KEY
from tests.stand_ins.stripe_server import StripeStandIn, Webhook, sign
from tests.stand_ins.stripe_shapes import ENDIVE

Json = dict[str, Any]
SECRET = credits.KEYS["STRIPE_WEBHOOK_SECRET"]
WEBHOOK = "/api/v1/payment/webhook"
CHECKOUTS = "/api/v1/billing/checkout-sessions"


@pytest.fixture
def stripe(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[StripeStandIn]:
    """Stripe on loopback, which the app uses during the test."""
    with (
        StripeStandIn() as server,
        credits.billing_on(monkeypatch, STRIPE_API_KEY=TEST_KEY, STRIPE_URL=server.url, SIGNUP_CREDITS="0"),
    ):
        yield server


class Shop:
    """What a student, Stripe and the worker do in a purchase."""

    def __init__(self, app: APIFlask, engine: sa.Engine, stripe: StripeStandIn, work: Callable[[], int]) -> None:
        self.app = app
        self.engine = engine
        self.stripe = stripe
        self._work = work

    def start(self, client: Client, package: str = "chf-10", key: str = "first") -> Json:
        """Start a checkout. Returns it as JSON."""
        response = client.post(CHECKOUTS, json={"package": package}, headers={"Idempotency-Key": key})
        assert response.status_code == 201, response.text
        return response.json

    def session_of(self, checkout: Json) -> str:
        with self.engine.connect() as connection:
            found = sa.text("SELECT stripe_session_id FROM checkouts WHERE id = :id")
            return str(connection.execute(found, {"id": checkout["id"]}).scalar_one())

    def buy(self, client: Client, package: str = "chf-10", method: str = "card", key: str = "first") -> tuple[str, Any]:
        """Start a checkout and pay. Returns the session's id and Stripe's events, none of which is delivered."""
        session = self.session_of(self.start(client, package, key))
        return session, self.stripe.account.pay(session, method)

    def intent_of(self, session: str) -> str:
        return str(self.stripe.account.get(session)["payment_intent"])

    def send(self, webhook: Webhook) -> TestResponse:
        """Send a webhook as it is."""
        return self.app.test_client().post(WEBHOOK, data=webhook.body, headers=webhook.headers)

    def deliver(self, *events: Json, version: str = ENDIVE) -> None:
        """Deliver events, each signed, and expect them to be accepted."""
        for event in events:
            response = self.send(sign(event, SECRET, version=version))
            assert response.status_code == 204, response.text

    def work(self) -> None:
        """Handle the queued events, without waiting for retries."""
        self._work()
        while self._make_due():
            self._work()

    def _make_due(self) -> int:
        with self.engine.begin() as connection:
            late = "SET available_at = now() WHERE state = 'queued' AND available_at > now()"
            changed = [
                connection.exec_driver_sql(f"UPDATE {name} {late}").rowcount
                for name in ("stripe_events", "billing_audits")
            ]
            return sum(changed)

    def handle_at_once(self, row_ids: list[UUID]) -> None:
        """Handle events at the same time, each in a thread of its own, as several workers do."""
        everybody = threading.Barrier(len(row_ids))

        def handle(row_id: UUID) -> None:
            with self.app.app_context():
                everybody.wait()
                queue.tasks["billing.handle_event"].run(str(row_id))

        threads = [threading.Thread(target=handle, args=[row_id]) for row_id in row_ids]
        for thread in threads:
            thread.start()
        for thread in threads:
            join(thread)

    def send_json(self, event: Json) -> TestResponse:
        """Send any JSON, correctly signed."""
        body = json.dumps(event)
        return self.send(
            Webhook(
                body.encode(), {"Stripe-Signature": stripe_sdk.WebhookSignature.generate_signature_header(body, SECRET)}
            )
        )

    def change_at_stripe(self, object_id: str, changes: Json) -> None:
        """Change an object at Stripe behind everybody's back; metadata is merged."""
        with self.stripe.account.lock:
            found = self.stripe.account._objects[object_id]
            metadata = changes.get("metadata", {})
            found.update({**changes, "metadata": {**found["metadata"], **metadata}})

    def balance(self, user_id: UUID | None) -> CreditBalance:
        assert user_id is not None
        with self.app.app_context(), transaction():
            return read_balance(user_id)

    def events(self) -> list[tuple[str, str | None, str | None]]:
        """Return type, outcome and reason of each stored event, the oldest first."""
        return [tuple(row) for row in self.rows("SELECT type, outcome, reason FROM stripe_events ORDER BY id")]

    def rows(self, query: str) -> list[Any]:
        with self.engine.connect() as connection:
            return list(connection.exec_driver_sql(query).all())


@pytest.fixture
def shop(app: APIFlask, engine: sa.Engine, stripe: StripeStandIn, run_pending_jobs: Callable[[], int]) -> Shop:
    return Shop(app, engine, stripe, run_pending_jobs)
