"""Every page is in one section or skipped with a reason; counts add up."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.generation.sections.cutting import Section, allocate, automatic_counts, plan_sections, split_section
from backend.library.types import PageText, Span, SpanKind
from backend.study.types import Counts
from tests.patience import HANG_S

SENTENCE = "The cell is the smallest unit of life. "


def page(number: int, chars: int = 1000, heading: str | None = None, text: str | None = None) -> PageText:
    return PageText(number, (SENTENCE * (chars // 10))[:chars] if text is None else text, heading)


def spans(pages: Sequence[PageText], target: int = 3000) -> list[tuple[int, int]]:
    return [(section.first_page, section.last_page) for section in plan_sections(pages, target).sections]


def test_pages_are_grouped_to_the_target() -> None:
    assert spans([page(number) for number in range(1, 8)]) == [(1, 3), (4, 6), (7, 7)]


def test_a_short_remainder_joins_the_previous_section() -> None:
    assert spans([page(1, 3000), page(2, 300)]) == [(1, 2)]
    assert spans([page(1, 3000, "A"), page(2, 300, "B")]) == [(1, 1), (2, 2)]


def test_a_short_remainder_after_skipped_pages_is_a_section() -> None:
    assert spans([page(1, 3000), page(2, text=CONTENTS), page(3, 300)]) == [(1, 1), (3, 3)]


def test_breaks_prefer_a_new_heading() -> None:
    pages = [page(1, 1000, "A"), page(2, 1000), page(3, 1000, "B"), page(4, 1000, "B")]
    assert spans(pages) == [(1, 2), (3, 4)]
    assert [section.heading for section in plan_sections(pages, 3000).sections] == ["A", "B"]
    slides = [page(number, 300, f"Slide {number}") for number in range(1, 11)]
    assert spans(slides) == [(1, 5), (6, 10)]


def test_a_huge_page_is_cut_between_sentences() -> None:
    text = SENTENCE * 200
    plan = plan_sections([page(1), PageText(2, text, "H"), page(3)], 3000)
    assert [(section.first_page, section.last_page) for section in plan.sections] == [
        (1, 1),
        (2, 2),
        (2, 2),
        (2, 2),
        (3, 3),
    ]
    pieces = [text[section.start : section.end] for section in plan.sections[1:4]]
    assert "".join(pieces) == text
    assert all(piece.strip().startswith("The") and piece.strip().endswith(".") for piece in pieces)
    assert all(section.chars == len(piece) for section, piece in zip(plan.sections[1:4], pieces, strict=True))


REFERENCES = "References\n" + "\n".join(
    f"[{n}] Miller, A. et al. ({2000 + n}). On cells. Cell 3, pp. 4-9." for n in range(9)
)
MORE_REFERENCES = "\n".join(f"[{n}] Huber, B. ({1990 + n}). Über Zellen. Springer, Berlin." for n in range(9))
CONTENTS = "Inhaltsverzeichnis\n" + "\n".join(f"{n} Kapitel über Zellen ........ {n * 7}" for n in range(1, 9))
PLAIN_CONTENTS = "Contents\n" + "\n".join(f"{n} A chapter {n * 7}" for n in range(1, 9))
INDEX = "Index\n" + "\n".join(f"{word}, {n}, {n + 4}" for n, word in enumerate(["abc", "def", "ghi", "jkl", "mno"]))


@pytest.mark.parametrize(
    ("texts", "skipped"),
    [
        ([SENTENCE, "  \n", SENTENCE], [(2, 2, "blank")]),
        ([SENTENCE, "---\n...", "", SENTENCE], [(2, 3, "blank")]),
        ([SENTENCE, REFERENCES, MORE_REFERENCES], [(2, 3, "references")]),
        ([SENTENCE, REFERENCES, " ", MORE_REFERENCES], [(2, 2, "references"), (3, 3, "blank"), (4, 4, "references")]),
        ([SENTENCE, MORE_REFERENCES], []),
        ([CONTENTS, SENTENCE], [(1, 1, "table_of_contents")]),
        ([PLAIN_CONTENTS, SENTENCE], [(1, 1, "table_of_contents")]),
        ([CONTENTS.partition("\n")[2], SENTENCE], [(1, 1, "table_of_contents")]),
        ([SENTENCE, INDEX], [(2, 2, "references")]),
        (["Contents\n" + f"{SENTENCE}\n" * 9], []),
        ([CONTENTS + f"\n{SENTENCE * 9}"], []),
        (["References\n" + f"{SENTENCE}\n" * 9], []),
        (["Index\nAn index is\na number\nof a place\nin a list"], []),
        (["Data\n1914 war 3\n1918 peace 4\n1939 war 5\n1945 peace 6"], []),
        ([REFERENCES, f"{SENTENCE}\n" * 5], [(1, 1, "references")]),
    ],
)
def test_skipped_pages(texts: list[str], skipped: list[tuple[int, int, str]]) -> None:
    plan = plan_sections([PageText(number, text) for number, text in enumerate(texts, 1)], 3000)
    assert [(each.first_page, each.last_page, each.reason) for each in plan.skipped] == skipped
    left_out = {number for first, last, reason in skipped for number in range(first, last + 1) if reason != "blank"}
    covered = {n for section in plan.sections for n in range(section.first_page, section.last_page + 1)}
    assert not covered & left_out


def test_unreadable_pages_keep_their_reason() -> None:
    plan = plan_sections([page(1), PageText(2, "", skipped="not_readable"), page(3)], 3000)
    assert [(each.first_page, each.reason) for each in plan.skipped] == [(2, "not_readable")]
    assert [(section.first_page, section.last_page) for section in plan.sections] == [(1, 1), (3, 3)]


page_lists = st.lists(
    st.tuples(st.integers(0, 4000), st.sampled_from([None, "A", "B"]), st.sampled_from([None, None, "blank"])),
    max_size=25,
).map(
    lambda rows: [
        PageText(n, "" if skip else (SENTENCE * 110)[:chars], heading, skipped=skip)
        for n, (chars, heading, skip) in enumerate(rows, 1)
    ]
)


@given(page_lists, st.integers(100, 3000))
def test_each_page_is_covered_once(pages: list[PageText], target: int) -> None:
    plan = plan_sections(pages, target)
    left_out = [n for each in plan.skipped for n in range(each.first_page, each.last_page + 1)]
    covered: dict[int, list[Section]] = {}
    for section in plan.sections:
        assert section.chars > 0
        for number in range(section.first_page, section.last_page + 1):
            covered.setdefault(number, []).append(section)
    assert len(left_out) == len(set(left_out))
    for each in pages:
        if each.number in left_out:
            continue
        own = covered[each.number]
        if len(own) > 1:
            assert "".join(each.text[section.start : section.end] for section in own) == each.text
        assert len(own) == 1 or all(section.first_page == section.last_page for section in own)
    assert sum(section.chars for section in plan.sections) == sum(
        len(each.text) for each in pages if each.number not in left_out
    )
    assert all(section.chars <= 1.5 * target + 1 or section.start is not None for section in plan.sections)
    firsts = [(section.first_page, section.start or 0) for section in plan.sections]
    assert firsts == sorted(firsts)


@given(page_lists, st.integers(100, 9000))
def test_halves_cover_their_section(pages: list[PageText], target: int) -> None:
    texts = {each.number: each.text for each in pages}

    def text_of(section: Section) -> str:
        whole = "".join(texts[n] for n in range(section.first_page, section.last_page + 1))
        return whole[section.start : section.end]

    for section in plan_sections(pages, target).sections:
        halves = split_section(section, pages)
        if halves is None:
            assert section.chars < 600
            continue
        assert text_of(halves[0]) + text_of(halves[1]) == text_of(section)
        assert halves[0].chars + halves[1].chars == section.chars
        assert min(half.chars for half in halves) > 0
        again = split_section(halves[0], pages)
        assert again is None or again[0].chars < halves[0].chars


def test_a_section_is_split_near_the_middle_of_its_text() -> None:
    pages = [
        page(1, 900),
        page(2, 100),
        page(
            3,
        ),
        page(4, 10),
    ]
    halves = split_section(plan_sections(pages, 9000).sections[0], pages)
    assert halves is not None
    assert [(half.first_page, half.last_page) for half in halves] == [(1, 2), (3, 4)]


def test_small_sections_are_not_split() -> None:
    pages = [page(1, 599)]
    assert split_section(plan_sections(pages, 900).sections[0], pages) is None
    assert split_section(Section(1, 1, None, 599, 1, 600), [page(1, 5000)]) is None
    assert split_section(Section(1, 1, None, 600, 0, 600), [page(1, 5000)]) is not None
    assert split_section(Section(7, 7, None, 900), pages) is None


def section(chars: int) -> Section:
    return Section(1, 1, None, chars)


def test_allocate_by_largest_remainder() -> None:
    assert allocate(Counts(10, 1), [section(100), section(200), section(700)]) == [Counts(1), Counts(2), Counts(7, 1)]
    assert allocate(Counts(1), [section(10), section(20)]) == [Counts(), Counts(1)]
    assert allocate(Counts(0, 3), [section(1), section(1)]) == [Counts(0, 2), Counts(0, 1)]
    assert allocate(Counts(3, 2), [section(0), section(0)]) == [Counts(2, 1), Counts(1, 1)]
    assert allocate(Counts(5, 5), []) == []
    with pytest.raises(ValueError, match="negative"):
        allocate(Counts(1, -1), [section(1)])


@given(st.integers(0, 400), st.lists(st.integers(0, 9000), min_size=1, max_size=40))
def test_allocation_adds_up_and_is_fair(total: int, chars: list[int]) -> None:
    pairs = allocate(Counts(total, total // 2), [section(each) for each in chars])
    assert sum(pairs, Counts()) == Counts(total, total // 2)
    shares = [pair.flashcards for pair in pairs]
    whole = sum(chars)
    if whole:
        assert all(abs(share - total * each / whole) < 1 for share, each in zip(shares, chars, strict=True))


def test_automatic_counts() -> None:
    assert automatic_counts([section(6000), section(4000)]) == Counts(20, 10)
    assert automatic_counts([section(90)]) == Counts(1, 1)
    assert automatic_counts([section(10**7)]) == Counts(300, 150)
    assert automatic_counts([]) == Counts()


@pytest.mark.timeout(HANG_S)
@pytest.mark.parametrize(
    "line", ["1," * 3000 + "x", "a 1 " * 1500 + "x", ". " * 3000 + "x", "…" * 6000 + "x", "ff" * 3000]
)
def test_a_hostile_line_takes_linear_time(line: str) -> None:
    entries = "\n".join(f"term {number} a" for number in range(9))
    # Quadratic or cubic time in the line's length would take minutes here, and hours for a page.
    plan_sections([PageText(1, f"Index\n{entries}\n{line}"), PageText(2, f"Contents\n{line}\n{entries}")], 6000)


@pytest.mark.parametrize("kind", [SpanKind.TABLE, SpanKind.CODE, SpanKind.FORMULA])
def test_no_section_ends_inside_what_has_a_kind(kind: SpanKind) -> None:
    before, inside, after = "One sentence. " * 45, "| a b |\n\n" * 90, "Another one. " * 45
    start, end = len(before), len(before) + len(inside)
    page = PageText(1, before + inside + after, spans=(Span(kind, start, end),))
    sections = plan_sections([page], 500).sections
    assert len(sections) > 1
    assert [section.end for section in sections[:-1]] == [section.start for section in sections[1:]]
    assert not [section.end for section in sections if section.end is not None and start < section.end < end]
