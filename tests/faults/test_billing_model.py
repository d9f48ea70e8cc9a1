"""A language model that fails costs the student nothing (fault 18)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from config.local.postgres import PostgresServer
from tests.faults.shop import BOUGHT, Shop, open_shop
from tests.patience import patient_s

pytestmark = pytest.mark.faults

STEP_ATTEMPTS = 3


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory, database_server: PostgresServer) -> Iterator[Shop]:
    logs = tmp_path_factory.mktemp("logs")
    with open_shop(logs, database_server, OPENAI_TIMEOUT_S=str(patient_s(2))) as opened:
        yield opened


FAILURES: dict[str, tuple[dict[str, Any], str]] = {
    "timeout": ({"do": "hold"}, "timeout"),
    "server error": ({"do": "server_error"}, "unavailable"),
    "rate limit": ({"do": "rate_limit", "retry_after": "0"}, "rate_limited"),
    "reset": ({"do": "reset"}, "unavailable"),
    "refusal": ({"do": "refusal"}, "refused"),
    "truncated": ({"do": "cut", "at": 0.05}, "truncated"),
    "nonsense": ({"do": "invalid_json"}, "bad_output"),
    "no quota": ({"do": "quota_exhausted"}, "quota_exhausted"),
}


@pytest.mark.parametrize("failure", FAILURES)
def test_18_credits_of_a_run_come_back_when_the_model_fails(shop: Shop, tmp_path: Path, failure: str) -> None:
    rule, code = FAILURES[failure]
    student = shop.enter(failure.replace(" ", "-"))
    student.buy()
    study_set = student.upload(tmp_path, 2)
    student.wait_until_read(study_set)
    shop.model.set_script([rule])
    shop.model.forget_calls()
    started = student.send("POST", f"/study-sets/{study_set}/runs", {"flashcards": 4, "questions": 2})
    assert started.json()["credits"]["reserved"] > 0
    run = started.json()["id"]
    view = student.wait_until_ended(run)
    assert (view["state"], view["error"]["code"]) == ("failed", code)
    assert view["credits"] == {"reserved": started.json()["credits"]["reserved"], "charged": 0}
    student.check_account(1, run)
    assert student.balance() == (BOUGHT, 0)
    # Bounded: no step was tried more often than this.
    assert max(student.attempts(run)) <= STEP_ATTEMPTS


def test_18_only_what_the_model_delivers_is_charged(shop: Shop, tmp_path: Path) -> None:
    student = shop.enter("half")
    student.buy()
    # Page 2 always fails; page 1 is delivered.
    shop.model.set_script([{"do": "server_error", "contains": 'page number="2"'}])
    run = student.start_run(student.upload(tmp_path, 2), flashcards=4, questions=2)
    view = student.wait_until_ended(run)
    assert (view["state"], view["failed_sections"]) == ("done", 1)
    charged = view["credits"]["charged"]
    [(delivered,)] = shop.query(
        "SELECT ceil(sum(c.charged_credits)) FROM model_calls c JOIN steps s ON s.id = c.step_id "
        "WHERE c.run_id = %s AND s.state = 'done' AND c.outcome = 'ok'",
        run,
    )
    assert 0 < charged == delivered
    assert shop.query("SELECT -sum(amount), sum(held) FROM credit_entries WHERE run_id = %s", run) == [(charged, 0)]
    assert student.balance() == (BOUGHT - charged, 0)
    shop.check_ledger()
