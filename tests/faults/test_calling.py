"""The calling program is killed, frozen, stopped or stuck: calls in its threads are not lost (faults 2, 4, 32, 37)."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import psutil
import psycopg2
import pytest
from celery import Celery

from backend.core.work.programs import Program
from config.local.folders import CHECKOUT
from config.local.redis import LocalRedis
from config.local.stack import LocalStack
from tests.faults.conftest import ENVIRONMENT, Migrated
from tests.faults.supervised import SupervisedWorker, another, main_of, silence_of
from tests.faults.work import freeze
from tests.patience import HANG_S, Stopwatch, pause, wait_for

pytestmark = pytest.mark.faults

PLACES = 4


class Calls:
    """The calling program with its watchdog, and jobs that wait in its threads until they are answered."""

    def __init__(self, stack: LocalStack, worker: SupervisedWorker, folder: Path, silence_s: float) -> None:
        self.stack, self.worker, self.silence_s = stack, worker, silence_s
        self.program = worker.calling
        self._folder = folder

    def query(self, statement: str, *values: object) -> list[tuple]:
        with psycopg2.connect(self.stack.postgres.url) as connection, connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def start(self, count: int = 1) -> list[str]:
        """Queue jobs, which the watchdog's sweep sends. Returns their ids once all of them wait."""
        started = [str(uuid4()) for _ in range(count)]
        for call in started:
            os.mkfifo(self._folder / call)
            self.query(
                "INSERT INTO waiting_calls (id, state, attempt, failures, pipe) VALUES (%s, 'queued', 0, 0, %s)",
                call,
                str(self._folder / call),
            )
        wait_for("calls that wait", lambda: all(self.of(call)[0] == "running" for call in started))
        return started

    def of(self, call: str) -> tuple[str, int, int]:
        """Return a job's state, and how often it was begun and has failed."""
        ((state, attempt, failures),) = self.query(
            "SELECT state, attempt, failures FROM waiting_calls WHERE id = %s", call
        )
        return state, attempt, failures

    def answer(self, *calls: str) -> None:
        """Answer jobs that wait, or will wait again, and wait until each is done."""
        for call in calls:
            # Blocks until it is read.
            (self._folder / call).write_text("an answer")
        wait_for("the end of the calls", lambda: all(self.of(call)[0] == "done" for call in calls))

    def reasons(self) -> list[str]:
        """Return why the watchdog has restarted the program."""
        return [line.split("reason=")[1].split()[0] for line in self.worker.events("restarting")]


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory, new_database: Callable[[], str]) -> Iterator[LocalStack]:
    """A database and a broker. Each test adds a worker."""
    with LocalStack(
        api=False,
        workers=0,
        sweeper=False,
        migrate=False,
        env={**ENVIRONMENT, "MODEL_CALLS_AT_ONCE": str(PLACES)},
        logs=tmp_path_factory.mktemp("logs"),
        postgres=Migrated(new_database()),
        redis=LocalRedis(),
    ) as servers:
        yield servers


@pytest.fixture(scope="module")
def silence_s(stack: LocalStack) -> float:
    loading = Stopwatch()
    subprocess.run([sys.executable, "-c", "import backend.worker.calling"], env=stack.env, cwd=CHECKOUT, check=True)
    return silence_of(2 * loading.took_s)


@pytest.fixture
def changes() -> dict[str, str]:
    """The environment variables of a test's worker."""
    return {}


@pytest.fixture
def calls(stack: LocalStack, silence_s: float, changes: dict[str, str], tmp_path: Path) -> Iterator[Calls]:
    """The calling program with its watchdog, after the first canary has come back."""
    apps = {Program.CALLING: "tests.faults.waiting_app"}
    watchdog = "tests.faults.waiting_calls"
    with SupervisedWorker(stack, tmp_path / "w", silence_s, apps=apps, watchdog=watchdog, **changes) as worker:
        made = Calls(stack, worker, tmp_path, silence_s)
        made.program.wait_for_canary()
        worker.forget_events()
        yield made


