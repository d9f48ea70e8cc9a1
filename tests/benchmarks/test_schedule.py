"""The ideal schedule that runs are compared with."""

import pytest

from benchmarks.schedule import RunCalls, ideal_run_s, makespan


def _call(number: int, kind: str, seconds: float, status: int = 200) -> dict[str, object]:
    return {"number": number, "kind": kind, "status": status, "at_in": 100.0, "at_out": 100.0 + seconds}


@pytest.mark.parametrize(
    ("durations", "at_once", "expected"),
    [
        ([], 8, 0.0),
        ([1.0] * 24, 8, 3.0),
        ([1.0] * 25, 8, 4.0),
        ([1.0, 2.0, 3.0, 4.0], 1, 10.0),
        # In the given order, two machines would take 6.
        ([1.0, 1.0, 2.0, 4.0], 2, 4.0),
        ([5.0, 0.5], 8, 5.0),
    ],
)
def test_calls_run_at_once_up_to_the_limit(durations: list[float], at_once: int, expected: float) -> None:
    assert makespan(durations, at_once) == pytest.approx(expected)


def test_topics_are_connected_after_the_last_section() -> None:
    assert ideal_run_s(RunCalls([1.0] * 24, [1.5]), 8) == pytest.approx(4.5)


def test_calls_are_read_from_the_model_servers_list() -> None:
    calls = RunCalls.of([_call(1, "section", 1.0), _call(2, "section", 2.0), _call(3, "connect", 0.5)])
    assert calls.sections == pytest.approx([1.0, 2.0])
    assert calls.connects == pytest.approx([0.5])


def test_a_failed_call_is_refused_in_a_schedule() -> None:
    with pytest.raises(ValueError, match="call 2 was answered with 500"):
        RunCalls.of([_call(1, "section", 1.0), _call(2, "section", 1.0, status=500)])
