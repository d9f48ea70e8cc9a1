"""The real system with billing on, a Stripe on loopback, and students who pay."""

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from fractions import Fraction
from math import ceil
from typing import Any

import psutil
import requests

from config.local.client import ApiClient
from config.local.folders import CHECKOUT
from config.local.postgres import PostgresServer
from tests import credits
from tests.faults.conftest import Scene, make_stack
from tests.faults.work import Work
from tests.patience import HANG_S, wait_for
from tests.stand_ins.openai_server import OpenAIStandIn
from tests.stand_ins.stripe_api import TEST_KEY
from tests.stand_ins.stripe_server import Fault, StripeStandIn, sign

Json = dict[str, Any]
PACKAGE, BOUGHT = "chf-5", 5000
_ENVIRONMENT = {
    **credits.KEYS,
    "STRIPE_API_KEY": TEST_KEY,
    # A model that has a price.
    "OPENAI_MODEL": "gpt-4o",
    # What students have is what they bought.
    "SIGNUP_CREDITS": "0",
}


class Shop(Scene):
    """A running system that sells credits. Its own student owns none."""

    def __init__(self, stack: Any, model: OpenAIStandIn, stripe: StripeStandIn, database_url: str) -> None:
        super().__init__(stack, model)
        self.stripe = stripe
        self._asked = 0
        # Around a proxy that cuts connections.
        self.database_url = database_url

    def enter(self, name: str) -> "Student":
        """Sign a new student in."""
        return Student(self, name)

    def send(self, event: Json) -> int:
        """Post an event to the webhook once. Returns the status."""
        webhook = sign(event, credits.KEYS["STRIPE_WEBHOOK_SECRET"])
        url = f"{self.stack.api_url}/payment/webhook"
        return requests.post(url, data=webhook.body, headers=webhook.headers, timeout=HANG_S).status_code

    def deliver(self, *events: Json) -> list[int]:
        """Post each event until it is accepted, as Stripe does. Returns the statuses before that."""
        refused: list[int] = []
        for event in events:

            def accepted(event: Json = event) -> bool:
                status = self.send(event)
                if status != requests.codes.no_content:
                    refused.append(status)
                return status == requests.codes.no_content

            wait_for("an accepted webhook", accepted)
        return refused

    def wait_until_handled(self, *events: Json, promised_s: float | None = None) -> None:
        """Wait until the worker has handled all stored events; check that these are among them, once each."""
        open_ones = "SELECT 1 FROM stripe_events WHERE state IN ('planned', 'queued', 'running')"
        wait_for("the effect of the events", lambda: not self.query(open_ones), promised_s)
        assert self.query("SELECT type, reason FROM stripe_events WHERE outcome NOT IN ('handled', 'ignored')") == []
        for event in events:
            assert self.query("SELECT count(*) FROM stripe_events WHERE event_id = %s", event["id"]) == [(1,)]

    def hold_question(self, how: str) -> None:
        """Hold the worker's next question about a session: ``hold`` before Stripe looks at it, ``hold_response``."""
        self._asked = len(self.stripe.requests)
        self.stripe.set_faults(Fault(how, method="GET", path="/v1/checkout/sessions/"))

    def asking_child(self) -> psutil.Process:
        """Wait for the process of the worker's pool whose question is held, and return it."""

        def find() -> psutil.Process | None:
            # Idle connections of earlier questions do not count.
            waiting = {each["client_port"] for each in self.stripe.requests[self._asked :]}
            for pid in self.stack.pool_pids("worker-1"):
                # A pool process may end between being listed and being inspected.
                with contextlib.suppress(psutil.NoSuchProcess):
                    process = psutil.Process(pid)
                    if any(each.laddr.port in waiting for each in process.net_connections()):
                        return process
            return None

        return wait_for("a process that asks Stripe", find)

    def check_ledger(self) -> None:
        """Let the operators' command check all accounts."""
        done = subprocess.run(
            [sys.executable, "-m", "backend.cli", "check-ledger"],
            cwd=CHECKOUT,
            env=self.stack.env,
            capture_output=True,
            text=True,
            timeout=HANG_S,
            check=False,
        )
        assert (done.returncode, done.stdout) == (0, "The ledger is consistent.\n"), done.stdout + done.stderr[-2000:]


