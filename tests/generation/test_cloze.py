"""Cloze syntax is read the same way by checks, duplicates and exports."""

import pytest

from backend.text.cloze import (
    Deletion,
    fill_deletions,
    find_deletions,
    guard_formula,
    may_have_deletions,
    replace_deletions,
    split_deletions,
)

_TEXT = "The {{c1::heart}} pumps {{c2::blood::fluid}}."


def test_deletions_have_number_hint_and_offsets() -> None:
    assert find_deletions(_TEXT) == [Deletion(1, "heart", "", 4, 17), Deletion(2, "blood", "fluid", 24, 44)]
    assert [_TEXT[each.start : each.end] for each in find_deletions(_TEXT)] == ["{{c1::heart}}", "{{c2::blood::fluid}}"]


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        (r"\({{c1::\frac{a}{b}}}\)", [r"\frac{a}{b}"]),
        ("{{c1::two\nlines}}", ["two\nlines"]),
        ("{{c1::}} {{c1::hidden::a::b {{c2::c}}", ["c"]),
        ("{{c1::outer {{c2::inner}} rest}}", ["inner"]),
        ("{{c1::open", []),
        ("plain", []),
    ],
)
def test_only_well_formed_deletions_are_found(text: str, hidden: list[str]) -> None:
    assert [deletion.hidden for deletion in find_deletions(text)] == hidden


def test_deletions_are_replaced() -> None:
    assert replace_deletions(_TEXT, lambda deletion: deletion.hidden) == "The heart pumps blood."
    assert fill_deletions(_TEXT, blank=True) == "The […] pumps [fluid]."
    assert fill_deletions("{{c1::a {{c2::b}} c}}", blank=False) == "a b c"


def test_fingerprints_end_a_deletion_at_its_first_end() -> None:
    assert split_deletions(_TEXT, "_") == ("The _ pumps _.", ["heart", "blood"])
    assert split_deletions(r"{{c1::\frac{a}{b}}}", "_") == ("_}", [r"\frac{a}{b"])


def test_a_formula_keeps_only_the_marks_of_its_deletions() -> None:
    assert guard_formula(r"\(\frac{a_{b}}{c} :: d\)") == r"\(\frac{a_{b} }{c} : : d\)"
    assert guard_formula(r"\({{c1::\frac{a}{b}}}\)") == r"\({{c1::\frac{a}{b} }}\)"


def test_the_start_of_a_deletion_is_enough_to_suspect_one() -> None:
    assert may_have_deletions("{{c1:heart}}")
    assert not may_have_deletions("{c1::heart}")
