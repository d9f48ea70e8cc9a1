"""Locates a proposed quote in a document's pages.

The page that a model or user cites is not trusted: the quote is searched for in the text of the pages, and the stored
offsets and words are the page's own. A quote is found if it has the same characters after folding, or is at least 92 %
similar with equal numbers, signs and negations (``backend.text.negations``) and the same words apart from articles and
spelling (``backend.text.wording``). A part that claims something else without what stands beside it is not found
(``backend.text.cuts``).

A quote may run over a page break next to the cited page. Evidence belongs to one page, so only the longer part of the
quote is kept, if that part is long enough by itself.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from rapidfuzz import fuzz

from backend.library.types import OCR_TRUSTED, PageSource, PageText, SpanKind
from backend.study.types import Evidence, EvidenceStatus
from backend.text.cuts import cuts_claim
from backend.text.folding import Folded, fold, letters_of_formula
from backend.text.formulas import is_formula_like, without_reliable_notation
from backend.text.negations import claims_match
from backend.text.wording import has_same_words

MIN_QUOTE_CHARS = 12
"""In folded characters. Shorter quotes appear on too many pages to prove anything."""

MIN_SIMILARITY = 0.92
"""Normalised Indel similarity required of a quote that is not found character for character."""

_MIN_ALPHANUMERICS = 6
_VERSION_WITH_SPANS = 2
# Searching by similarity takes milliseconds per page, so only pages near the cited one are searched this way. The rest
# of the document is searched for exact matches only.
_SIMILAR_WITHIN_PAGES = 2
_MAX_SIMILAR_CHARS = 1000
# The first, coarse search compares windows as long as the quote, so a quote with a missing word scores lower.
_COARSE_SIMILARITY = 0.85

_EDGES = re.compile(r"^(?:[\s\"'|]|\.{3,}|\[\.{3,}\])+|(?:[\s\"'|]|\.{3,}|\[\.{3,}\])+$")
_ELLIPSIS = re.compile(r"\.{3,}|\. \. \.")
_CLOSING_MARKS = " .,;:"


class QuoteProblem(StrEnum):
    """Why a quote is not evidence; also the codes of the errors."""

    TOO_SHORT = "quote_too_short"
    HAS_ELLIPSIS = "quote_has_ellipsis"
    NOT_FOUND = "quote_not_found"


@dataclass(frozen=True, slots=True)
class _Found:
    """A span of a page's folded text; ``rest`` is the shorter part of a quote over a page break."""

    page: int
    start: int
    end: int
    rest: "_Found | None" = None


