"""The system with billing on, its vendors on loopback, and students who sign in with a verified address."""

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg2
import psycopg2.extras
import requests

from config.local.folders import CHECKOUT
from config.local.postgres import GivenPostgres
from config.local.redis import LocalRedis
from config.local.stack import LocalStack
from tests import credits
from tests.patience import HANG_S, patient_s, wait_for
from tests.stand_ins.openai_server import OpenAIStandIn
from tests.stand_ins.openid_provider import OpenIdProvider
from tests.stand_ins.stripe_api import TEST_KEY
from tests.stand_ins.stripe_server import StripeStandIn, sign

Json = dict[str, Any]
SECRET = credits.KEYS["STRIPE_WEBHOOK_SECRET"]
ADMIN_EMAIL = "support@uni.example"
# Some credits buy little with it, so that a small run shows everything.
MODEL = "gpt-4o"
ENDED = ("done", "failed", "cancelled", "partial")
_ENVIRONMENT = {
    **credits.KEYS,
    "STRIPE_API_KEY": TEST_KEY,
    "STRIPE_TAX": "automatic",
    "ADMIN_EMAILS": ADMIN_EMAIL,
    "ENVIRONMENT": "development",
    "OPENAI_API_KEY": "sk-test-0123456789",
    "OPENAI_MODEL": MODEL,
    "OPENAI_TIMEOUT_S": str(patient_s(40)),
    "SECTION_CHARS": "1500",
    "CELERY_CONCURRENCY": "2",
    "GUNICORN_WORKERS": "1",
    "LOG_LEVEL": "INFO",
    # A test asks more often than a person does.
    "RATE_LIMIT_READ": "100000/minute",
    "RATE_LIMIT_WRITE": "100000/minute",
    # The defaults are what is tested, whatever the developer's environment says.
    **dict.fromkeys(("CREDIT_MARGIN", "SIGNUP_CREDITS", "DAILY_MODEL_BUDGET_CHF", "ADMIN_DAILY_CHF")),
}


