"""Work that users throw away: what it cost counts towards the free budget, and too much of it refuses new runs."""

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import sqlalchemy as sa
from apiflask import APIFlask

from backend.core.clock import now
from backend.core.ids import first_id_at
from backend.generation.charging.discarded import MOST_DISCARDED_CREDITS
from backend.settings import get_settings
from tests.conftest import Client
from tests.credits import billing_off
from tests.generation.charged import Grant, Ledger, start
from tests.generation.test_api_runs import read
from tests.generation.test_api_runs_stopping import work_on_one_section
from tests.patience import join, wait_for
from tests.stand_ins.openai_server import OpenAIStandIn

pytestmark = pytest.mark.usefixtures("billing")

Discard = Callable[..., Any]


@pytest.fixture
def discard(
    app: APIFlask, engine: sa.Engine, openai: OpenAIStandIn, client: Client, run_next: Callable[[str], None]
) -> Discard:
    """Start a run, and delete its study set while a call is in flight; return the run."""

    def do(study_set: str) -> Any:
        run = start(client, study_set, flashcards=4, questions=0).json
        run_next("generation.work_step")
        before = len(openai.calls)
        openai.set_script([{"do": "hold"}])
        thread = work_on_one_section(app, engine, run)
        wait_for("a call", lambda: len(openai.calls) > before)
        assert client.delete(f"/api/v1/study-sets/{study_set}").status_code == 204
        openai.release()
        join(thread)
        openai.set_script([])
        return run

    return do


def free_cost(ledger: Ledger, run: Any) -> tuple[Decimal, Decimal]:
    """Return what the run's calls cost, and the part of it that is for free credits."""
    query = "SELECT sum(cost_chf), sum(free_cost_chf) FROM model_calls WHERE run_id = :run"
    return tuple(ledger.query(query, run=run["id"])[0])


@pytest.mark.parametrize(("source", "share"), [("goodwill", 1), ("purchase", 0)])
def test_a_discarded_call_counts_towards_the_free_budget(
    client: Client,
    other_client: Client,
    study_set: str,
    run_pending_jobs: Callable[[], int],
    grant_credits: Grant,
    ledger: Ledger,
    set_free_budget: Callable[[str], None],
    discard: Discard,
    source: str,
    share: int,
) -> None:
    set_free_budget("1")
    grant_credits(client, 5000, source)
    run = discard(study_set)
    assert ledger.balance(client) == (5000, 0)
    cost, free = free_cost(ledger, run)
    assert free == share * cost
    assert cost > 0
    set_free_budget(str(cost))
    grant_credits(other_client, 5000, "goodwill")
    theirs = other_client.make_study_set()
    other_client.upload(theirs, ("notes.txt", b"The nucleus regulates the vesicle. " * 20))
    second = start(other_client, theirs, flashcards=1, questions=0).json
    run_pending_jobs()
    waits = read(other_client, f"/runs/{second['id']}")["waiting_for"] == "free_budget"
    assert waits == (source == "goodwill")


def test_the_free_part_of_a_cost_is_what_was_reserved_on_free_lots(
    client: Client, study_set: str, run_next: Callable[[str], None], grant_credits: Grant, ledger: Ledger
) -> None:
    grant_credits(client, 20, "goodwill")
    grant_credits(client, 5000)
    run = start(client, study_set, flashcards=12, questions=0).json
    for _ in range(2):
        run_next("generation.work_step")
    cost, free = free_cost(ledger, run)
    assert abs(free - cost * 20 / run["credits"]["reserved"]) < Decimal("1e-20")
    assert free > 0


def set_calls(engine: sa.Engine, price: int, charged: int = 0) -> None:
    with engine.begin() as connection:
        values = {"price": price, "charged": charged}
        changed = sa.text("UPDATE model_calls SET price_credits = :price, charged_credits = :charged")
        assert connection.execute(changed, values).rowcount == 1


def test_who_discards_too_much_starts_no_new_runs_for_a_day(
    client: Client,
    other_client: Client,
    study_set: str,
    run_pending_jobs: Callable[[], int],
    grant_credits: Grant,
    engine: sa.Engine,
    discard: Discard,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MAX_ACTIVE_RUNS_PER_USER", "100")
    get_settings.cache_clear()
    sets = []
    for each in (client, other_client):
        grant_credits(each, 5000)
        sets.append(each.make_study_set())
        each.upload(sets[-1], ("notes.txt", b"The nucleus regulates the vesicle. " * 20))
    run_pending_jobs()

    def begin(each: Client = client, language: str = "en") -> Any:
        path = f"/api/v1/study-sets/{sets[0 if each is client else 1]}/runs"
        wish = {"flashcards": 1, "questions": 0}
        return each.post(path, json=wish, headers={"Accept-Language": language})

    discard(study_set)
    set_calls(engine, MOST_DISCARDED_CREDITS)
    assert begin().status_code == 202
    set_calls(engine, MOST_DISCARDED_CREDITS + 1)
    for language, word in (("en", "deleted"), ("de", "gelöscht"), ("fr", "supprimé"), ("it", "eliminato")):
        answer = begin(language=language)
        assert (answer.status_code, answer.json["code"]) == (429, "too_much_discarded_work")
        assert int(answer.headers["Retry-After"]) > 0
        assert word in answer.json["detail"]
    assert begin(other_client).status_code == 202
    with billing_off(monkeypatch):
        assert begin().status_code == 202
    set_calls(engine, MOST_DISCARDED_CREDITS + 1, charged=1)
    assert begin().status_code == 202
    set_calls(engine, MOST_DISCARDED_CREDITS + 1)
    with engine.begin() as connection:
        yesterday = first_id_at(now() - timedelta(hours=25))
        connection.execute(sa.text("UPDATE model_calls SET id = :id"), {"id": yesterday})
    assert begin().status_code == 202


@pytest.mark.parametrize("cancelled", [True, False])
def test_only_cancelled_runs_are_discarded(
    client: Client,
    study_set: str,
    run_next: Callable[[str], None],
    finish: Callable[[], None],
    grant_credits: Grant,
    engine: sa.Engine,
    cancelled: bool,
) -> None:
    grant_credits(client, 5000)
    run = start(client, study_set, flashcards=12, questions=0).json
    for _ in range(2):
        run_next("generation.work_step")
    set_calls(engine, MOST_DISCARDED_CREDITS + 100)
    if cancelled:
        assert client.post(f"/api/v1/runs/{run['id']}/cancel").status_code == 202
    finish()
    answer = start(client, study_set, flashcards=1, questions=0)
    assert answer.status_code == (429 if cancelled else 202)