class PageIndex:
    """The pages of one document, searchable for quotes. Each page is folded once, on first use."""

    def __init__(self, document_id: UUID, pages: Iterable[PageText]) -> None:
        self.document_id = document_id
        self._pages = {page.number: page for page in pages}
        self._order = sorted(self._pages)
        self._place = {number: place for place, number in enumerate(self._order)}
        self._folded: dict[int, Folded] = {}

    def locate(self, quote: str, cited_page: int) -> Evidence | QuoteProblem:
        """Find a quote on the cited page, then on two pages on each side, then in the whole document.

        Returns the evidence, with the quote as printed and offsets into the page's original text, or the problem.
        Text that may be misread, and most formulas, are found but ``uncheckable``.
        """
        readings = [fold(quote)]
        if "$" in quote:
            readings.append(fold(quote, formulas=()))  # The signs may be money.
        if " | " in quote:
            readings.append(fold(_as_rows(quote)))  # A part of a row without the bars at its ends.
        found = [self._locate(quote, reading.text, cited_page) for reading in readings]
        return next((one for one in found if isinstance(one, Evidence)), found[0])

    def _locate(self, quote: str, folded_quote: str, cited_page: int) -> Evidence | QuoteProblem:
        needle = _EDGES.sub("", folded_quote)
        if _ELLIPSIS.search(needle):
            return QuoteProblem.HAS_ELLIPSIS
        if len(needle) < MIN_QUOTE_CHARS or sum(map(str.isalnum, needle)) < _MIN_ALPHANUMERICS:
            return QuoteProblem.TOO_SHORT
        needle = needle.strip(_CLOSING_MARKS)
        found = self._find(needle, cited_page)
        if found is None:
            return QuoteProblem.NOT_FOUND
        page, folded = self._pages[found.page], self._folded[found.page]
        exact = folded.text[found.start : found.end] == needle
        start, end = _with_indentation(page, *folded.original_span(found.start, found.end))
        text = page.text[start:end]
        uncheckable = any(self._may_be_misread(part) for part in (found, found.rest) if part) or (
            not _carries_formulas(page, start, end, quote)
            if exact and _has_reliable_notation(page)
            else is_formula_like(text) or is_formula_like(quote)
        )
        return Evidence(
            document_id=self.document_id,
            page=page.number,
            quote=text,
            start=start,
            end=end,
            status=EvidenceStatus.UNCHECKABLE if uncheckable else EvidenceStatus.VERIFIED,
        )

    def _find(self, needle: str, cited_page: int) -> _Found | None:
        near = self._pages_around(cited_page)
        for number in near:
            if span := _find_exact(self._fold(number).text, needle):
                return _Found(number, *span)
        if found := self._find_across_break(needle, cited_page):
            return found
        for number in near:
            if span := _find_similar(self._fold(number).text, needle):
                return _Found(number, *span)
        for number in self._order:
            if number not in near and (span := _find_exact(self._fold(number).text, needle)):
                return _Found(number, *span)
        return None

    def _pages_around(self, cited_page: int) -> list[int]:
        """Return the cited page and its neighbours, nearest first; empty if the page does not exist."""
        place = self._place.get(cited_page)
        if place is None:
            return []
        places = [place]
        for distance in range(1, _SIMILAR_WITHIN_PAGES + 1):
            places += [place - distance, place + distance]
        return [self._order[at] for at in places if 0 <= at < len(self._order)]

    def _find_across_break(self, needle: str, cited_page: int) -> _Found | None:
        place = self._place.get(cited_page)
        if place is None:
            return None
        for at in (place, place - 1):
            if not 0 <= at < len(self._order) - 1:
                continue
            first, second = self._order[at], self._order[at + 1]
            before = self._fold(first).text.rstrip()
            after = self._fold(second).text
            margin = len(after) - len(after.lstrip())
            after = after.lstrip()
            # A word may be hyphenated at a page break, as at the end of a line.
            joints = [(before, " "), (before[:-1], "")] if before.endswith("-") else [(before, " ")]
            for head, joint in joints:
                span = _find_exact(head + joint + after, needle)
                if span is None:
                    continue
                start, end = span
                on_first, on_second = len(head) - start, end - len(head) - len(joint)
                if min(on_first, on_second) < 1 or max(on_first, on_second) < MIN_QUOTE_CHARS:
                    continue
                parts = (first, start, len(head)), (second, margin, margin + on_second)
                longer, shorter = parts if on_first >= on_second else (parts[1], parts[0])
                return _Found(*longer, rest=_Found(*shorter))
        return None

    def _may_be_misread(self, found: _Found) -> bool:
        page = self._pages[found.page]
        if page.confidence is not None and page.confidence < OCR_TRUSTED:
            return True
        start, end = self._fold(found.page).original_span(found.start, found.end)
        return any(span.kind is SpanKind.UNCERTAIN and span.start < end and start < span.end for span in page.spans)

    def _fold(self, number: int) -> Folded:
        folded = self._folded.get(number)
        if folded is None:
            page = self._pages[number]
            # Text of version 1 has no spans; there a formula is known by its signs only.
            formulas = (
                [(span.start, span.end) for span in page.spans if span.kind is SpanKind.FORMULA]
                if page.text_version >= _VERSION_WITH_SPANS
                else None
            )
            folded = self._folded[number] = fold(page.text, formulas)
        return folded


