"""Runs against a language model that is slow, wrong or unreachable: few retries, no invented items, complete counts."""

from collections.abc import Callable
from typing import Any

import pytest

from backend.generation.calls.limiting.limiter import CallLimiter, Wait
from backend.settings import get_settings
from tests.generation.conftest import notes
from tests.generation.test_api_runs import items, read
from tests.patience import HANG_S
from tests.stand_ins.openai_server import OpenAIStandIn

StartRun = Callable[..., Any]
Finish = Callable[[], None]


def section_calls(openai: OpenAIStandIn) -> list[dict[str, Any]]:
    """Return the calls that asked for a section."""
    return [call for call in openai.calls if call["kind"] == "section"]


@pytest.mark.parametrize(
    "rule",
    [
        {"do": "rate_limit", "on": [1], "retry_after": "7"},
        {"do": "server_error", "on": [1]},
        {"do": "reset", "on": [1]},
        {"do": "close", "on": [1]},
        {"do": "invalid_json", "on": [1]},
        {"do": "sleep", "on": [1], "seconds": 30},
        {"do": "drip", "on": [1], "seconds": 0.5},
    ],
    ids=lambda rule: rule["do"],
)
def test_a_transient_failure_is_retried_and_loses_nothing(
    client: Any, openai: OpenAIStandIn, start_run: StartRun, finish: Finish, rule: dict[str, Any]
) -> None:
    openai.set_script([rule])
    run = start_run(pages=1, flashcards=3, questions=2)
    finish()
    run = read(client, f"/runs/{run['id']}")
    assert (run["state"], run["delivered"]) == ("done", {"flashcards": 3, "questions": 2})
    assert run["failed_sections"] == 0


def test_the_vendors_retry_after_is_honoured(
    openai: OpenAIStandIn, start_run: StartRun, run_pending_jobs: Callable[[], int]
) -> None:
    openai.set_script([{"do": "rate_limit", "on": [1], "retry_after": "40"}])
    start_run(pages=1, flashcards=2)
    run_pending_jobs()
    assert len(section_calls(openai)) == 1
    settings = get_settings()
    wait = CallLimiter(settings.broker_url).reserve(f"{settings.openai_base_url}:{settings.openai_model}", 10)
    assert isinstance(wait, Wait)
    assert 40 - HANG_S < wait.seconds < 80


@pytest.mark.parametrize(
    ("rule", "code", "calls"),
    [
        # A failing server gets one more request in another dialect, which it might understand.
        # And the section is tried again when the others are done.
        ({"do": "server_error"}, "unavailable", 12),
        ({"do": "invalid_json"}, "bad_output", 3),
        ({"do": "refusal"}, "refused", 1),
    ],
    ids=lambda value: value["do"] if isinstance(value, dict) else str(value),
)
def test_a_permanent_failure_fails_the_run_with_its_code(
    client: Any,
    openai: OpenAIStandIn,
    start_run: StartRun,
    finish: Finish,
    rule: dict[str, Any],
    code: str,
    calls: int,
) -> None:
    openai.set_script([rule])
    run = start_run(pages=1, flashcards=2, questions=0)
    finish()
    run = read(client, f"/runs/{run['id']}")
    assert (run["state"], run["error"]["code"]) == ("failed", code)
    assert run["error"]["detail"]
    assert items(client, run, "flashcards") == []
    assert len(section_calls(openai)) <= calls * run["progress"]["sections_total"]


def test_an_error_that_needs_an_operator_fails_the_run_immediately(
    client: Any, openai: OpenAIStandIn, start_run: StartRun, finish: Finish
) -> None:
    openai.set_script([{"do": "unauthorized"}])
    run = start_run(pages=6)
    finish()
    run = read(client, f"/runs/{run['id']}")
    assert (run["state"], run["error"]["code"]) == ("failed", "misconfigured")
    assert "later" in run["error"]["detail"]
    assert len(openai.calls) < run["progress"]["sections_total"]


