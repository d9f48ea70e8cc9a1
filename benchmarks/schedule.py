"""How long the calls of a run take when nothing but the model takes time."""

import heapq
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class RunCalls:
    """How long the model took for each call of one run, in seconds: all sections, then the connecting of topics."""

    sections: Sequence[float]
    connects: Sequence[float]

    @classmethod
    def of(cls, calls: Iterable[dict[str, Any]]) -> "RunCalls":
        """Read what the model server says of the calls of one run. Raises ValueError when one was not answered well."""
        durations: dict[str, list[float]] = {"section": [], "connect": []}
        for call in calls:
            if call.get("status") != 200:
                raise ValueError(f"call {call['number']} was answered with {call.get('status')}")
            durations[call["kind"]].append(call["at_out"] - call["at_in"])
        return cls(durations["section"], durations["connect"])


def makespan(durations: Iterable[float], at_once: int) -> float:
    """Return how long jobs take on so many machines, the longest first (Graham's LPT rule), in the jobs' unit."""
    machines = [0.0] * at_once
    for duration in sorted(durations, reverse=True):
        heapq.heapreplace(machines, machines[0] + duration)
    return max(machines)


def ideal_run_s(calls: RunCalls, at_once: int) -> float:
    """Return the seconds that the calls of a run need: topics are connected after the answer of the last section."""
    return makespan(calls.sections, at_once) + makespan(calls.connects, at_once)
