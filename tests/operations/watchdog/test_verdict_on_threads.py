"""What the watchdog concludes about a program whose places are threads."""

import math

import pytest

from backend.operations.watchdog.heartbeat import Heartbeat
from backend.operations.watchdog.observation import Observation
from backend.operations.watchdog.verdict import Judge, Verdict
from tests.operations.watchdog.test_verdict import EVERY_S, PAUSE_S, PLACES, RESTARTS, SILENCE_S, START


def look(judge: Judge, at: float, worker: Heartbeat) -> Verdict:
    seen = Observation(at, folder_ok=True, broker_ok=True, worker=worker, canary_at=START)
    return judge.judge(seen)


def test_a_program_whose_threads_are_all_at_work_is_left_alone_for_hours() -> None:
    judge = Judge(SILENCE_S, RESTARTS, PAUSE_S, START, max_thread_s=300.0)
    for turn in range(1000):
        at = START + EVERY_S * turn
        # Each thread has its work for less than a minute. There is no place for a canary.
        worker = Heartbeat(1, 0, at, "a", PLACES, busy=PLACES, longest_s=at % 60)
        assert look(judge, at, worker).action == "nothing"
    # One free place is enough for a canary to be due.
    verdicts = []
    for turn in range(20):
        at = START + EVERY_S * (1000 + turn)
        verdicts.append(look(judge, at, Heartbeat(1, 0, at, "a", PLACES, busy=PLACES - 1)))
    assert {verdict.reason for verdict in verdicts if verdict.action == "restart"} == {"canary"}


@pytest.mark.parametrize("limit_s", [300.0, math.inf])
def test_a_program_with_a_thread_that_hangs_is_restarted(limit_s: float) -> None:
    judge = Judge(SILENCE_S, RESTARTS, PAUSE_S, START, max_thread_s=limit_s)
    reasons = {}
    for turn in range(100):
        at = START + EVERY_S * turn
        seen = Observation(
            at,
            folder_ok=True,
            broker_ok=True,
            worker=Heartbeat(1, 0, at, "a", PLACES, busy=1, longest_s=EVERY_S * turn),
            canary_at=at,
        )
        verdict = judge.judge(seen)
        if verdict.action == "restart":
            reasons.setdefault(verdict.reason, at - START)
    assert reasons == ({"thread": limit_s + EVERY_S} if limit_s < math.inf else {})
