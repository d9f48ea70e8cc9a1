"""Locates a proposed quote in a document's pages.

The page that a model or user cites is not trusted: the quote is searched for in the text of the pages, and the stored
offsets and words are the page's own. A quote is found if it has the same characters after folding, or is at least 92 %
similar with equal numbers and equal negations (``backend.text.negations``).

A quote may run over a page break next to the cited page. Evidence belongs to one page, so only the longer part of the
quote is kept, if that part is long enough by itself.
"""

import re
from collections.abc import Iterable
from enum import StrEnum
from uuid import UUID

from rapidfuzz import fuzz

from backend.library.types import PageText
from backend.study.types import Evidence, EvidenceStatus
from backend.text.folding import Folded, fold
from backend.text.formulas import is_formula_like
from backend.text.negations import claims_match, cuts_off_negation

MIN_QUOTE_CHARS = 12
"""In folded characters. Shorter quotes appear on too many pages to prove anything."""

MIN_SIMILARITY = 0.92
"""Normalised Indel similarity required of a quote that is not found character for character."""

_MIN_ALPHANUMERICS = 6
# Searching by similarity takes milliseconds per page, so only pages near the cited one are searched this way. The rest
# of the document is searched for exact matches only.
_SIMILAR_WITHIN_PAGES = 2
_MAX_SIMILAR_CHARS = 1000
# The first, coarse search compares windows as long as the quote, so a quote with a missing word scores lower.
_COARSE_SIMILARITY = 0.85

_EDGES = re.compile(r"^(?:[\s\"']|\.{3,}|\[\.{3,}\])+|(?:[\s\"']|\.{3,}|\[\.{3,}\])+$")
_ELLIPSIS = re.compile(r"\.{3,}|\. \. \.")
_CLOSING_MARKS = " .,;:"


class QuoteProblem(StrEnum):
    """Why a quote is not evidence; also the codes of the errors."""

    TOO_SHORT = "quote_too_short"
    HAS_ELLIPSIS = "quote_has_ellipsis"
    NOT_FOUND = "quote_not_found"


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
        Formula-like text is found but ``uncheckable``.
        """
        needle = _EDGES.sub("", fold(quote).text)
        if _ELLIPSIS.search(needle):
            return QuoteProblem.HAS_ELLIPSIS
        if len(needle) < MIN_QUOTE_CHARS or sum(map(str.isalnum, needle)) < _MIN_ALPHANUMERICS:
            return QuoteProblem.TOO_SHORT
        needle = needle.strip(_CLOSING_MARKS)
        found = self._find(needle, cited_page)
        if found is None:
            return QuoteProblem.NOT_FOUND
        number, start, end = found
        start, end = self._folded[number].original_span(start, end)
        text = self._pages[number].text[start:end]
        uncheckable = is_formula_like(text) or is_formula_like(quote)
        return Evidence(
            document_id=self.document_id,
            page=number,
            quote=text,
            start=start,
            end=end,
            status=EvidenceStatus.UNCHECKABLE if uncheckable else EvidenceStatus.VERIFIED,
        )

    def _find(self, needle: str, cited_page: int) -> tuple[int, int, int] | None:
        """Return the page's number and the span in its folded text."""
        near = self._pages_around(cited_page)
        for number in near:
            if span := _find_exact(self._fold(number).text, needle):
                return number, *span
        if found := self._find_across_break(needle, cited_page):
            return found
        for number in near:
            if span := _find_similar(self._fold(number).text, needle):
                return number, *span
        for number in self._order:
            if number not in near and (span := _find_exact(self._fold(number).text, needle)):
                return number, *span
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

    def _find_across_break(self, needle: str, cited_page: int) -> tuple[int, int, int] | None:
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
                if on_first >= on_second:
                    return first, start, len(head)
                return second, margin, margin + on_second
        return None

    def _fold(self, number: int) -> Folded:
        folded = self._folded.get(number)
        if folded is None:
            folded = self._folded[number] = fold(self._pages[number].text)
        return folded


def _find_exact(text: str, needle: str) -> tuple[int, int] | None:
    start = text.find(needle)
    while start >= 0:
        end = start + len(needle)
        if not _cuts(text, start, end):
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
    if _cuts(text, start, end) or not claims_match(needle, candidate):
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


def _cuts(text: str, start: int, end: int) -> bool:
    """Say whether a span cuts through a word or a number, or leaves a sign or a negation behind."""
    before, first = text[max(0, start - 2) : start], text[start]
    last, after = text[end - 1], text[end : end + 2]
    if before and before[-1].isalnum() and first.isalnum():
        return True
    if after and after[0].isalnum() and last.isalnum():
        return True
    if first.isdigit() and before:
        if before[-1] in ".,'" and before[0].isdigit() and len(before) == 2:
            return True
        if before[-1] == "-" and (len(before) == 1 or not (before[0].isalnum() or before[0] in ")]")):
            return True
    if len(after) == 2 and (
        (last.isdigit() and after[0] in ".,'" and after[1].isdigit())
        or (last.isalpha() and after[0] == "'" and after[1].isalpha())
    ):
        return True
    return cuts_off_negation(text, start, end)
