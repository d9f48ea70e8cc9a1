"""Fixtures for tests of runs: notes to upload, a language model on loopback, and due times that can be skipped."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa

from backend.generation.language_models.choice import get_language_model
from backend.settings import get_settings
from tests import credits
from tests.conftest import Client, run_task
from tests.generation.charged import Ledger
from tests.patience import patient_s
from tests.stand_ins.openai_server import OpenAIStandIn

NOUNS = ("membrane", "nucleus", "enzyme", "receptor", "vesicle", "ribosome", "antibody", "artery", "hormone", "neuron")
VERBS = ("regulates", "transports", "produces", "inhibits", "stores", "modifies", "surrounds", "contains")


def notes(pages: int, *, sentences: int = 18) -> bytes:
    """Return lecture notes as plain text, a form feed between pages; no two sentences are alike."""
    written = []
    for page in range(pages):
        lines = []
        for line in range(sentences):
            n = page * sentences + line
            first, second = NOUNS[n % len(NOUNS)], NOUNS[(n * 7 + 3) % len(NOUNS)]
            verb = VERBS[(n // len(NOUNS) + n) % len(VERBS)]
            lines.append(f"In experiment {1000 + n} the {first} {verb} the {second} of tissue sample {5000 + 3 * n}.")
        written.append("\n".join(lines))
    return "\f".join(written).encode()


def chapters(number: int) -> bytes:
    """Return notes with headings, of which the language model on loopback makes topics."""
    pages = notes(number).decode().split("\f")
    return "\n\n".join(f"# Chapter {n}\n\n{page}" for n, page in enumerate(pages, start=1)).encode()


@pytest.fixture
def openai(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[OpenAIStandIn]:
    """An OpenAI-compatible server on loopback, which the app uses during the test."""
    with OpenAIStandIn() as server:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-test-0123456789")
        # Whatever the default is: its prices are such that each call costs several credits.
        monkeypatch.setenv("OPENAI_MODEL", "gpt-4o")
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_TIMEOUT_S", str(patient_s(2)))
        monkeypatch.setenv("SECTION_CHARS", "1500")
        get_settings.cache_clear()
        get_language_model.cache_clear()
        yield server
        monkeypatch.undo()
        get_settings.cache_clear()
        get_language_model.cache_clear()


@pytest.fixture
def billing(openai: OpenAIStandIn, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Billing is on during the test, and the language model is one with a price. Users have no credits at first."""
    with credits.billing_on(monkeypatch, SIGNUP_CREDITS="0"):
        yield


@pytest.fixture
def only_billing(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Billing is on during the test, with the built-in model."""
    with credits.billing_on(monkeypatch, SIGNUP_CREDITS="0"):
        yield


@pytest.fixture
def use_model(openai: OpenAIStandIn, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Change the name of the language model during the test."""

    def use(name: str) -> None:
        monkeypatch.setenv("OPENAI_MODEL", name)
        get_settings.cache_clear()
        get_language_model.cache_clear()

    return use


@pytest.fixture
def set_free_budget(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Change the daily budget for free credits, in CHF."""

    def change(chf: str) -> None:
        monkeypatch.setenv("DAILY_MODEL_BUDGET_CHF", chf)
        get_settings.cache_clear()

    yield change
    monkeypatch.undo()
    get_settings.cache_clear()


@pytest.fixture
def grant_credits(app: Any) -> Callable[..., Any]:
    """Give the user of a client a lot of credits, paid ones unless another source is named."""

    def grant(client: Client, amount: int, source: str = "purchase") -> None:
        assert client.user_id is not None
        credits.grant_credits(app, client.user_id, amount, source)

    return grant


@pytest.fixture
def ledger(engine: sa.Engine) -> Ledger:
    return Ledger(engine)


@pytest.fixture
def study_set(client: Client, run_pending_jobs: Callable[[], int]) -> str:
    """A study set with notes that have been read."""
    study_set = client.make_study_set()
    client.upload(study_set, ("notes.md", chapters(4)))
    run_pending_jobs()
    return study_set


@pytest.fixture
def make_due(engine: sa.Engine) -> Callable[[], int]:
    """Make every step and call that waits for a retry due now; return how many. Steps that wait for a call go on so."""

    def make() -> int:
        with engine.begin() as connection:
            return sum(
                connection.execute(
                    sa.text(
                        f"UPDATE {table} SET available_at = now()"
                        " WHERE state = 'queued' AND available_at > now() AND available_at < '9000-01-01'"
                    )
                ).rowcount
                for table in ("steps", "calls")
            )

    return make


@pytest.fixture
def finish(run_pending_jobs: Callable[[], int], make_due: Callable[[], int]) -> Callable[[], None]:
    """Work until the queue is empty, without waiting for due times."""

    def work() -> None:
        run_pending_jobs()
        while make_due():
            run_pending_jobs()

    return work


@pytest.fixture
def start_run(client: Any) -> Callable[..., Any]:
    """Upload notes to a new study set and start a run; return the run as JSON."""

    def start(pages: int = 3, **wish: Any) -> Any:
        study_set = client.make_study_set()
        assert client.upload(study_set, ("notes.txt", notes(pages))).status_code == 201
        answer = client.post(f"/api/v1/study-sets/{study_set}/runs", json=wish)
        assert answer.status_code == 202, answer.text
        return answer.json

    return start


@pytest.fixture
def run_next(app: Any, engine: sa.Engine) -> Callable[[str], None]:
    """Run a task once, on the oldest waiting row. A step that waits for its call gets it first."""
    tables = {"library.read_document": "documents", "generation.work_step": "steps"}

    def run(task: str) -> None:
        with engine.connect() as connection:
            oldest = f"SELECT id FROM {tables[task]} WHERE state = 'queued' ORDER BY created_at, id LIMIT 1"
            row = connection.execute(sa.text(oldest)).scalar_one()
            call = connection.execute(sa.text("SELECT id FROM calls WHERE step_id = :id"), {"id": row}).scalar()
        if call is not None:
            run_task(app, "generation.call_model", call)
        run_task(app, task, row)

    return run
