"""A crash in a step or while reading: it is retried, ends with an error code, and the rest continues.

No input is known to cause a crash, so the database refuses a row for an unexpected reason.
"""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from tests.generation.test_api_runs import read
from tests.stand_ins.openai_server import OpenAIStandIn

CrashOn = Callable[..., None]


def test_a_crashing_step_fails_the_run_with_an_error_code(
    client: Any,
    openai: OpenAIStandIn,
    start_run: Callable[..., Any],
    finish: Callable[[], None],
    crash_on: CrashOn,
) -> None:
    crash_on("flashcards", times=99)
    run = start_run(pages=1, flashcards=2)
    finish()
    run = read(client, f"/runs/{run['id']}")
    assert (run["state"], run["error"]["code"]) == ("failed", "internal_error")
    assert "our side" in run["error"]["detail"]
    # The reply is kept, so the call is made once.
    assert len(openai.calls) == run["usage"]["requests"] == 1


def test_a_step_that_crashes_once_loses_nothing(
    client: Any,
    openai: OpenAIStandIn,
    start_run: Callable[..., Any],
    finish: Callable[[], None],
    crash_on: CrashOn,
) -> None:
    crash_on("flashcards", times=1)
    run = start_run(pages=1, flashcards=2, questions=1)
    finish()
    run = read(client, f"/runs/{run['id']}")
    assert (run["state"], run["delivered"]) == ("done", {"flashcards": 2, "questions": 1})
    assert len(openai.calls) == 1


def test_a_crash_while_reading_fails_the_document_and_its_run(
    client: Any,
    openai: OpenAIStandIn,
    start_run: Callable[..., Any],
    run_pending_jobs: Callable[[], int],
    engine: sa.Engine,
    crash_on: CrashOn,
) -> None:
    crash_on("pages", times=99)
    run = start_run(pages=1)
    for _ in range(3):
        run_pending_jobs()
        with engine.begin() as connection:
            connection.exec_driver_sql("UPDATE documents SET available_at = now() WHERE state = 'queued'")
    (document,) = read(client, f"/study-sets/{run['study_set_id']}/documents")["items"]
    assert (document["status"], document["error"]["code"]) == ("failed", "internal_error")
    assert "our side" in document["error"]["detail"]
    run_pending_jobs()
    run = read(client, f"/runs/{run['id']}")
    assert (run["state"], run["error"]["code"]) == ("failed", "no_text")
    (skipped,) = read(client, f"/runs/{run['id']}/receipt")["documents"][0]["skipped"]
    assert (skipped["first_page"], skipped["reason"]) == (None, "internal_error")
    assert openai.calls == []
