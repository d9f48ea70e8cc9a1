"""Without billing, runs cost nothing, and what they use is recorded all the same."""

from typing import Any

import pytest

from tests.conftest import Client
from tests.generation.charged import Finish, Ledger, estimate, start
from tests.generation.conftest import notes
from tests.generation.test_api_runs import read
from tests.stand_ins.openai_server import OpenAIStandIn


def test_usage_is_recorded_at_its_cost_and_nobody_pays(
    client: Client, openai: OpenAIStandIn, study_set: str, finish: Finish, ledger: Ledger
) -> None:
    found = estimate(client, study_set)
    assert (found["low"], found["likely"], found["high"], found["is_charged"]) == (0, 0, 0, False)
    run = start(client, study_set, flashcards=4, questions=0, max_credits=1).json
    finish()
    run = read(client, f"/runs/{run['id']}")
    assert (run["state"], run["credits"]) == ("done", {"reserved": 0, "charged": 0})
    for call in ledger.calls(run):
        assert (call.user_id, call.price_list) == (client.user_id, "2026-11-01x4")
        assert call.cost_usd * 3200 == call.price_credits > 0
        assert call.charged_credits == 0
    assert ledger.query("SELECT 1 FROM credit_holds") == []


def test_a_model_without_a_price_has_no_recorded_cost(
    client: Client,
    openai: OpenAIStandIn,
    study_set: str,
    finish: Finish,
    ledger: Ledger,
    use_model: Any,
) -> None:
    use_model("unheard-of")
    run = start(client, study_set, flashcards=2, questions=0).json
    finish()
    assert read(client, f"/runs/{run['id']}")["state"] == "done"
    for call in ledger.calls(run):
        assert call.input_tokens > 0
        assert (call.price_list, call.cost_usd, call.price_credits) == (None, None, None)


@pytest.mark.parametrize("billed", [True, False])
def test_the_builtin_model_is_free(
    client: Client, finish: Finish, ledger: Ledger, billed: bool, request: pytest.FixtureRequest
) -> None:
    if billed:
        request.getfixturevalue("only_billing")
    study_set = client.make_study_set()
    client.upload(study_set, ("notes.txt", notes(2)))
    found = estimate(client, study_set)
    assert (found["high"], found["is_charged"]) == (0, False)
    run = start(client, study_set).json
    finish()
    run = read(client, f"/runs/{run['id']}")
    assert run["state"] in ("done", "failed")
    assert run["credits"] == {"reserved": 0, "charged": 0}
    assert {call.cost_usd for call in ledger.calls(run)} <= {0}
    assert ledger.query("SELECT 1 FROM credit_holds") == []
