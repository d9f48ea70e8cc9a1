"""Writes the results: as a table, as a file, and into docs/performance.md between two marks."""

import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path

from benchmarks.figures import Result

BEGIN = "<!-- benchmarks: begin -->"
END = "<!-- benchmarks: end -->"

_DIGITS = {"×": 2, "MB": 0, "queries": 0}
_RELATION = {"max": "≤", "min": "≥"}


def describe_machine() -> str:
    """Return the machine's relevant properties, for example ``2 cores, Python 3.11, Debian 12``."""
    cores = len(os.sched_getaffinity(0))
    python = ".".join(platform.python_version_tuple()[:2])
    try:
        release = platform.freedesktop_os_release()
    except OSError:
        release = {}
    # NAME may be "Debian GNU/Linux"; the first word is enough.
    system = f"{release.get('NAME', platform.system()).split()[0]} {release.get('VERSION_ID', '')}".strip()
    return f"{cores} core{'s' if cores != 1 else ''}, Python {python}, {system}"


def markdown_table(results: Sequence[Result], machine: str) -> str:
    """Return the results as a Markdown table, followed by the machine."""
    lines = ["| figure | measured | bound | met |", "| --- | ---: | ---: | --- |"]
    for result in results:
        figure = result.figure
        digits, unit = _DIGITS[figure.unit], "" if figure.unit == "×" else f" {figure.unit}"
        value = f"{result.measurement.value:.{digits}f}{unit}"
        bound = f"{_RELATION[figure.direction]} {figure.bound:g}{unit}"
        lines.append(f"| {figure.title} | {value} | {bound} | {'yes' if result.met else '**no**'} |")
    return "\n".join([*lines, "", f"Measured on {machine}."])


def write_results(results: Sequence[Result], file: Path) -> None:
    """Write the results file: a JSON list with an object per figure."""
    entries = [result.as_json() for result in results]
    file.write_text(json.dumps(entries, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def update_page(table: str, file: Path) -> None:
    """Put the table between the page's marks. Raises ValueError if they are missing."""
    text = file.read_text(encoding="utf-8")
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{file.name} has no place between “{BEGIN}” and “{END}”")
    file.write_text(f"{before}{BEGIN}\n{table}\n{END}{after}", encoding="utf-8")
