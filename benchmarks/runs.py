"""Time of runs: compared with the language model's own time, and with more workers."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.documents import write_pdf
from benchmarks.figures import Measurement
from benchmarks.schedule import RunCalls, ideal_run_s
from benchmarks.system import CALLS_AT_ONCE, System, running_system, wait_for

SECTIONS = 96
_PAGES = 2 * SECTIONS
_REPEATS = 5
_RUNS_TOGETHER = 8
_ROUNDS = 3
_LONG_DOCUMENT_PAGES = 100


def measure_one_run(folder: Path) -> Measurement:
    """Measure the wall time of a run ÷ (the ideal schedule of its calls + the reading of its document)."""
    file = write_pdf(folder / "notes.pdf", _PAGES)
    with running_system(folder) as system:
        _one_run(system, file)  # Pool processes connect to the model in their first call.
        runs = [_one_run(system, file) for _ in range(_REPEATS)]
    middle = sorted(runs, key=lambda run: run["ratio"])[len(runs) // 2]
    return Measurement(median(run["ratio"] for run in runs), {**middle, "runs": [run["ratio"] for run in runs]})


def _one_run(system: System, file: Path) -> dict[str, float]:
    system.model.forget_calls()
    study_set = system.upload(file)
    since, started = time.time(), time.monotonic()
    system.wait_until_ended([system.start_run(study_set)])
    wall_s = time.monotonic() - started
    calls = RunCalls.of(system.model.calls())
    if (len(calls.sections), len(calls.connects)) != (SECTIONS, 1):
        raise ValueError(f"{len(calls.sections)} sections and {len(calls.connects)} connecting calls were made")
    ideal_s, reading_s = ideal_run_s(calls, CALLS_AT_ONCE), system.reading_s(study_set, since)
    return {
        "ratio": round(wall_s / (ideal_s + reading_s), 3),
        "wall_s": round(wall_s, 3),
        "ideal_calls_s": round(ideal_s, 3),
        "reading_s": round(reading_s, 3),
        "overhead_per_step_ms": round(1000 * (wall_s - ideal_s - reading_s) / (SECTIONS + 1), 1),
    }


def measure_two_workers(folder: Path) -> Measurement:
    """Measure the throughput of two workers ÷ that of one, with eight runs started together."""
    file = write_pdf(folder / "notes.pdf", _PAGES)
    with running_system(folder) as system:
        one = _rounds_s(system, file, workers=1)
        system.stack.start_worker("worker-2")
        two = _rounds_s(system, file, workers=2)
    return Measurement(
        median(one) / median(two),
        {
            "one_worker_s": [round(seconds, 2) for seconds in one],
            "two_workers_s": [round(seconds, 2) for seconds in two],
            "calls": _RUNS_TOGETHER * (SECTIONS + 1),
        },
    )


def _rounds_s(system: System, file: Path, workers: int) -> list[float]:
    # Each pool process makes its first calls before the measurement.
    _together_s(system, file, 2 * workers)
    return [_together_s(system, file, _RUNS_TOGETHER) for _ in range(_ROUNDS)]


def _together_s(system: System, file: Path, runs: int) -> float:
    study_sets = [system.upload(file) for _ in range(runs)]
    system.wait_until_read(study_sets)
    with ThreadPoolExecutor(runs) as students:
        started = time.monotonic()
        system.wait_until_ended(list(students.map(system.start_run, study_sets)), poll_s=0.05)
        return time.monotonic() - started


def measure_first_item(folder: Path) -> Measurement:
    """Measure the time from a run's start until its first item can be read ÷ (one call + the reading)."""
    notes = write_pdf(folder / "notes.pdf", _PAGES)
    file = write_pdf(folder / "book.pdf", _LONG_DOCUMENT_PAGES)
    with running_system(folder) as system:
        _one_run(system, notes)
        starts = [_first_item(system, file) for _ in range(_REPEATS)]
    middle = sorted(starts, key=lambda start: start["ratio"])[len(starts) // 2]
    return Measurement(middle["ratio"], {**middle, "runs": [start["ratio"] for start in starts]})


def _first_item(system: System, file: Path) -> dict[str, float]:
    system.model.forget_calls()
    study_set = system.upload(file)
    since, started = time.time(), time.monotonic()
    run = system.start_run(study_set)
    cards = f"/study-sets/{study_set}/flashcards"
    wait_for("the first flashcard", lambda: system.api.get(cards, limit="1")["items"], poll_s=0.02)
    wall_s = time.monotonic() - started
    first = _first_answered(system.model.calls())
    system.api.post(f"/runs/{run}/cancel", {})
    wait_for("the run's end", lambda: system.query("SELECT 1 FROM runs WHERE id = %s AND ended_at IS NOT NULL", run))
    call_s, reading_s = first["at_out"] - first["at_in"], system.reading_s(study_set, since)
    return {
        "ratio": round(wall_s / (call_s + reading_s), 3),
        "first_item_s": round(wall_s, 3),
        "call_s": round(call_s, 3),
        "reading_s": round(reading_s, 3),
    }


def _first_answered(calls: list[dict[str, Any]]) -> dict[str, Any]:
    return min((call for call in calls if "at_out" in call), key=lambda call: call["at_out"])