def test_as_many_calls_wait_as_there_are_threads(calls: Calls) -> None:
    main = main_of(calls.program)
    waiting = calls.start(PLACES)
    wait_for("a heartbeat that counts them", lambda: calls.program.heartbeat()["busy"] == PLACES)
    # No thread is left for a canary.
    pause(2 * calls.silence_s, "the watchdog would have acted by now")
    calls.answer(*waiting)
    assert [calls.of(call) for call in waiting] == [("done", 1, 0)] * PLACES
    assert calls.program.main() == main
    assert calls.reasons() == []


def test_2_a_killed_calling_program_is_started_again_and_its_calls_are_resumed(calls: Calls) -> None:
    main = main_of(calls.program)
    waiting = calls.start(2)
    main.kill()
    another(calls.program, main)
    calls.answer(*waiting)
    assert {calls.of(call) for call in waiting} == {("done", 2, 1)}
    assert calls.reasons() == []


def test_32_a_frozen_calling_program_is_restarted_and_its_calls_are_resumed(calls: Calls) -> None:
    main = main_of(calls.program)
    waiting = calls.start(2)
    freeze(main)
    another(calls.program, main)
    calls.answer(*waiting)
    # The last canary may be older than the last heartbeat.
    (reason,) = calls.reasons()
    assert reason in ("heartbeat", "canary")
    assert calls.query("SELECT program FROM workers WHERE restart_reason = %s", reason) == [("calling",)]


def test_a_calling_program_that_takes_no_messages_is_restarted(calls: Calls) -> None:
    main = main_of(calls.program)
    (waiting,) = calls.start()
    with Celery(broker=calls.stack.redis.url) as remote:
        for queue in ("calls", f"canary.{calls.program.heartbeat()['name']}"):
            assert remote.control.cancel_consumer(queue, reply=True, timeout=HANG_S)
    another(calls.program, main)
    calls.answer(waiting)
    assert calls.of(waiting) == ("done", 2, 0)
    assert calls.reasons() == ["canary"]


def stop(calls: Calls, main: psutil.Process) -> None:
    """Ask the program to stop; its supervisor starts it again."""
    main.send_signal(signal.SIGTERM)


def check_ended_politely(calls: Calls, main: psutil.Process) -> None:
    wait_for("the end", lambda: not main.is_running())
    exits = (calls.worker.folder / "supervisord.log").read_text().split("exited: calling")
    assert exits[-1].startswith(" (exit status 0;")
    assert "end_forced" not in calls.worker.log("calling")


def test_4_a_stopping_calling_program_stores_an_answer_and_hands_the_other_calls_back(calls: Calls) -> None:
    main = main_of(calls.program)
    answered, waiting = calls.start(2)
    stop(calls, main)
    calls.answer(answered)
    check_ended_politely(calls, main)
    another(calls.program, main)
    calls.answer(waiting)
    assert (calls.of(answered), calls.of(waiting)) == (("done", 1, 0), ("done", 2, 0))


def test_4_a_stopping_calling_program_whose_broker_is_gone_hands_its_calls_back(calls: Calls) -> None:
    main = main_of(calls.program)
    waiting = calls.start(2)
    redis = calls.stack.redis
    assert isinstance(redis, LocalRedis)
    redis.kill()
    try:
        stop(calls, main)
        wait_for("the end", lambda: not main.is_running())
        assert {calls.of(call) for call in waiting} == {("queued", 1, 0)}
    finally:
        redis.start()
    another(calls.program, main)
    calls.answer(*waiting)
    assert {calls.of(call)[2] for call in waiting} == {0}


@pytest.mark.parametrize("changes", [{"OPENAI_TIMEOUT_S": "0.5"}], ids=["a call may take a minute"])
def test_37_a_thread_that_hangs_counts_a_failure_and_its_neighbours_do_not(calls: Calls) -> None:
    main = main_of(calls.program)
    (stuck,) = calls.start()
    pause(30, "the neighbours are still at work when the program is ended for the stuck one")
    neighbours = calls.start(2)
    another(calls.program, main)
    assert calls.reasons() == ["thread"]
    # It was taken back when its lease had run out, and tried once more beside the thread that hangs.
    wait_for("the next attempts", lambda: calls.of(stuck) == ("running", 3, 1))
    calls.answer(stuck, *neighbours)
    assert {calls.of(call) for call in neighbours} == {("done", 2, 0)}
