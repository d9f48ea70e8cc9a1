"""Stopped runs: they end without needless waiting, paid calls are counted, and nothing happens after the end."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from apiflask import APIFlask

from backend.core.database.transaction import transaction
from backend.core.work import workers
from backend.core.work.programs import Program
from backend.operations.upkeep.sweep_loop import sweep_until
from backend.settings import get_settings
from tests.conftest import run_task
from tests.generation.conftest import notes
from tests.generation.test_api_runs import read
from tests.patience import join, wait_for
from tests.stand_ins.openai_server import OpenAIStandIn

Work = Callable[[], Any]


def work_on_one_section(app: APIFlask, engine: sa.Engine, run: Any) -> threading.Thread:
    """Make the call of a section of a run, and record it, in a new thread, as workers would; return the thread."""
    with engine.connect() as connection:
        statement = "SELECT id, step_id FROM calls WHERE run_id = :run AND state = 'queued' LIMIT 1"
        call, step = connection.execute(sa.text(statement), {"run": run["id"]}).one()

    def work() -> None:
        run_task(app, "generation.call_model", call)
        run_task(app, "generation.work_step", step)

    thread = threading.Thread(target=work)
    thread.start()
    return thread


def plan(client: Any, run: Any, run_task: Callable[[str], None]) -> None:
    """Read the documents of a run and plan it, without working on its sections."""
    run_task("library.read_document")
    run_task("generation.work_step")
    assert read(client, f"/runs/{run['id']}")["state"] == "making"


def test_a_cancelled_run_does_not_wait_for_a_scheduled_retry(
    client: Any,
    openai: OpenAIStandIn,
    start_run: Callable[..., Any],
    run_next: Callable[[str], None],
    app: APIFlask,
    engine: sa.Engine,
) -> None:
    run = start_run(pages=1, flashcards=1, questions=0)
    plan(client, run, run_next)
    openai.delay_s = 0.5
    openai.set_script([{"do": "rate_limit", "retry_after": "50"}, {"do": "sleep", "seconds": 0.5}])
    thread = work_on_one_section(app, engine, run)
    wait_for("a call", lambda: openai.calls)
    answer = client.post(f"/api/v1/runs/{run['id']}/cancel")
    assert answer.status_code == 202
    join(thread)
    assert read(client, f"/runs/{run['id']}")["state"] == "cancelled"


def test_a_run_fails_only_after_its_last_call_has_ended(
    client: Any,
    openai: OpenAIStandIn,
    start_run: Callable[..., Any],
    run_next: Callable[[str], None],
    app: APIFlask,
    engine: sa.Engine,
) -> None:
    run = start_run(pages=4, flashcards=8, questions=0)
    plan(client, run, run_next)
    openai.set_script([{"do": "sleep", "on": [1], "seconds": 1.5}, {"do": "unauthorized", "on": [2]}])
    slow = work_on_one_section(app, engine, run)
    wait_for("a call", lambda: openai.calls)
    join(work_on_one_section(app, engine, run))
    view = read(client, f"/runs/{run['id']}")
    assert (view["state"], view["error"]["code"]) == ("failing", "misconfigured")
    join(slow)
    view = read(client, f"/runs/{run['id']}")
    assert (view["state"], view["error"]["code"]) == ("failed", "misconfigured")
    assert view["delivered"]["flashcards"] > 0
    events = client.get(f"/api/v1/runs/{run['id']}/events?after=0").json
    assert events["items"][-1]["kind"] == "run.failed"
    assert len(openai.calls) == 2


def test_a_call_is_made_and_counted_once_even_if_its_items_cannot_be_recorded(
    client: Any, openai: OpenAIStandIn, start_run: Callable[..., Any], finish: Work, engine: sa.Engine
) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE flashcards ADD CONSTRAINT never CHECK (front IS NULL) NOT VALID"))
    try:
        run = start_run(pages=1, flashcards=2, questions=0)
        finish()
    finally:
        with engine.begin() as connection:
            connection.execute(sa.text("ALTER TABLE flashcards DROP CONSTRAINT never"))
    run = read(client, f"/runs/{run['id']}")
    assert (run["state"], run["error"]["code"]) == ("failed", "internal_error")
    assert run["usage"]["requests"] == len(openai.calls) == 1
    assert run["usage"]["input_tokens"] == sum(call["prompt_tokens"] for call in openai.calls)


def test_deleting_a_study_set_waits_for_the_step_that_is_being_recorded(
    client: Any,
    openai: OpenAIStandIn,
    start_run: Callable[..., Any],
    run_next: Callable[[str], None],
    app: APIFlask,
    engine: sa.Engine,
) -> None:
    run = start_run(pages=4, flashcards=8, questions=0)
    plan(client, run, run_next)
    openai.delay_s = 0.3
    threads = [work_on_one_section(app, engine, run)]
    wait_for("a call", lambda: openai.calls)
    assert client.delete(f"/api/v1/study-sets/{run['study_set_id']}").status_code == 204
    for thread in threads:
        join(thread)
    assert client.get(f"/api/v1/runs/{run['id']}").status_code == 404
    with engine.connect() as connection:
        for table in ("steps", "run_events", "flashcards", "topics"):
            assert connection.execute(sa.text(f"SELECT count(*) FROM {table}")).scalar_one() == 0
        # The call was paid for.
        assert connection.scalars(sa.text("SELECT user_id FROM model_calls")).all() == [client.user_id]


def test_a_document_cannot_be_deleted_while_a_run_starts(client: Any, openai: OpenAIStandIn, finish: Work) -> None:
    study_set = client.make_study_set()
    document = client.upload(study_set, ("notes.txt", notes(1))).json["documents"][0]["id"]
    answers: list[int] = []
    delete = threading.Thread(target=lambda: answers.append(client.delete(f"/api/v1/documents/{document}").status_code))
    delete.start()
    run = client.post(f"/api/v1/study-sets/{study_set}/runs", json={})
    join(delete)
    finish()
    if run.status_code == 202:
        # Either the document was kept for the run, or it was deleted before the run needed it.
        assert answers == [409]
        assert read(client, f"/runs/{run.json['id']}")["state"] == "done"
    else:
        assert (run.status_code, answers) == (409, [204])


def states(engine: sa.Engine, run: Any) -> list[str]:
    with engine.connect() as connection:
        statement = "SELECT state FROM steps WHERE run_id = :run AND kind = 'section' ORDER BY state"
        return list(connection.execute(sa.text(statement), {"run": run["id"]}).scalars())


def test_a_stopped_run_does_not_halve_a_section_that_is_too_long(
    client: Any,
    openai: OpenAIStandIn,
    start_run: Callable[..., Any],
    run_next: Callable[[str], None],
    app: APIFlask,
    engine: sa.Engine,
) -> None:
    run = start_run(pages=1, flashcards=1, questions=0)
    plan(client, run, run_next)
    openai.delay_s = 0.5
    openai.set_script([{"do": "context_too_long"}])
    thread = work_on_one_section(app, engine, run)
    wait_for("a call", lambda: openai.calls)
    client.post(f"/api/v1/runs/{run['id']}/cancel")
    join(thread)
    assert read(client, f"/runs/{run['id']}")["state"] == "cancelled"
    assert "planned" not in states(engine, run)


def test_the_sweep_cancels_open_steps_of_an_ended_run(
    openai: OpenAIStandIn,
    start_run: Callable[..., Any],
    run_next: Callable[[str], None],
    app: APIFlask,
    engine: sa.Engine,
    caplog: pytest.LogCaptureFixture,
) -> None:
    ended, active = (start_run(pages=4, flashcards=8, questions=0) for _ in range(2))
    for task in ("library.read_document", "generation.work_step"):
        run_next(task)
        run_next(task)
    before = states(engine, active)
    assert set(before) == {"queued"}
    with engine.begin() as connection:
        end = "UPDATE runs SET state = 'cancelled', ended_at = now() WHERE id = :run"
        connection.execute(sa.text(end), {"run": ended["id"]})
        park = "UPDATE steps SET state = 'planned' WHERE id = (SELECT id FROM steps WHERE run_id = :run LIMIT 1)"
        connection.execute(sa.text(park), {"run": ended["id"]})
    stop = threading.Event()

    def sweep() -> None:
        with app.app_context():
            sweep_until(stop)

    sweeper = threading.Thread(target=sweep)
    sweeper.start()
    try:
        wait_for("the release", lambda: set(states(engine, ended)) == {"cancelled"})
    finally:
        stop.set()
        join(sweeper)
    assert states(engine, active) == before
    assert "operations.sweep.released" in caplog.text


@pytest.mark.parametrize(("places", "queued"), [(0, 2), (1, 2), (3, 3), (50, 4)])
def test_a_run_uses_the_capacity_of_all_workers(
    client: Any,
    openai: OpenAIStandIn,
    start_run: Callable[..., Any],
    run_next: Callable[[str], None],
    app: APIFlask,
    engine: sa.Engine,
    monkeypatch: pytest.MonkeyPatch,
    places: int,
    queued: int,
) -> None:
    monkeypatch.setenv("STEPS_IN_FLIGHT_PER_RUN", "2")
    get_settings.cache_clear()
    with app.app_context(), transaction():
        workers.note_alive("somewhere", places, Program.CALLING)
    run = start_run(pages=4, flashcards=8, questions=0)
    plan(client, run, run_next)
    assert len(states(engine, run)) == 4
    assert states(engine, run).count("queued") == queued