def _as_rows(quote: str) -> str:
    return "\n".join(f"| {line.strip(' |')} |" for line in quote.split("\n"))


def _with_indentation(page: PageText, start: int, end: int) -> tuple[int, int]:
    """Return the span of a quote, with the white space before its first line if that is code."""
    line = page.text.rfind("\n", 0, start) + 1
    in_code = any(span.kind is SpanKind.CODE and span.start <= line and start < span.end for span in page.spans)
    return (line if in_code and not page.text[line:start].strip() else start), end


def _has_reliable_notation(page: PageText) -> bool:
    return page.text_version >= _VERSION_WITH_SPANS and page.source is PageSource.TEXT


def _carries_formulas(page: PageText, start: int, end: int, quote: str) -> bool:
    """Whether a quote found exactly has no formula but those that the page carries: whole spans, and raised text.

    Anything else that looks like a formula may have lost signs in a text layer. Folding ignores case, and in a formula
    ``F`` is not ``f``.
    """
    letters = letters_of_formula(quote)
    rest, at = [], start
    for span in page.spans:
        if span.kind is not SpanKind.FORMULA or span.end <= start or end <= span.start:
            continue
        sign = 2 if page.text.startswith("$$", span.start) else 1
        if span.start + sign < start or end < span.end - sign:
            return False
        if letters_of_formula(page.text[span.start : span.end]) not in letters:
            return False
        rest.append(page.text[at : max(at, span.start)])
        at = min(span.end, end)
    rest.append(page.text[at:end])
    return not is_formula_like(without_reliable_notation(" ".join(rest)))


def _find_exact(text: str, needle: str) -> tuple[int, int] | None:
    start = text.find(needle)
    while start >= 0:
        end = start + len(needle)
        if not cuts_claim(text, start, end):
            return start, end
        start = text.find(needle, start + 1)
    return None


def _find_similar(text: str, needle: str) -> tuple[int, int] | None:
    """Return the span most similar to the needle, extended to whole words, if it is similar enough."""
    if not text or len(needle) > _MAX_SIMILAR_CHARS:
        return None
    start, end = 0, len(text)
    if len(needle) < len(text):
        window = fuzz.partial_ratio_alignment(needle, text, score_cutoff=100 * _COARSE_SIMILARITY)
        if window is None:
            return None
        start, end = window.dest_start, window.dest_end
    # Try both ends at every word nearby and keep the best. A window that leaves out exactly the differing word ("not",
    # a number) never scores best, so that word is always compared.
    reach = 16 + len(needle) // 5
    for _ in range(2):
        starts = _word_starts(text, start - reach, min(start + reach, end - 1)) or [start]
        start = max(starts, key=lambda at: fuzz.ratio(needle, text[at:end]))
        ends = _word_ends(text, max(end - reach, start + 1), end + reach) or [end]
        end = max(ends, key=lambda at: fuzz.ratio(needle, text[start:at]))
    candidate = text[start:end]
    if fuzz.ratio(needle, candidate) < 100 * MIN_SIMILARITY:
        return None
    if cuts_claim(text, start, end) or not (claims_match(needle, candidate) and has_same_words(needle, candidate)):
        return None
    return start, end


def _word_starts(text: str, first: int, last: int) -> list[int]:
    return [
        at
        for at in range(max(first, 0), min(last, len(text) - 1) + 1)
        if not text[at].isspace() and (at == 0 or text[at - 1].isspace() or not text[at - 1].isalnum())
    ]


def _word_ends(text: str, first: int, last: int) -> list[int]:
    return [
        at
        for at in range(max(first, 1), min(last, len(text)) + 1)
        if not text[at - 1].isspace() and (at == len(text) or text[at].isspace() or not text[at].isalnum())
    ]
