"""The worker's liveness over HTTP."""

import http.client
import json
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from apiflask import APIFlask

from backend.operations.upkeep.sweep_loop import sweep_until
from backend.operations.watchdog.liveness import Liveness, serve_liveness
from backend.settings import Settings, get_settings
from config.local import folders
from tests.patience import HANG_S, promised, wait_for

Ask = Callable[..., tuple[int, Any]]


@pytest.fixture
def port(settings: Settings) -> int:
    """A port that is free."""
    return folders.free_port()


def serving(liveness: Liveness, settings: Settings, port: int) -> Iterator[Ask]:
    server = serve_liveness(liveness, settings.model_copy(update={"watchdog_port": port}))

    def ask(path: str = "/health/live") -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=HANG_S)
        connection.request("GET", path)
        answer = connection.getresponse()
        body = json.loads(answer.read())
        connection.close()
        return answer.status, body

    yield ask
    server.shutdown()
    server.server_close()


@pytest.fixture
def liveness() -> Liveness:
    """That of a watchdog that may take a minute for a look."""
    return Liveness(60, 600)


@pytest.fixture
def ask(liveness: Liveness, settings: Settings, port: int) -> Iterator[Ask]:
    """Ask over HTTP."""
    yield from serving(liveness, settings, port)


def test_it_is_alive_from_the_start_and_shows_what_was_seen_last(ask: Ask, liveness: Liveness) -> None:
    assert ask()[0] == 200
    liveness.note_look({"worker": "w", "heartbeat_s_ago": 1.5})
    status, body = ask()
    assert status == 200
    assert (body["status"], body["worker"], body["heartbeat_s_ago"]) == ("alive", "w", 1.5)
    assert ask("/else")[0] == 404


def test_a_watchdog_that_has_given_up_is_dead(ask: Ask, liveness: Liveness) -> None:
    liveness.note_look({})
    liveness.note_giving_up()
    status, body = ask()
    assert (status, body["status"]) == (503, "dead")


def test_a_watchdog_that_stands_still_is_dead(settings: Settings, port: int) -> None:
    liveness = Liveness(0.2, 600)
    for ask in serving(liveness, settings, port):
        wait_for("death", lambda ask=ask: ask()[0] == 503)


def test_a_sweep_that_stands_still_is_dead_until_it_gets_on() -> None:
    liveness = Liveness(60, 0.2)
    wait_for("death", lambda: liveness.answer()[0] == 503)

    def is_alive_after_a_sweep() -> bool:
        liveness.note_sweep()
        return liveness.answer()[1]["status"] == "alive"

    wait_for("life", is_alive_after_a_sweep)


def test_without_a_sweep_it_is_dead(ask: Ask, liveness: Liveness) -> None:
    sweeper = threading.Thread(target=lambda: None)
    sweeper.start()
    sweeper.join()
    liveness.expect_sweeps(sweeper.is_alive)
    assert ask()[0] == 503


def test_a_sweep_that_fails_gets_on(app: APIFlask, monkeypatch: pytest.MonkeyPatch, engine: sa.Engine) -> None:
    monkeypatch.setenv("SWEEP_INTERVAL_S", "0.01")
    get_settings.cache_clear()
    stop, notes = threading.Event(), []

    def note() -> None:
        notes.append(1)
        if len(notes) == 3:
            stop.set()

    with engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE steps RENAME TO gone")
    try:
        with app.app_context():
            sweep_until(stop, note)
    finally:
        with engine.begin() as connection:
            connection.exec_driver_sql("ALTER TABLE gone RENAME TO steps")
        monkeypatch.undo()
        get_settings.cache_clear()
    assert len(notes) >= 3


def test_clients_that_say_nothing_keep_nobody_waiting(ask: Ask, port: int) -> None:
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(30)]
    with promised("liveness", 5):
        assert ask()[0] == 200
    for client in silent:
        client.close()


def test_a_port_that_is_taken_is_said_at_once(ask: Ask, settings: Settings, port: int) -> None:
    with pytest.raises(SystemExit, match=f"WATCHDOG_PORT {port} cannot be listened on"):
        serve_liveness(Liveness(60, 600), settings.model_copy(update={"watchdog_port": port}))
