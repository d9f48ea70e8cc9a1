"""Calls as jobs of their own: replies that are kept, users who take turns, and what happens to steps that wait."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from apiflask import APIFlask

from tests.conftest import Client, run_task
from tests.generation.conftest import notes
from tests.generation.test_api_runs import items, read
from tests.generation.test_api_runs_misbehaving_model import section_calls
from tests.stand_ins.openai_server import OpenAIStandIn

StartRun = Callable[..., Any]
Finish = Callable[[], None]


def start_over(client: Client, study_set: str, **wish: Any) -> Any:
    answer = client.post(f"/api/v1/study-sets/{study_set}/runs", json=wish)
    assert answer.status_code == 202, answer.text
    return answer.json


def test_the_same_request_is_answered_from_a_kept_reply(client: Client, openai: OpenAIStandIn, finish: Finish) -> None:
    runs = []
    for _ in range(2):
        study_set = client.make_study_set()
        client.upload(study_set, ("notes.txt", notes(1)))
        runs.append(start_over(client, study_set, flashcards=2, questions=0))
        finish()
    first, second = ([item["front"] for item in items(client, run, "flashcards")] for run in runs)
    assert len(first) == 2
    assert first == second
    made, again = (read(client, f"/runs/{run['id']}") for run in runs)
    assert len(section_calls(openai)) == made["progress"]["sections_total"]
    assert (made["usage"]["kept_replies"], again["usage"]["requests"]) == (0, 0)
    assert again["usage"]["kept_replies"] >= again["progress"]["sections_total"]


def test_a_kept_reply_is_not_found_by_another_user(
    client: Client, other_client: Client, openai: OpenAIStandIn, finish: Finish
) -> None:
    for user in (client, other_client):
        study_set = user.make_study_set()
        user.upload(study_set, ("notes.txt", notes(1)))
        start_over(user, study_set, flashcards=2, questions=0)
        finish()
    assert len(section_calls(openai)) == 2


def test_a_reply_that_cannot_be_recorded_is_not_paid_for_twice(
    client: Client, openai: OpenAIStandIn, start_run: StartRun, finish: Finish, crash_on: Callable[..., None]
) -> None:
    crash_on("flashcards", times=1)
    run = start_run(pages=1, flashcards=2, questions=0)
    finish()
    run = read(client, f"/runs/{run['id']}")
    assert (run["state"], run["delivered"]["flashcards"]) == ("done", 2)
    assert len(section_calls(openai)) == 1


def test_waiting_for_a_limit_uses_up_no_attempt(
    client: Client, openai: OpenAIStandIn, start_run: StartRun, finish: Finish
) -> None:
    openai.set_script([{"do": "rate_limit", "times": 7, "retry_after": "1"}])
    run = start_run(pages=1, flashcards=2, questions=0)
    finish()
    run = read(client, f"/runs/{run['id']}")
    assert (run["state"], run["delivered"]["flashcards"], run["failed_sections"]) == ("done", 2, 0)


def test_a_run_waits_while_our_account_is_used_up_and_goes_on_by_itself(
    client: Client,
    openai: OpenAIStandIn,
    start_run: StartRun,
    run_pending_jobs: Callable[[], int],
    finish: Finish,
) -> None:
    openai.set_script([{"do": "quota_exhausted", "times": 4}])
    run = start_run(pages=1, flashcards=2, questions=0)
    run_pending_jobs()
    waiting = read(client, f"/runs/{run['id']}")
    assert (waiting["state"], waiting["waiting_for"]) == ("making", "model_quota")
    assert "language model" in waiting["stage"]
    finish()
    run = read(client, f"/runs/{run['id']}")
    assert (run["state"], run["waiting_for"], run["delivered"]["flashcards"]) == ("done", None, 2)


def test_a_section_that_failed_for_a_passing_reason_is_tried_again_after_the_others(
    client: Client, openai: OpenAIStandIn, start_run: StartRun, finish: Finish
) -> None:
    openai.set_script([{"do": "server_error", "contains": "In experiment 1000", "times": 6}])
    run = start_run(pages=3)
    finish()
    run = read(client, f"/runs/{run['id']}")
    assert (run["state"], run["failed_sections"]) == ("done", 0)
    assert run["delivered"] == run["asked"]
    events = client.get(f"/api/v1/runs/{run['id']}/events?after=0").json["items"]
    assert "sections.tried_again" in [event["kind"] for event in events]


def test_a_run_with_many_failed_sections_is_partial_and_continued_with_them(
    client: Client, openai: OpenAIStandIn, start_run: StartRun, finish: Finish
) -> None:
    openai.set_script([{"do": "refusal", "contains": "In experiment 1000"}])
    run = start_run(pages=4, flashcards=8, questions=0)
    finish()
    run = read(client, f"/runs/{run['id']}")
    assert (run["state"], run["partial_reason"]) == ("partial", "sections_failed")
    assert run["partial_detail"]
    assert run["failed_sections"] == 1
    openai.set_script([])
    answer = client.post(f"/api/v1/runs/{run['id']}/continue", json={})
    assert answer.status_code == 202, answer.text
    finish()
    rest = read(client, f"/runs/{answer.json['id']}")
    assert (rest["state"], rest["asked"]) == ("done", rest["delivered"])
    assert rest["progress"]["sections_total"] == 1


def test_missing_items_are_asked_for_once_more(
    client: Client, openai: OpenAIStandIn, start_run: StartRun, finish: Finish
) -> None:
    openai.set_script([{"do": "foreign_quotes", "items": 1, "on": [1]}])
    run = start_run(pages=1, flashcards=4, questions=0)
    finish()
    run = read(client, f"/runs/{run['id']}")
    assert run["delivered"]["flashcards"] == 4
    assert [call["flashcards"] for call in section_calls(openai)] == [4, 1]
    receipt = read(client, f"/runs/{run['id']}/receipt")
    assert receipt["missing"] == {"flashcards": 0, "questions": 0}


def test_sections_with_room_make_up_for_what_others_lack(
    client: Client, openai: OpenAIStandIn, start_run: StartRun, finish: Finish
) -> None:
    openai.set_script([{"do": "foreign_quotes", "items": 9, "contains": "In experiment 1000"}])
    run = start_run(pages=3, flashcards=6, questions=0)
    finish()
    run = read(client, f"/runs/{run['id']}")
    assert (run["state"], run["failed_sections"]) == ("done", 0)
    made = [(call["pages"], call["flashcards"]) for call in section_calls(openai)]
    assert made == [([1], 2), ([2], 2), ([3], 2), ([1], 2), ([2], 1), ([3], 1)]
    # The stand-in knows little, and repeats itself.
    assert run["delivered"]["flashcards"] + read(client, f"/runs/{run['id']}/receipt")["duplicates"] == 6


def test_users_take_turns(
    client: Client,
    other_client: Client,
    openai: OpenAIStandIn,
    app: APIFlask,
    engine: sa.Engine,
) -> None:
    """A book that came first has many sections waiting; a note that came last is the second to be served."""
    order = []
    for user, pages in ((client, 6), (other_client, 1)):
        study_set = user.make_study_set()
        user.upload(study_set, (f"notes-{pages}.txt", notes(pages)))
        start_over(user, study_set, flashcards=pages, questions=0)
    read_and_plan(app, engine)
    for _ in range(3):
        with engine.connect() as connection:
            call = connection.execute(sa.text("SELECT id FROM calls WHERE state = 'queued' LIMIT 1")).scalar_one()
        run_task(app, "generation.call_model", call)
        order.append(openai.calls[-1]["document"])
    assert order.count("notes-1.txt") == 1
    assert order[1] == "notes-1.txt"


def read_and_plan(app: APIFlask, engine: sa.Engine) -> None:
    """Read all documents and plan all runs, without making calls."""
    for task, table, condition in (
        ("library.read_document", "documents", "true"),
        ("generation.work_step", "steps", "kind = 'plan'"),
    ):
        with engine.connect() as connection:
            query = f"SELECT id FROM {table} WHERE state = 'queued' AND {condition} ORDER BY created_at"
            rows = connection.execute(sa.text(query)).scalars().all()
        for row in rows:
            run_task(app, task, row)


def test_a_model_that_uses_up_its_output_ends_the_run_with_what_it_has(
    client: Client, openai: OpenAIStandIn, start_run: StartRun, finish: Finish
) -> None:
    openai.set_script([{"do": "reason", "tokens": 100_000, "always": True, "contains": "In experiment 1018"}])
    run = start_run(pages=12, flashcards=12, questions=0)
    finish()
    run = read(client, f"/runs/{run['id']}")
    assert (run["state"], run["partial_reason"]) == ("partial", "output_used_up")
    assert "OPENAI_REASONING_EFFORT" in run["partial_detail"]
    assert 0 < run["delivered"]["flashcards"] < 12
    assert len(section_calls(openai)) < 12