def test_one_refused_section_does_not_end_the_run(
    client: Any, openai: OpenAIStandIn, start_run: StartRun, finish: Finish
) -> None:
    openai.set_script([{"do": "refusal", "on": [1]}])
    run = start_run(pages=4)
    finish()
    run = read(client, f"/runs/{run['id']}")
    assert (run["state"], run["failed_sections"]) == ("partial", 1)
    receipt = read(client, f"/runs/{run['id']}/receipt")
    skipped = [entry for entry in receipt["documents"][0]["skipped"] if entry["reason"] == "refused"]
    assert len(skipped) == 1
    assert "declined" in skipped[0]["detail"]


def test_a_truncated_reply_keeps_complete_items_and_only_the_rest_is_requested_again(
    client: Any, openai: OpenAIStandIn, start_run: StartRun, finish: Finish
) -> None:
    openai.set_script([{"do": "cut", "on": [1], "at": 0.6}])
    run = start_run(pages=1, flashcards=6, questions=0)
    finish()
    run = read(client, f"/runs/{run['id']}")
    receipt = read(client, f"/runs/{run['id']}/receipt")
    # The stand-in may repeat a fact in another form, which is a duplicate.
    assert run["delivered"]["flashcards"] + receipt["duplicates"] >= 6
    calls = section_calls(openai)
    first = calls[0]["flashcards"]
    later = [call for call in calls[1:] if set(call["pages"]) <= set(calls[0]["pages"])]
    assert sum(call["flashcards"] for call in later) > 0
    assert first == 6
    assert sum(call["flashcards"] for call in later) < 6
    assert run["progress"]["sections_total"] > 1


def test_a_section_that_is_too_long_is_halved(
    client: Any, openai: OpenAIStandIn, start_run: StartRun, finish: Finish
) -> None:
    openai.set_script([{"do": "context_too_long", "on": [1]}])
    run = start_run(pages=1, flashcards=4, questions=0)
    finish()
    run = read(client, f"/runs/{run['id']}")
    assert (run["state"], run["delivered"]["flashcards"]) == ("done", 4)
    events = client.get(f"/api/v1/runs/{run['id']}/events?after=0").json["items"]
    assert "section.halved" in [event["kind"] for event in events]


@pytest.mark.parametrize(
    ("behaviour", "check"),
    [
        ("foreign_quotes", "quote_not_found"),
        ("bad_key", "no_such_key"),
        ("wrong_option_count", "option_count"),
        ("malformed_item", "schema_invalid"),
        ("placeholder", None),
    ],
)
def test_a_bad_item_is_dropped_and_counted_without_affecting_others(
    client: Any, openai: OpenAIStandIn, start_run: StartRun, finish: Finish, behaviour: str, check: str | None
) -> None:
    openai.set_script([{"do": behaviour, "items": 1}])
    run = start_run(pages=1, flashcards=4, questions=4)
    finish()
    receipt = read(client, f"/runs/{run['id']}/receipt")
    made = [*items(client, run, "flashcards"), *items(client, run, "questions")]
    asked, delivered = (sum(receipt[kind].values()) for kind in ("asked", "delivered"))
    rejected = {entry["check"]: entry["count"] for entry in receipt["rejected"]}
    assert receipt["state"] == "done"
    assert 0 < delivered < asked
    assert len(made) == delivered
    assert sum(rejected.values()) + receipt["duplicates"] >= asked - delivered
    assert all(entry["detail"] for entry in receipt["rejected"])
    if check is not None:
        assert check in rejected


def test_a_run_succeeds_even_if_topics_cannot_be_connected(client: Any, openai: OpenAIStandIn, finish: Finish) -> None:
    openai.set_script([{"do": "server_error", "contains": "hts:topics"}])
    study_set = client.make_study_set()
    chapters = [f"# Chapter on {noun}s\n\n" + notes(1).decode() for noun in ("membrane", "enzyme", "neuron")]
    client.upload(study_set, ("notes.md", "\n\n".join(chapters).encode()))
    run = client.post(f"/api/v1/study-sets/{study_set}/runs", json={}).json
    finish()
    run = read(client, f"/runs/{run['id']}")
    assert run["state"] == "done"
    assert run["delivered"]["flashcards"] > 0
    assert len(read(client, f"/study-sets/{study_set}/concept-map")["topics"]) > 1
    assert [call for call in openai.calls if call["kind"] == "connect"]
