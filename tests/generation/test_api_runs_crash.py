"""A step or a reading that fails by our own fault: tried again, ended with a code, and the rest goes on."""

from collections.abc import Callable
from typing import Any

import pytest

from backend.generation import steps
from backend.library import reading
from tests.generation.test_api_runs import read
from tests.stand_ins.openai_server import OpenAIStandIn


def fail(*_: object) -> Any:
    """Do what nobody expected."""
    raise RuntimeError("nobody expected this")


def test_a_crashing_step_ends_the_run_with_a_code_of_ours(
    client: Any,
    openai: OpenAIStandIn,
    start_run: Callable[..., Any],
    finish: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(steps, "check_reply", fail)
    run = start_run(pages=1, flashcards=2)
    finish()
    run = read(client, f"/runs/{run['id']}")
    assert (run["state"], run["error"]["code"]) == ("failed", "internal_error")
    assert "our side" in run["error"]["detail"]
    assert len(openai.calls) == 3


def test_a_step_that_crashes_once_loses_nothing(
    client: Any,
    openai: OpenAIStandIn,
    start_run: Callable[..., Any],
    finish: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    really, crashes = steps.check_reply, iter([fail])
    monkeypatch.setattr(steps, "check_reply", lambda *given: next(crashes, really)(*given))
    run = start_run(pages=1, flashcards=2, questions=1)
    finish()
    run = read(client, f"/runs/{run['id']}")
    assert (run["state"], run["delivered"]) == ("done", {"flashcards": 2, "questions": 1})


def test_a_crashing_reading_ends_the_document_and_its_run(
    client: Any,
    openai: OpenAIStandIn,
    start_run: Callable[..., Any],
    run_pending_jobs: Callable[[], int],
    engine: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(reading, "extract", fail)
    run = start_run(pages=1)
    for _ in range(3):
        run_pending_jobs()
        with engine.begin() as connection:
            connection.exec_driver_sql("UPDATE documents SET available_at = now() WHERE state = 'queued'")
    (document,) = read(client, f"/study-sets/{run['study_set_id']}/documents")["items"]
    assert (document["status"], document["error"]["code"]) == ("failed", "internal_error")
    assert "our side" in document["error"]["detail"]
    run = read(client, f"/runs/{run['id']}")
    assert (run["state"], run["error"]["code"]) == ("failed", "no_text")
