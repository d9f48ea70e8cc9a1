"""docs/faults.md lists each fault once, with tests that exist. docs/rules.md names checks that exist."""

import re
from collections import defaultdict
from pathlib import Path

import pytest

from tests.document_places import find_missing_places, names_in

ROOT = Path(__file__).resolve().parents[1]
FAULTS = ROOT / "docs/faults.md"
RULES = ROOT / "docs/rules.md"
LAST_FAULT, LAST_RULE = 37, 12

_ROW = re.compile(r"^\| (\d+) \|.*$", re.MULTILINE)
# test_2_…, test_4_5_…, test_1_and_32_…
_NUMBERED = re.compile(r"test_((?:\d+_(?:and_)?)+)")


def rows(text: str) -> dict[int, str]:
    """Return the row of each number. Raises ValueError if a number has two rows."""
    found: dict[int, str] = {}
    for row in _ROW.finditer(text):
        if int(row[1]) in found:
            raise ValueError(f"{row[1]} has two rows")
        found[int(row[1])] = row[0]
    return found


def numbered_tests() -> dict[int, set[str]]:
    """Return the tests that cite a fault in their name, as ``path::name``, by fault number."""
    found: dict[int, set[str]] = defaultdict(set)
    for folder in ("tests/faults", "tests/deployment"):
        for file in (ROOT / folder).glob("test_*.py"):
            for name in names_in(file):
                if numbers := _NUMBERED.match(name):
                    for number in re.findall(r"\d+", numbers[1]):
                        found[int(number)].add(f"{file.relative_to(ROOT)}::{name}")
    return found


def test_every_fault_has_one_row_with_its_tests_or_says_no_test_yet() -> None:
    found = rows(FAULTS.read_text())
    assert sorted(found) == list(range(1, LAST_FAULT + 1))
    for row in found.values():
        assert ("`tests/" in row) is not ("| no test yet" in row), row


def test_every_test_that_cites_a_fault_is_in_its_row() -> None:
    found = rows(FAULTS.read_text())
    assert sum(map(len, numbered_tests().values())) > 30
    for number, tests in numbered_tests().items():
        assert [test for test in sorted(tests) if f"`{test}`" not in found[number]] == [], f"fault {number}"


def test_every_rule_has_one_row() -> None:
    assert sorted(rows(RULES.read_text())) == list(range(1, LAST_RULE + 1))


@pytest.mark.parametrize("document", [FAULTS, RULES], ids=lambda path: path.name)
def test_references_exist(document: Path) -> None:
    assert list(find_missing_places(document.read_text())) == []


def test_a_number_with_two_rows_is_reported() -> None:
    with pytest.raises(ValueError, match="2 has two rows"):
        rows("| 1 | a |\n| 2 | b |\n| 2 | c |\n")
