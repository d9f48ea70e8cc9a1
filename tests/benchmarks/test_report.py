"""The report of results: the file, the table, and its place in docs/performance.md."""

import json
import re
from pathlib import Path

import pytest

from benchmarks.__main__ import FIGURES
from benchmarks.figures import Direction, Figure, Measurement, Result
from benchmarks.report import BEGIN, END, describe_machine, markdown_table, update_page, write_results

CHECKOUT = Path(__file__).resolve().parents[2]


def _result(value: float, bound: float = 1.25, direction: Direction = "max", unit: str = "×") -> Result:
    measurement = Measurement(value, {"wall_s": 5.1})
    return Result(Figure("overhead", "A run", unit, direction, bound, lambda _: measurement), measurement)


@pytest.mark.parametrize(
    ("value", "direction", "met"),
    [(1.25, "max", True), (1.2501, "max", False), (1.25, "min", True), (1.2499, "min", False)],
)
def test_a_bound_is_met_by_the_unrounded_value(value: float, direction: Direction, met: bool) -> None:
    assert _result(value, direction=direction).met is met


def test_the_results_file_lists_the_figures(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    write_results([_result(1.23456), _result(1.9, 2.0, "min")], file)
    first, second = json.loads(file.read_text())
    assert first == {
        "name": "overhead",
        "title": "A run",
        "value": 1.235,
        "bound": 1.25,
        "direction": "max",
        "unit": "×",
        "met": True,
        "parts": {"wall_s": 5.1},
    }
    assert (second["direction"], second["met"]) == ("min", False)


def test_the_table_shows_missed_bounds_and_the_machine() -> None:
    lines = markdown_table([_result(1.204), _result(23.4, 16, unit="MB")], "2 cores").splitlines()
    assert lines[2] == "| A run | 1.20 | ≤ 1.25 | yes |"
    assert lines[3] == "| A run | 23 MB | ≤ 16 MB | **no** |"
    assert lines[-1] == "Measured on 2 cores."


def test_the_table_replaces_only_the_previous_table(tmp_path: Path) -> None:
    file = tmp_path / "page.md"
    file.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    for table in ("first", "| a |\n| b |"):
        update_page(table, file)
        assert file.read_text() == f"before\n{BEGIN}\n{table}\n{END}\nafter\n"


def test_a_page_without_marks_is_left_unchanged(tmp_path: Path) -> None:
    file = tmp_path / "page.md"
    file.write_text(f"{BEGIN} but no end")
    with pytest.raises(ValueError, match="no place"):
        update_page("table", file)
    assert file.read_text() == f"{BEGIN} but no end"


def test_the_page_has_marks_for_the_table() -> None:
    text = (CHECKOUT / "docs" / "performance.md").read_text()
    assert text.index(BEGIN) < text.index(END)


def test_the_machine_is_described_without_names() -> None:
    assert re.fullmatch(r"\d+ cores?, Python 3\.\d+, \w+( [\w.]+)?", describe_machine())


def test_names_of_figures_are_unique() -> None:
    names = [figure.name for figure in FIGURES]
    assert len(names) == len(set(names)) == 16
