"""Following a run: events by polling and as a stream, and entity tags."""

import itertools
import threading
from collections.abc import Callable
from typing import Any

import pytest
from apiflask import APIFlask

from backend.generation.runs import streaming
from backend.settings import get_settings
from tests.patience import join, pause
from tests.stand_ins.openai_server import OpenAIStandIn


def numbers_of(stream: str) -> list[int]:
    """Return the ids of the events in a stream's text."""
    return [int(line[4:]) for line in stream.splitlines() if line.startswith("id: ")]


def test_polling_gives_every_event_once_and_says_when_the_run_has_ended(
    client: Any, openai: OpenAIStandIn, start_run: Callable[..., Any], finish: Callable[[], None]
) -> None:
    run = start_run(pages=2, flashcards=4)
    path = f"/api/v1/runs/{run['id']}/events"
    first = client.get(f"{path}?after=0").json
    assert [event["kind"] for event in first["items"]] == ["run.started"]
    assert not first["ended"]
    finish()
    rest = client.get(f"{path}?after={first['last_number']}").json
    numbers = [event["number"] for event in first["items"] + rest["items"]]
    assert numbers == list(range(1, len(numbers) + 1))
    assert rest["items"][-1]["kind"] == "run.done"
    assert rest["ended"]


def test_a_stream_resumes_after_the_last_event_seen(
    client: Any, openai: OpenAIStandIn, start_run: Callable[..., Any], finish: Callable[[], None]
) -> None:
    run = start_run(pages=2, flashcards=4)
    finish()
    path = f"/api/v1/runs/{run['id']}/events"
    whole = client.get(path)
    assert whole.content_type.startswith("text/event-stream")
    assert "no-cache" in whole.headers["Cache-Control"]
    numbers = numbers_of(whole.text)
    assert numbers == list(range(1, len(numbers) + 1))
    assert "event: run.done" in whole.text
    rest = client.get(path, headers={"Last-Event-ID": "2"}).text
    assert numbers_of(rest) == numbers[2:]
    assert rest.rstrip().endswith("event: end\ndata: {}")


def test_streams_are_capped_and_a_slot_is_released(
    client: Any, openai: OpenAIStandIn, start_run: Callable[..., Any]
) -> None:
    run = start_run(pages=1)
    path = f"/api/v1/runs/{run['id']}/events"
    slots = max(1, get_settings().gunicorn_threads // 4)
    open_streams = [client.get(path, buffered=False) for _ in range(slots)]
    assert [stream.status_code for stream in open_streams] == [200] * slots
    refused = client.get(path)
    assert (refused.status_code, refused.json["code"]) == (503, "too_many_streams")
    assert int(refused.headers["Retry-After"]) > 0
    open_streams[0].close()
    open_streams[0] = client.get(path, buffered=False)
    assert open_streams[0].status_code == 200
    for stream in open_streams:
        stream.close()


@pytest.mark.parametrize("end", ["study set", "session", "key"])
def test_a_stream_ends_with_its_run_or_when_access_is_revoked(
    app: APIFlask,
    client: Any,
    openai: OpenAIStandIn,
    start_run: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
    end: str,
) -> None:
    # A live stream sends a heartbeat after each read.
    monkeypatch.setattr(streaming, "_HEARTBEAT_S", 0.0)
    monkeypatch.setattr(streaming, "_PAUSE_S", 0.01)
    run = start_run(pages=1)
    made = client.post("/api/v1/users/me/api-keys", json={"name": "laptop"}).json
    reader = app.test_client()
    reader.token = made["key"] if end == "key" else client.token
    stream = reader.get(f"/api/v1/runs/{run['id']}/events", buffered=False)
    pieces = stream.iter_encoded()
    assert b"id: 1" in next(pieces) + next(pieces)
    study_set = f"/api/v1/study-sets/{run['study_set_id']}"
    ended = {
        "study set": lambda: client.delete(study_set),
        "session": lambda: client.post("/api/v1/auth/logout-everywhere"),
        "key": lambda: client.delete(f"/api/v1/users/me/api-keys/{made['id']}"),
    }[end]()
    assert ended.status_code == 204
    rest = list(itertools.islice(pieces, 20))
    assert len(rest) < 20
    assert b"event: end" not in b"".join(rest)


def test_a_stream_ends_after_its_time_limit(
    client: Any,
    openai: OpenAIStandIn,
    start_run: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = start_run(pages=1)
    monkeypatch.setenv("STREAM_SECONDS", "0.1")
    monkeypatch.setattr(streaming, "_PAUSE_S", 0.05)
    get_settings.cache_clear()
    texts: list[str] = []
    reader = threading.Thread(target=lambda: texts.append(client.get(f"/api/v1/runs/{run['id']}/events").text))
    reader.start()
    join(reader)
    assert numbers_of(texts[0]) == [1]


def test_an_unchanged_run_gives_304(
    client: Any, openai: OpenAIStandIn, start_run: Callable[..., Any], finish: Callable[[], None]
) -> None:
    run = start_run(pages=1, flashcards=2)
    finish()
    path = f"/api/v1/runs/{run['id']}"
    tag = client.get(path).headers["ETag"]
    assert not tag.startswith("W/")
    again = client.get(path, headers={"If-None-Match": tag})
    assert (again.status_code, again.data) == (304, b"")
    assert client.get(path, headers={"If-None-Match": '"other"'}).status_code == 200
    # The stage is in the requested language, so this is another representation.
    italian = client.get(path, headers={"If-None-Match": tag, "Accept-Language": "it"})
    assert (italian.status_code, italian.json["stage"]) == (200, "completato")
    assert "Accept-Language" in italian.vary
    assert "Accept-Language" in again.vary


def test_a_run_in_progress_without_changes_gives_304(
    client: Any,
    openai: OpenAIStandIn,
    start_run: Callable[..., Any],
    run_pending_jobs: Callable[[], int],
    finish: Callable[[], None],
) -> None:
    openai.set_script([{"do": "rate_limit", "on": [2, 3, 4], "retry_after": "50"}])
    run = start_run(pages=4, flashcards=8)
    run_pending_jobs()
    path = f"/api/v1/runs/{run['id']}"
    before = client.get(path)
    assert (before.json["state"], before.json["progress"]["sections_done"]) == ("making", 1)
    assert before.json["eta_s"] is not None
    pause(0.5, "the time left that was told is another one now")
    again = client.get(path, headers={"If-None-Match": before.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    finish()
    assert client.get(path, headers={"If-None-Match": before.headers["ETag"]}).status_code == 200