class Student(Work):
    """Somebody with an account of their own, who buys credits and spends them."""

    def __init__(self, shop: Shop, name: str) -> None:
        api = ApiClient(shop.stack.api_url)
        email = f"{name}@example.org"
        tokens = api.post("/auth/dev-login", {"email": email})
        api.token = tokens["access_token"]
        super().__init__(api, shop.database_url, shop.model)
        self.shop, self.email, self.payer = shop, email, f"Annegret {name.title()}"
        self.id = str(tokens["user_id"])

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> requests.Response:
        """Send one request, whatever its outcome."""
        sent = {"Authorization": f"Bearer {self.api.token}"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return requests.request(method, f"{self.api.url}{path}", json=body, headers=sent, timeout=HANG_S)

    def open_checkout(self, key: str) -> requests.Response:
        return self.send("POST", "/billing/checkout-sessions", {"package": PACKAGE}, Idempotency_Key=key)

    def pay(self, key: str = "first") -> list[Json]:
        """Open a checkout and pay it on Stripe's page. Returns Stripe's events, none of which is delivered."""
        opened = self.open_checkout(key)
        assert opened.status_code == requests.codes.created, opened.text
        session = opened.json()["url"].rsplit("/", 1)[1]
        return self.shop.stripe.account.pay(session, "twint", name=self.payer, email=self.email, country="CH")

    def buy(self, key: str = "first") -> None:
        """Buy a package, undisturbed."""
        events = self.pay(key)
        self.shop.deliver(*events)
        self.shop.wait_until_handled(*events)

    def balance(self) -> tuple[int, int]:
        """Return the balance and what is held of it, as the student is told."""
        found = self.api.get("/billing/credits")
        return found["balance"], found["held"]

    def check_account(self, purchases: int, *runs: str) -> None:
        """Check that each purchase was granted once and that each ended run was charged once, to the last credit."""
        spent = sum(self.check_charged(run) for run in runs)
        assert self.balance() == (purchases * BOUGHT - spent, 0)
        mine = "FROM payments p JOIN credit_lots l ON l.payment_id = p.id WHERE p.user_id = %s"
        assert self.query(f"SELECT count(*), count(DISTINCT p.id) {mine}", self.id) == [(purchases, purchases)]
        assert self.query("SELECT count(*) FROM payments WHERE user_id = %s", self.id) == [(purchases,)]
        assert self.query("SELECT count(*) FROM credit_holds WHERE user_id = %s", self.id) == [(len(runs),)]
        self.shop.check_ledger()

    def check_charged(self, run: str) -> int:
        """Compare what a run captured with the prices of the calls that its material comes from. Returns the credits.

        All that was asked for was delivered, or nothing was, so that these calls are charged in full.
        """
        prices = self.query(
            "SELECT c.price_credits FROM model_calls c JOIN steps s ON s.id = c.step_id AND s.attempt = c.attempt "
            "WHERE c.run_id = %s AND c.outcome = 'ok' AND s.state = 'done' AND NOT s.halved",
            run,
        )
        view = self.api.get(f"/runs/{run}")
        delivered = view["delivered"] == view["asked"]
        assert delivered or not any(view["delivered"].values()), view
        expected = ceil(sum(Fraction(price) for (price,) in prices)) if delivered else 0
        captured = "SELECT coalesce(-sum(amount), 0), sum(held) FROM credit_entries WHERE run_id = %s"
        assert self.query(captured, run) == [(expected, 0)]
        assert view["credits"]["charged"] == expected
        assert self.query("SELECT count(*) FROM credit_holds WHERE run_id = %s AND closed_at IS NULL", run) == [(0,)]
        return expected


@contextlib.contextmanager
def open_shop(logs: Any, postgres: PostgresServer, database_url: str | None = None, **changes: str) -> Iterator[Shop]:
    """Start everything. ``database_url`` is where the tests look, if that is not where the system does."""
    with OpenAIStandIn() as model, StripeStandIn() as stripe:
        env = {**_ENVIRONMENT, "STRIPE_URL": stripe.url, **changes}
        with make_stack(model, logs, postgres, **env) as stack:
            stack.wait_for_worker("worker-1")
            yield Shop(stack, model, stripe, database_url or postgres.url)
