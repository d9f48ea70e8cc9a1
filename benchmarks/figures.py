"""A benchmark's figure, its bound and its result."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Direction = Literal["max", "min"]


@dataclass(frozen=True, slots=True)
class Measurement:
    """The measured value, and the numbers it was computed from, by name with unit."""

    value: float
    parts: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure with its bound, a maximum (``max``) or a minimum (``min``).

    ``measure`` gets an empty folder to work in. Its value is in ``unit``: ``×`` for ratios, ``MB`` (10^6 bytes) or
    ``queries``.
    """

    name: str
    title: str
    unit: str
    direction: Direction
    bound: float
    measure: Callable[[Path], Measurement]


@dataclass(frozen=True, slots=True)
class Result:
    """A figure with its measurement."""

    figure: Figure
    measurement: Measurement

    @property
    def met(self) -> bool:
        """Whether the unrounded value is within the bound."""
        value, bound = self.measurement.value, self.figure.bound
        return value <= bound if self.figure.direction == "max" else value >= bound

    def as_json(self) -> dict[str, Any]:
        """Return the entry in the results file."""
        figure = self.figure
        return {
            "name": figure.name,
            "title": figure.title,
            "value": round(self.measurement.value, 3),
            "bound": figure.bound,
            "direction": figure.direction,
            "unit": figure.unit,
            "met": self.met,
            "parts": dict(self.measurement.parts),
        }
