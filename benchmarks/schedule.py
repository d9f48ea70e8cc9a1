"""The ideal duration of a run's calls, if only the model took time."""

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class RunCalls:
    """Durations of the model's calls in one run, in seconds: for each section, then for connecting the topics."""

    sections: Sequence[float]
    connects: Sequence[float]

    @classmethod
    def of(cls, calls: Iterable[dict[str, Any]]) -> "RunCalls":
        """Read the model server's list of calls of one run. Raises ValueError if a call failed."""
        durations: dict[str, list[float]] = {"section": [], "connect": []}
        for call in calls:
            if call.get("status") != 200:
                raise ValueError(f"call {call['number']} was answered with {call.get('status')}")
            durations[call["kind"]].append(call["at_out"] - call["at_in"])
        return cls(durations["section"], durations["connect"])


def makespan(durations: Iterable[float], at_once: int) -> float:
    """Return the total duration of jobs on ``at_once`` machines, longest job first (Graham's LPT rule)."""
    machines = [0.0] * at_once
    for duration in sorted(durations, reverse=True):
        heapq.heapreplace(machines, machines[0] + duration)
    return max(machines)


def ideal_run_s(calls: RunCalls, at_once: int) -> float:
    """Return the ideal duration of a run's calls in seconds. Topics are connected after the last section's reply."""
    return makespan(calls.sections, at_once) + makespan(calls.connects, at_once)
