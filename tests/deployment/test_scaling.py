"""Several workers that share a run, APIs that share a broker, and APIs that do not."""

import math
from functools import partial
from pathlib import Path

import pytest

from config.local.client import ApiClient
from tests.deployment.engine import Engine
from tests.deployment.measured import note
from tests.deployment.system import ContainerSystem
from tests.faults.work import Work
from tests.patience import Stopwatch, measure_promise, wait_for

pytestmark = pytest.mark.containers

_SECTIONS = 48
_CALL_S = 2.0
_PLACES = 3
# Minimum speed-up over one worker in the same test run; ideal would be 2 and 4.
FASTER = {2: 1.5, 4: 2.4}


def seconds_of_a_run(system: ContainerSystem, student: Work, tmp_path: Path, workers: int) -> float:
    """Return how long a run's sections take with this many workers, from the first call to the last response."""
    places = workers * _PLACES
    living = "SELECT sum(places) FROM workers WHERE program = 'computing' AND seen_at > now() - interval '20 s'"
    wait_for("the workers' places", lambda: student.query(living) == [(places,)])
    study_set = student.upload(tmp_path, _SECTIONS)
    student.wait_until_read(study_set)
    system.model.set_script([{"do": "sleep", "seconds": _CALL_S}])
    system.model.forget_calls()
    run = student.start_run(study_set, flashcards=_SECTIONS, questions=0)
    student.check_done_once(run)
    calls = [call for call in system.model.calls if call["kind"] == "section"]
    assert len(calls) == _SECTIONS
    return float(max(call["at_out"] for call in calls) - min(call["at_in"] for call in calls))


def test_one_run_gets_faster_with_each_worker(engine: Engine, tmp_path: Path) -> None:
    changes = {"SECTION_CHARS": "1500", "CELERY_CONCURRENCY": str(_PLACES), "STEPS_IN_FLIGHT_PER_RUN": str(_PLACES)}
    took: dict[int, float] = {}
    with ContainerSystem(engine, workers=1, **changes) as system:
        student = system.sign_in()
        there = 1
        for workers in (1, 2, 4):
            while there < workers:
                there += 1
                system.start_worker(f"worker-{there}")
            measure = partial(seconds_of_a_run, system, student, tmp_path, workers)
            took[workers] = (
                measure_promise(f"a run with {workers} workers", measure, took[1] / FASTER[workers])
                if took
                else measure()
            )
    for workers, seconds in took.items():
        ideal = math.ceil(_SECTIONS / (workers * _PLACES)) * _CALL_S
        note(
            f"{_SECTIONS} calls of {_CALL_S:.0f} s, {workers} worker(s) with {_PLACES} places",
            seconds=round(seconds, 1),
            ideal_s=ideal,
            share_of_ideal=round(ideal / seconds, 2),
        )


def test_two_apis_share_an_external_broker(engine: Engine, tmp_path: Path) -> None:
    with ContainerSystem(engine, apis=2, workers=2, outside_redis=True, SECTION_CHARS="1500") as system:
        first = system.sign_in()
        second = Work(ApiClient(system.api_url("api-2"), first.api.token), first.database_url, first.model)
        system.model.set_script([{"do": "sleep", "seconds": 0.5}])
        run = first.start_run(first.upload(tmp_path, 12), flashcards=12, questions=0)
        view = second.check_done_once(run)
        assert first.api.get(f"/runs/{run}") == view
        events = [api.get(f"/runs/{run}/events", after="0")["items"] for api in (first.api, second.api)]
        assert events[0] == events[1]
        assert events[0][-1]["kind"] == "run.done"
        stopped = second.start_run(second.upload(tmp_path, 12))
        first.api.post(f"/runs/{stopped}/cancel", {})
        assert second.wait_until_ended(stopped)["state"] == "cancelled"
        workers = first.query("SELECT count(DISTINCT name) FROM workers")
        assert workers == [(2,)]
        for name in ("api-1", "api-2"):
            assert system.parts[name].process_ids("redis-server") == []


def test_two_apis_with_separate_redis_still_finish_their_runs(engine: Engine, tmp_path: Path) -> None:
    # The wrong way to scale: the worker reads only the first API's Redis, so the second API's messages reach nobody.
    with ContainerSystem(engine, apis=2, workers=1, SECTION_CHARS="1500", RESEND_AFTER_S="10") as system:
        second = system.sign_in(api="api-2")
        watch = Stopwatch()
        second.check_done_once(second.start_run(second.upload(tmp_path, 4), flashcards=4, questions=0))
        took_s = watch.took_s
        sent = [line for line in system.parts["worker-1"].logs() if "event=operations.sweep.done" in line]
        assert sent
        note("a run of an API whose Redis no worker reads", seconds=round(took_s, 1))