class Stage:
    """API and worker as processes; the language model, Stripe and a sign-in provider on loopback."""

    def __init__(
        self, stack: LocalStack, model: OpenAIStandIn, stripe: StripeStandIn, provider: OpenIdProvider
    ) -> None:
        self.stack, self.model, self.stripe, self.provider = stack, model, stripe, provider

    def query(self, statement: str, *values: Any) -> list[Any]:
        """Return rows of the database, with their columns as attributes."""
        cursors = psycopg2.extras.NamedTupleCursor
        with psycopg2.connect(self.stack.postgres.url) as connection, connection.cursor(cursor_factory=cursors) as each:
            each.execute(statement, values)
            return each.fetchall()

    def command(self, *words: str) -> list[str]:
        """Run an operators' command, which must succeed. Returns the lines that it prints."""
        done = subprocess.run(
            [sys.executable, "-m", "backend.cli", *words],
            cwd=CHECKOUT,
            env=self.stack.env,
            capture_output=True,
            text=True,
            timeout=HANG_S,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
        return done.stdout.splitlines()

    def sign_in(self, name: str, email: str) -> "Person":
        self.provider.users[name] = {"email": email, "email_verified": True, "name": name.title(), "locale": "en-CH"}
        return Person(self, name)

    def deliver(self, *events: Json) -> None:
        """Post events to the webhook, each signed, as Stripe does."""
        for event in events:
            response = self.send(event, SECRET)
            assert response.status_code == requests.codes.no_content, response.text
            self.stripe.account.mark_delivered(event["id"])

    def send(self, event: Json, secret: str) -> requests.Response:
        """Post an event that is signed with some secret."""
        webhook = sign(event, secret)
        url = f"{self.stack.api_url}/payment/webhook"
        return requests.post(url, data=webhook.body, headers=webhook.headers, timeout=HANG_S)

    def wait_for_events(self) -> None:
        """Wait until the worker has handled all events that were stored; none may be unhandled."""
        waiting = "SELECT 1 FROM stripe_events WHERE state IN ('planned', 'queued', 'running')"
        wait_for("the events of Stripe", lambda: not self.query(waiting))
        bad = "state = 'failed' OR outcome NOT IN ('handled', 'ignored')"
        assert self.query(f"SELECT type, outcome, reason, error_code FROM stripe_events WHERE {bad}") == []

    def missed_events(self) -> set[str]:
        """Return the ids of the events that were neither delivered nor found by reconciling."""
        stored = {row.event_id for row in self.query("SELECT event_id FROM stripe_events")}
        return {each["id"] for each in self.stripe.account.events if each["pending_webhooks"]} - stored


class Person:
    """Somebody with a browser, signed in at the provider just now."""

    def __init__(self, stage: Stage, name: str) -> None:
        self._api = stage.stack.api_url.replace("127.0.0.1", "localhost")
        self._browser = requests.Session()
        # The provider's page, its form, and back with a code.
        page = self._follow(f"{self._api}/auth/login/university?next=/credits&fresh=true")
        form = requests.post(page, data={"user": name}, allow_redirects=False, timeout=HANG_S)
        back = self._follow(form.headers["Location"])
        tokens = self.post("/auth/token", {"code": parse_qs(urlsplit(back).query)["code"][0]}).json()
        self.id = str(tokens["user_id"])
        self._browser.headers["Authorization"] = f"Bearer {tokens['access_token']}"

    def get(self, path: str, *, language: str = "en", **query: str) -> Any:
        response = self.read(path, language=language, **query)
        return response.json()

    def read(self, path: str, *, language: str = "en", **query: str) -> requests.Response:
        headers = {"Accept-Language": language}
        response = self._browser.get(f"{self._api}{path}", params=query, headers=headers, timeout=HANG_S)
        assert response.status_code == 200, response.text
        return response

    def post(self, path: str, body: Json, key: str | None = None) -> requests.Response:
        headers = {} if key is None else {"Idempotency-Key": key}
        return self._browser.post(f"{self._api}{path}", json=body, headers=headers, timeout=HANG_S)

    def items(self, path: str, **query: str) -> list[Json]:
        """Return all items of a list."""
        found: list[Json] = []
        query["limit"] = "100"
        while True:
            page = self.get(path, **query)
            found += page["items"]
            if not page["next_cursor"]:
                return found
            query["cursor"] = page["next_cursor"]

    def upload(self, name: str, content: bytes) -> str:
        """Upload notes to a new study set and wait until they are read. Returns the study set's id."""
        study_set = str(self.post("/study-sets", {"title": name}).json()["id"])
        url = f"{self._api}/study-sets/{study_set}/documents"
        response = self._browser.post(url, files={"files": (f"{name}.md", content)}, timeout=HANG_S)
        assert response.status_code < requests.codes.bad_request, response.text
        path = f"/study-sets/{study_set}/documents"
        wait_for("reading", lambda: all(each["status"] == "ready" for each in self.items(path)))
        return study_set

    def end_of(self, run: Json) -> Json:
        """Wait until a run has ended, with its events. Returns the run."""

        def find() -> Json | None:
            # The stream ends with the run, or after a while.
            self.read(f"/runs/{run['id']}/events")
            found = self.get(f"/runs/{run['id']}")
            return found if found["state"] in ENDED else None

        return wait_for("the end of the run", find)

    def export(self) -> zipfile.ZipFile:
        """Request the export of all data and download it."""
        path = f"/users/me/exports/{self.post('/users/me/export', {}).json()['id']}"
        wait_for("the export", lambda: self.get(path)["status"] == "ready")
        return zipfile.ZipFile(io.BytesIO(self.read(f"{path}/file").content))

    def _follow(self, url: str) -> str:
        response = self._browser.get(url, allow_redirects=False, timeout=HANG_S)
        assert response.status_code == requests.codes.found, response.text
        return response.headers["Location"]


@contextmanager
def open_stage(logs: Path, new_database: Callable[[], str]) -> Iterator[Stage]:
    """Start everything."""
    with OpenAIStandIn() as model, StripeStandIn() as stripe, OpenIdProvider() as provider:
        offered = {
            "name": "university",
            "title": "University",
            "issuer": provider.url,
            "client_id": provider.client_id,
            "client_secret": provider.client_secret,
            "email_domains": ["uni.example"],
        }
        changes = {
            "OPENAI_BASE_URL": model.url,
            "STRIPE_URL": stripe.url,
            "OIDC_PROVIDERS": json.dumps([offered]),
        }
        stack = LocalStack(
            migrate=False,
            # At midnight, the sweep would reconcile what a journey leaves to the command.
            sweeper=False,
            env={**_ENVIRONMENT, **changes},
            logs=logs,
            postgres=GivenPostgres(new_database()),
            redis=LocalRedis(),
        )
        with stack:
            stack.wait_for_worker("worker-1")
            yield Stage(stack, model, stripe, provider)
