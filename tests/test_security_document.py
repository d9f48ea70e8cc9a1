"""docs/security-asvs.md has every requirement, and the tests and code named there and in docs/security.md exist."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.document_places import PLACE, find_missing_places

ROOT = Path(__file__).resolve().parents[1]
SECURITY = ROOT / "docs/security.md"
APPENDIX = ROOT / "docs/security-asvs.md"
# ASVS 5.0.0: the number of the last level 1 or 2 requirement in each section. Level 3 requirements follow it.
LAST = {
    "1.1": 2,
    "1.2": 9,
    "1.3": 11,
    "1.4": 3,
    "1.5": 2,
    "2.1": 3,
    "2.2": 3,
    "2.3": 4,
    "2.4": 1,
    "3.2": 2,
    "3.3": 4,
    "3.4": 6,
    "3.5": 5,
    "3.7": 2,
    "4.1": 3,
    "4.2": 1,
    "4.3": 2,
    "4.4": 4,
    "5.1": 1,
    "5.2": 3,
    "5.3": 2,
    "5.4": 3,
    "6.1": 3,
    "6.2": 12,
    "6.3": 4,
    "6.4": 4,
    "6.5": 5,
    "6.6": 3,
    "6.8": 4,
    "7.1": 3,
    "7.2": 4,
    "7.3": 2,
    "7.4": 5,
    "7.5": 2,
    "7.6": 2,
    "8.1": 2,
    "8.2": 3,
    "8.3": 1,
    "8.4": 1,
    "9.1": 3,
    "9.2": 4,
    "10.1": 2,
    "10.2": 2,
    "10.3": 4,
    "10.4": 11,
    "10.5": 5,
    "10.6": 2,
    "10.7": 3,
    "11.1": 2,
    "11.2": 3,
    "11.3": 3,
    "11.4": 4,
    "11.5": 1,
    "11.6": 1,
    "12.1": 3,
    "12.2": 2,
    "12.3": 4,
    "13.1": 1,
    "13.2": 5,
    "13.3": 2,
    "13.4": 5,
    "14.1": 2,
    "14.2": 4,
    "14.3": 3,
    "15.1": 3,
    "15.2": 3,
    "15.3": 7,
    "16.1": 1,
    "16.2": 5,
    "16.3": 4,
    "16.4": 3,
    "16.5": 3,
    "17.1": 1,
    "17.2": 4,
    "17.3": 2,
}
REQUIREMENTS = [f"V{section}.{number}" for section, last in LAST.items() for number in range(1, last + 1)]

_ROW = re.compile(r"^\| (V\d[^|]*) \|([^|]*)\| ([^|]*) \|(.*)\|$", re.MULTILINE)
_RANGE = re.compile(r"(V\d+\.\d+)\.(\d+)(?:–\1\.(\d+))?")


def numbers(text: str) -> Iterator[str]:
    """Yield the requirements that the rows cover."""
    for row in _ROW.finditer(text):
        for found in _RANGE.finditer(row[1]):
            for number in range(int(found[2]), int(found[3] or found[2]) + 1):
                yield f"{found[1]}.{number}"


def find_unproven(text: str) -> Iterator[str]:
    """Yield the rows without a proof or with an unknown status."""
    for row in _ROW.finditer(text):
        status, how = row[3], row[4].strip()
        if status not in ("met", "n/a", "open") or not how:
            yield row[1]


def test_every_requirement_has_one_row() -> None:
    assert len(REQUIREMENTS) == 253
    assert list(numbers(APPENDIX.read_text())) == REQUIREMENTS


def test_every_row_has_a_status_and_a_proof() -> None:
    assert list(find_unproven(APPENDIX.read_text())) == []


@pytest.mark.parametrize(("document", "at_least"), [(SECURITY, 30), (APPENDIX, 150)], ids=["security", "appendix"])
def test_cited_proofs_exist(document: Path, at_least: int) -> None:
    text = document.read_text()
    assert len(PLACE.findall(text)) > at_least
    assert list(find_missing_places(text)) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("`tests/core/test_nothing.py`", ["tests/core/test_nothing.py"]),
        ("`tests/core/test_headers.py::test_nothing`", ["tests/core/test_headers.py::test_nothing"]),
        ("`nothing.toml`", ["nothing.toml"]),
        ("`pyproject.toml` `docs/openapi.json` `backend/app.py::PUBLIC_ENDPOINTS`", []),
    ],
)
def test_a_missing_proof_is_reported(text: str, found: list[str]) -> None:
    assert list(find_missing_places(text)) == found


def test_a_row_without_a_proof_is_reported() -> None:
    rows = "| V1.1.1 | x | met |  |\n| V1.1.2 | x | perhaps | y |\n| V1.1.3–V1.1.5 | x | open | y |\n"
    assert list(find_unproven(rows)) == ["V1.1.1", "V1.1.2"]
    assert list(numbers(rows)) == ["V1.1.1", "V1.1.2", "V1.1.3", "V1.1.4", "V1.1.5"]
