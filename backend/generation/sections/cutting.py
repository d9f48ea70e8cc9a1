"""Cuts a document into sections, the parts that a language model is asked about one at a time.

Pages stay whole and in order; a page that is far too long is cut into character ranges. Pages without text to learn
from are skipped and reported with a reason, for the coverage receipt.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from backend.generation.sections.page_kinds import reason_to_skip
from backend.library.types import PageText, SpanKind
from backend.study.types import Counts

CHARS_PER_FLASHCARD = 500
CHARS_PER_QUESTION = 1_000
MAX_FLASHCARDS = 300
MAX_QUESTIONS = 150

MIN_SPLIT_CHARS = 600
"""Shorter sections are not split any further."""

# By this factor a section may exceed the target before it is closed, and a page before it is cut.
_MAX_STRETCH = 1.5
# A new heading closes a section that is at least this full; shorter ones would cost a call each.
_MIN_FILL = 0.5
# A shorter rest of a chapter joins the section before it.
_MIN_SECTION = 0.25
_BREAKS = (re.compile(r"\n\s*\n"), re.compile(r"(?<=[.!?])\s+"), re.compile(r"\s+"))


@dataclass(frozen=True, slots=True)
class Section:
    """Consecutive pages, or a range of one page's characters.

    ``chars`` counts characters of text. ``start`` and ``end`` are code point offsets into the text of the one page
    and None for whole pages.
    """

    first_page: int
    last_page: int
    heading: str | None
    chars: int
    start: int | None = None
    end: int | None = None


@dataclass(frozen=True, slots=True)
class SkippedPages:
    """Pages that are skipped because they are ``blank``, ``not_readable``, ``references`` or ``table_of_contents``."""

    first_page: int
    last_page: int
    reason: str


@dataclass(frozen=True, slots=True)
class SectionPlan:
    """Sections in document order, and the skipped pages. Every page is in exactly one of the two."""

    sections: tuple[Section, ...]
    skipped: tuple[SkippedPages, ...]


def plan_sections(pages: Sequence[PageText], target_chars: int) -> SectionPlan:
    """Group pages into sections of about ``target_chars`` characters, preferably where the heading changes.

    Blank pages may be inside a section, because they contain nothing; other skipped pages end it.
    """
    sections: list[Section] = []
    skipped: list[SkippedPages] = []
    current: list[PageText] = []
    before: str | None = None

    def close() -> None:
        if current:
            _append(sections, _section_of(current), target_chars)
            current.clear()

    for page in sorted(pages, key=lambda page: page.number):
        reason = reason_to_skip(page, before)
        before = before if reason == "blank" else reason
        if reason is not None:
            if reason != "blank":
                close()
            _skip(skipped, page.number, reason)
            continue
        chars = sum(len(each.text) for each in current)
        heading = next((each.heading for each in reversed(current) if each.heading), None)
        new_heading = bool(page.heading) and page.heading != heading
        if (
            chars >= target_chars
            or chars + len(page.text) > _MAX_STRETCH * target_chars
            or (new_heading and chars >= _MIN_FILL * target_chars)
        ):
            close()
        if len(page.text) > _MAX_STRETCH * target_chars:
            sections.extend(_cut(_section_of([page]), page, -(-len(page.text) // target_chars)))
        else:
            current.append(page)
    close()
    return SectionPlan(tuple(sections), tuple(skipped))


def split_section(section: Section, pages: Sequence[PageText]) -> tuple[Section, Section] | None:
    """Split a section in two, between pages if it has several. Returns None if it is too small.

    ``pages`` are the document's pages, or at least the section's own; pages without text are ignored.
    """
    own = [
        page
        for page in sorted(pages, key=lambda page: page.number)
        if section.first_page <= page.number <= section.last_page and not page.skipped and page.text.strip()
    ]
    if not own:
        return None
    if len(own) == 1:
        text = own[0].text
        start, end = section.start or 0, len(text) if section.end is None else min(section.end, len(text))
        if end - start < MIN_SPLIT_CHARS:
            return None
        halves = _cut(replace(_section_of(own), start=start, end=end, heading=section.heading), own[0], 2)
        return (halves[0], halves[1]) if len(halves) == 2 else None
    total = sum(len(page.text) for page in own)
    if total < MIN_SPLIT_CHARS:
        return None
    at = min(range(1, len(own)), key=lambda at: abs(total - 2 * sum(len(page.text) for page in own[:at])))
    return _section_of(own[:at]), _section_of(own[at:])


def allocate(total: Counts, sections: Sequence[Section]) -> list[Counts]:
    """Distribute counts over sections in proportion to their characters, by the largest remainder method.

    Returns one pair for each section, with the sum ``total``, or an empty list without sections. Raises ValueError if
    a count is negative.
    """
    if min(total.flashcards, total.questions) < 0:
        raise ValueError("a count cannot be negative")
    weights = [section.chars for section in sections]
    if sum(weights) == 0:
        weights = [1] * len(sections)
    shares = zip(_share(total.flashcards, weights), _share(total.questions, weights), strict=True)
    return [Counts(*share) for share in shares]


def fill(missing: Counts, rooms: Sequence[Counts]) -> list[Counts]:
    """Distribute counts in proportion to how much room there is, and never more than that.

    Returns one pair for each room; their sum is less than ``missing`` if there is not enough room.
    """
    shares = (
        _share(min(total, sum(room)), room) if any(room) else [0] * len(room)
        for total, room in (
            (missing.flashcards, [room.flashcards for room in rooms]),
            (missing.questions, [room.questions for room in rooms]),
        )
    )
    return [Counts(*share) for share in zip(*shares, strict=True)]


def _share(total: int, weights: Sequence[int]) -> list[int]:
    whole = sum(weights)
    shares = [total * weight // whole for weight in weights]
    remainders = [total * weight % whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda at: (-remainders[at], at))
    for at in by_remainder[: total - sum(shares)]:
        shares[at] += 1
    return shares


def automatic_counts(sections: Sequence[Section]) -> Counts:
    """Return the number of items to make if the user names none."""
    chars = sum(section.chars for section in sections)
    if chars == 0:
        return Counts()
    return Counts(
        min(max(1, round(chars / CHARS_PER_FLASHCARD)), MAX_FLASHCARDS),
        min(max(1, round(chars / CHARS_PER_QUESTION)), MAX_QUESTIONS),
    )


def _section_of(pages: Sequence[PageText]) -> Section:
    return Section(
        first_page=pages[0].number,
        last_page=pages[-1].number,
        heading=next((page.heading for page in pages if page.heading), None),
        chars=sum(len(page.text) for page in pages),
    )


def _append(sections: list[Section], section: Section, target_chars: int) -> None:
    """Append a section, or merge it into the one before if it is a short rest of the same chapter."""
    last = sections[-1] if sections else None
    if (
        last is not None
        and section.chars < _MIN_SECTION * target_chars
        and last.chars + section.chars <= _MAX_STRETCH * target_chars
        and last.end is None
        and last.last_page + 1 == section.first_page
        and section.heading in (None, last.heading)
    ):
        sections[-1] = replace(last, last_page=section.last_page, chars=last.chars + section.chars)
    else:
        sections.append(section)


def _skip(skipped: list[SkippedPages], number: int, reason: str) -> None:
    last = skipped[-1] if skipped else None
    if last is not None and last.reason == reason and last.last_page + 1 == number:
        skipped[-1] = replace(last, last_page=number)
    else:
        skipped.append(SkippedPages(number, number, reason))


def _cut(section: Section, page: PageText, count: int) -> list[Section]:
    """Cut a section of one page into ``count`` ranges of about equal length that cover it without gaps.

    No table, code, formula or heading is cut; so there may be fewer ranges.
    """
    text = page.text
    start, end = section.start or 0, len(text) if section.end is None else section.end
    size = (end - start) / count
    bounds = [start]
    for piece in range(1, count):
        aimed = start + round(piece * size)
        bound = _break_near(page, aimed, round(size / 4))
        if bounds[-1] < bound < end:
            bounds.append(bound)
    bounds.append(end)
    return [replace(section, start=first, end=last, chars=last - first) for first, last in pairwise(bounds)]


def _break_near(page: PageText, aimed: int, reach: int) -> int:
    """Return the best place to cut within reach: between paragraphs, else sentences, else words, else anywhere.

    Within a span that must not be cut, that is its nearer end.
    """
    kept = [(span.start, span.end) for span in page.spans if span.kind is not SpanKind.UNCERTAIN]
    for pattern in _BREAKS:
        ends = [match.end() for match in pattern.finditer(page.text, max(0, aimed - reach), aimed + reach)]
        free = [at for at in ends if not any(start < at < end for start, end in kept)]
        if free:
            return min(free, key=lambda at: abs(at - aimed))
    around = [span for span in kept if span[0] < aimed < span[1]]
    if not around:
        return aimed
    start, end = max(around, key=lambda span: span[1] - span[0])
    return start if aimed - start <= end - aimed else end
