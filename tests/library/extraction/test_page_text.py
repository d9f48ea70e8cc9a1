"""The notation of a page's text, and the spans that its marks become."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.library.extraction import page_text
from backend.library.extraction.page_text import finish_text
from backend.library.extraction.pagination import Block, pages_of_blocks, pages_of_text
from backend.library.types import SpanKind

MARKS = "".join(chr(number) for number in range(0xFDD0, 0xFDF0))


def spans(text: str) -> list[tuple[str, str, int | None]]:
    finished = finish_text(text)
    return [(span.kind.value, finished.text[span.start : span.end], span.level) for span in finished.spans]


def test_spans_count_the_final_text() -> None:
    raw = (
        page_text.heading("Die  Ener\u00adgie", 2)
        + "\r\n\r\n\r\n\r\nThe ener-\ngy is "
        + page_text.formula("E = mc^2")
        + ", and\u200b so on.\n\n"
        + page_text.code("for i in x:\n    print(i - \n1)", "python")
    )
    assert finish_text(raw).text == (
        "## Die Energie\n\nThe energy is $E = mc^2$, and so on.\n\n```python\nfor i in x:\n    print(i - \n1)\n```"
    )
    assert spans(raw) == [
        ("heading", "## Die Energie", 2),
        ("formula", "$E = mc^2$", None),
        ("code", "```python\nfor i in x:\n    print(i - \n1)\n```", None),
    ]
    assert finish_text(raw).hidden == 1


def test_money_is_no_formula() -> None:
    assert spans("It costs $5 and $6.") == []


def test_a_formula_in_a_table_is_inside_the_table() -> None:
    table = page_text.table([["Name", "Value"], ["c", page_text.formula("3 \\cdot 10^{8}")], ["", "one\ntwo"], ["x"]])
    assert spans(table) == [
        ("table", "| Name | Value |\n| --- | --- |\n| c | $3 \\cdot 10^{8}$ |\n| | one / two |\n| x | |", None),
        ("formula", "$3 \\cdot 10^{8}$", None),
    ]


def test_raised_and_lowered_text_keeps_its_blanks_outside() -> None:
    assert page_text.raised(" 23 ") == " ^{23} "
    assert page_text.lowered("2") == "_{2}"
    assert page_text.raised(" ") == " "


def test_a_fence_is_longer_than_those_in_the_code() -> None:
    assert spans(page_text.code("```\nx\n```")) == [("code", "````\n```\nx\n```\n````", None)]


def test_an_uncertain_part_is_told() -> None:
    assert spans("a " + page_text.uncertain("b c") + " d") == [("uncertain", "b c", None)]


@given(st.text(alphabet=st.sampled_from(MARKS + "ab $\n-`|")))
def test_no_mark_of_a_file_survives(raw: str) -> None:
    finished = finish_text(raw)
    assert not set(finished.text) & set(MARKS)
    assert all(0 <= span.start < span.end <= len(finished.text) for span in finished.spans)
    assert not set(page_text.remove_marks(raw)) & set(MARKS)


@given(st.lists(st.tuples(st.sampled_from(list(SpanKind)), st.text(alphabet="abc \n", min_size=1)), max_size=60))
def test_pages_keep_whole_what_has_a_kind(parts: list[tuple[SpanKind, str]]) -> None:
    write = {
        SpanKind.HEADING: lambda text: page_text.heading(text, 3),
        SpanKind.TABLE: lambda text: page_text.table([[text, text]] * 30),
        SpanKind.CODE: lambda text: page_text.code((text + "\n") * 90),
        SpanKind.FORMULA: page_text.formula,
        SpanKind.UNCERTAIN: page_text.uncertain,
    }
    text = "\n\n".join(write[kind](part) for kind, part in parts)
    for page in pages_of_text(text):
        marked = page_text.find_marked(page)
        assert page.count("\ufdda") == sum(page[start:stop].count("\ufdda") for start, stop in marked)


def test_a_long_table_is_divided_with_its_first_line() -> None:
    rows = [["Word", "Meaning"], *([f"word {at}", "meaning " * 10] for at in range(200))]
    pages = [finish_text(page) for page in pages_of_text(page_text.table(rows))]
    assert len(pages) > 3
    assert all(page.text.startswith("| Word | Meaning |\n| --- | --- |\n| word") for page in pages)
    assert sum(page.text.count("| word ") for page in pages) == 200
    assert all([span.kind for span in page.spans] == [SpanKind.TABLE] for page in pages)


def test_long_code_is_divided_between_lines() -> None:
    lines = [f"    line_{at} = {'x' * 50}" for at in range(200)]
    pages = [finish_text(page) for page in pages_of_text(page_text.code("\n".join(lines)))]
    assert [line for page in pages for line in page.text.splitlines() if "```" not in line] == lines
    assert all(page.text.startswith("```\n") and page.text.endswith("\n```") for page in pages)


@pytest.mark.parametrize("first", ["", "x"])
def test_a_page_of_the_document_begins_a_page(first: str) -> None:
    pages = list(pages_of_blocks([Block(first), Block("", new_page=True), Block("b"), Block("c", new_page=True)]))
    assert [text for _, text in pages] == [text for text in (first, "b", "c") if text]
