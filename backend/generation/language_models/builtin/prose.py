"""Finds the sentences of running text on a page, with their positions, and the headings above them.

Everything else (tables of contents, headers and footers, bibliographies, code, tables, captions) gives no sentence.
Offsets are code points into the page's raw text, so that a sentence can be quoted exactly.
"""

import re
from collections import Counter
from dataclasses import dataclass, replace
from itertools import pairwise
from math import ceil

from backend.generation.language_models.builtin.lexicon import Lexicon, is_foreign
from backend.generation.language_models.interface import SectionPage
from backend.library.types import SpanKind


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of running text.

    ``raw`` is the exact substring of the page's text, ``text`` the same with single spaces. ``opens`` is true for
    the first sentence of its paragraph. ``heading`` is the nearest heading above it, if any. ``number`` counts the
    section's sentences from 0.
    """

    page: int
    raw: str
    text: str
    opens: bool
    heading: str | None
    number: int = 0


@dataclass(frozen=True, slots=True)
class Prose:
    """The running text of a section: its sentences in order, and its headings, each with the depth of its number."""

    sentences: tuple[Sentence, ...]
    headings: tuple[tuple[str, int], ...]

    def introduces(self, sentence: Sentence, term: str) -> bool:
        """Whether a term is new in the running text; "the" then means the kind, not one mentioned before."""
        name = term.lower()
        return not any(name in earlier.text.lower() for earlier in self.sentences[: sentence.number])


@dataclass(frozen=True, slots=True)
class _Line:
    start: int
    text: str
    after_blank: bool
    level: int | None = None  # Of a heading.


_LINE = re.compile(r"[^\r\n\f\v\x85\u2028\u2029]+")
_BULLET = re.compile(r"^\s*(?:\[\^[^\[\]\s]{1,12}\]:|[•‣◦▪■●○–—*·➢✓-]|\(?(?:[a-z0-9]{1,2}|[ivx]{1,5})\)|\d{1,2}\.)\s+")
_HEADING_SIGN = re.compile(r"#{1,6} +")
_NOTE_MARK = re.compile(r" ?\[\^[^\[\]\s]{1,12}\]")
# A card without the formula, or with half of an exponent, would say something else.
_NOT_ON_CARDS = re.compile(r"\[formula\]|\[image(?::|\])|[\^_]\{")
_NOT_ON_CARDS_SPANS = frozenset({SpanKind.FORMULA, SpanKind.UNCERTAIN, SpanKind.TABLE, SpanKind.CODE})
_NO_PROSE = frozenset({SpanKind.TABLE, SpanKind.CODE})
_NUMBERING = re.compile(
    r"^\s*(?:(?:chapter|kapitel|appendix|anhang|part|teil)\s+)?(\d{1,2}(?:\.\d{1,3})*|[A-Z](?:\.\d{1,3})+)[.:)]?\s+",
    re.IGNORECASE,
)
_CONTENTS_LINE = re.compile(r"(?:\.\s?){4,}|…\s*\d+\s*$|(?:\s\.){3,}|\s{3,}\d{1,4}\s*$")
_CONTENTS = re.compile(r"(?:table of )?contents|inhalt(?:sverzeichnis)?|index|stichwortverzeichnis|sachregister", re.I)
_REFERENCES = re.compile(
    r"(?:references|works cited|further reading|literature|literatur|quellen|weiterführende literatur|change ?log)"
    r"|(?:\w+ ){0,2}(?:bibliography|bibliogra(?:f|ph)ie|literatur(?:verzeichnis|hinweise|liste|angaben)"
    r"|quellen(?:verzeichnis|angaben))",
    re.IGNORECASE,
)
_CAPTION = re.compile(
    r"^\s*(?:figure|fig\.|table|listing|algorithm|abbildung|abb\.|tabelle|tab\.)\s*[\dA-Z]", re.IGNORECASE
)
_LICENCE = re.compile(r"licen[cs]e|lizenz|©", re.IGNORECASE)
_CODE = re.compile(r"[{}<>=|\\^~`$#@_]|\s[$%#]\s|://|\(\)|::|->|--\w|;\s*$|(?:^|\s)/\w|\.\w{1,4}/")
_GLOSSARY_LINE = re.compile(r"^\w[\w +/-]{1,40}(?::|\s[–—-])\s\w[^.:]{20,250}$")
_TWO_LETTERS = re.compile(r"[^\W\d_].*?[^\W\d_]")
_END = re.compile(r"[.!?][)\]”“»’\"']*(?:\[\^[^\[\]\s]{1,12}\])*(?=\s|$)")
_ORDINAL_FOLLOWERS = re.compile(
    r"\s+(?:januar|februar|märz|april|mai|juni|juli|august|september|oktober|november|dezember|jahrhundert)",
    re.IGNORECASE,
)


def read_prose(pages: tuple[SectionPage, ...], lexicon: Lexicon) -> Prose:
    """Return the sentences and headings of a section's pages, in reading order."""
    lines_by_page = [_list_lines(page) for page in pages]
    furniture = _find_furniture(lines_by_page)
    sentences: list[Sentence] = []
    headings: list[tuple[str, int]] = []
    heading: str | None = None
    in_references = False
    complete = True
    for page, all_lines in zip(pages, lines_by_page, strict=True):
        heading = _heading_at_top(page, heading)
        if heading and (heading, 1) not in headings and page.heading:
            headings.append((heading, 1))
        lines = [line for line in all_lines if _without_digits(line.text) not in furniture and _is_text(line.text)]
        if _is_contents(lines) or len(_LICENCE.findall(page.text)) >= 6:
            complete = True
            continue
        blocks = _split_blocks(lines)
        for number, block in enumerate(blocks):
            found = _find_heading(block)
            title = found[0] if found else None
            if title or len(block) == 1:
                bare = (title or block[0].text).strip(" .:0123456789").lower()
                if _REFERENCES.fullmatch(bare) or _CONTENTS.fullmatch(bare):
                    in_references = True
                    continue
            if found:
                in_references = False
                heading = found[0]
                headings.append(found)
                complete = True
                continue
            if block[0].level:
                continue
            if in_references or _CAPTION.match(block[0].text):
                continue
            following = blocks[number + 1][0].text if number + 1 < len(blocks) else None
            block_sentences, block_ends = _split_sentences(page, block, following, lexicon, heading)
            if number == 0 and not complete:
                # The first lines may continue a sentence of the previous page, which may not be here.
                block_sentences = block_sentences[1:]
            # A quotation or an untranslated part is in a language that these rules do not cover.
            sentences.extend(each for each in block_sentences if not is_foreign(each.text, lexicon.language))
            complete = block_ends
    numbered = tuple(replace(sentence, number=number) for number, sentence in enumerate(sentences))
    return Prose(numbered, tuple(dict.fromkeys(headings)))


def _list_lines(page: SectionPage) -> list[_Line]:
    """Return the lines outside tables, code and formulas on lines of their own; headings come without their sign."""
    text = page.text
    levels = {span.start: span.level for span in page.spans if span.kind is SpanKind.HEADING}
    passed_over = [
        span
        for span in page.spans
        if span.kind in _NO_PROSE or (span.kind is SpanKind.FORMULA and text.startswith("$$", span.start))
    ]
    lines: list[_Line] = []
    end = 0
    for match in _LINE.finditer(text):
        start = match.start()
        if any(span.start < match.end() and start < span.end for span in passed_over):
            continue
        blank = text.count("\n", end, start) >= 2 or (bool(lines) and lines[-1].level is not None)
        end = match.end()
        level = levels.get(start)
        sign = _HEADING_SIGN.match(text, start) if level else None
        if sign:
            start = sign.end()
        lines.append(_Line(start, text[start:end], blank or sign is not None, level if sign else None))
    return lines


def _heading_at_top(page: SectionPage, before: str | None) -> str | None:
    """Return the heading that applies to the first lines of a page.

    ``page.heading`` is the first heading on the page. If it is printed on the page, the text above it still belongs to
    the previous heading.
    """
    given = clean_heading(page.heading)
    if given is None or (before is not None and given.lower() in page.text.lower()):
        return before
    return given


def clean_heading(text: str | None) -> str | None:
    """Return a heading without its number, or None if it is not a usable name."""
    if not text:
        return None
    name = " ".join(_NUMBERING.sub("", text, count=1).split()).strip(" .:–—-")
    letters = sum(character.isalpha() for character in name)
    plain = not _CODE.search(name) and not _CONTENTS_LINE.search(name) and not re.search(r"[\"„“?!;\]\[]|\d{3}", name)
    if (
        letters < 3
        or max(len(word) for word in name.split()) < 3
        or letters < 2.5 * len(name.split())
        or letters < 0.75 * len(name.replace(" ", ""))
        or len(name) > 70
        or not plain
    ):
        return None
    if not name[0].isupper() or len(name.split()) > 9 or _CAPTION.match(name) or _CONTENTS.fullmatch(name):
        return None
    return name


def _is_text(line: str) -> bool:
    """Whether a line is more than a page number or a rule."""
    return _TWO_LETTERS.search(line) is not None


def _without_digits(line: str) -> str:
    return re.sub(r"[\d\s|]+", " ", line).strip().lower()


def _find_furniture(pages: list[list[_Line]]) -> set[str]:
    """Return headers and footers: lines that repeat at the edges of several pages, ignoring page numbers."""
    edges = Counter(
        edge for lines in pages for edge in {_without_digits(line.text) for line in (*lines[:2], *lines[-2:])}
    )
    return {edge for edge, count in edges.items() if count >= 2 and len(edge) < 120}


def _is_contents(lines: list[_Line]) -> bool:
    """Whether a page is an index: many lines end in dots and a number, or most of them in a number."""
    dotted = sum(bool(_CONTENTS_LINE.search(line.text)) for line in lines)
    numbered = sum(bool(re.search(r"[\w,]\s+\d{1,4}\s*$", line.text)) for line in lines)
    return len(lines) >= 5 and (dotted >= 0.3 * len(lines) or numbered >= 0.5 * len(lines))


def _split_blocks(lines: list[_Line]) -> list[list[_Line]]:
    """Return the paragraphs. A line with room for the first word of the next line was ended on purpose."""
    if not lines:
        return []
    lengths = sorted(len(line.text) for line in lines)
    width = lengths[ceil(0.9 * (len(lengths) - 1))]
    blocks: list[list[_Line]] = [[lines[0]]]
    for before, line in pairwise(lines):
        words = line.text.split()
        room = width - len(before.text.rstrip()) - 1
        ended = len(words[0]) + 0.12 * width < room
        gap = line.start - (before.start + len(before.text))
        starts_anew = bool(_BULLET.match(line.text) or _NUMBERING.match(line.text))
        goes_on = words[0][0].islower() and len(before.text) > 0.5 * width and not starts_anew
        if (ended and not goes_on) or starts_anew or line.after_blank or gap > 2:
            blocks.append([line])
        else:
            blocks[-1].append(line)
    return blocks


def _find_heading(block: list[_Line]) -> tuple[str, int] | None:
    """Return the block as a heading with its depth (1 is the highest), or None."""
    if block[0].level:
        name = clean_heading(_NOTE_MARK.sub("", block[0].text))
        return (name, block[0].level) if name else None
    if len(block) > 2 or any(_CONTENTS_LINE.search(line.text) for line in block):
        return None
    text = " ".join(line.text.strip() for line in block)
    number = _NUMBERING.match(text)
    if text.endswith((".", ",", ":", ";")) or (len(block) == 2 and not number):
        return None
    if re.match(r"^\s*(?:[•‣◦▪■●○–—*·➢✓-]|\(?[a-z]\))\s", text) or re.search(r"\s\d{1,4}\s*$", text):
        return None
    name = clean_heading(text)
    if name is None or len(name.split()) > 8:
        return None
    return name, 1 + number.group(1).count(".") if number else 3


def _split_sentences(
    page: SectionPage, block: list[_Line], following: str | None, lexicon: Lexicon, heading: str | None
) -> tuple[list[Sentence], bool]:
    """Return the sentences of one block, and whether the block ends where a sentence ends."""
    start, end = block[0].start, block[-1].start + len(block[-1].text)
    text = page.text[start:end]
    bullet = _BULLET.match(text)
    position = bullet.end() if bullet else len(text) - len(text.lstrip())
    opens = True
    sentences: list[Sentence] = []
    for match in _END.finditer(text):
        if match.start() < position or not _ends_sentence(text, match, lexicon):
            continue
        raw = text[position : match.end()]
        if _fits_on_cards(page, start + position, start + match.end()):
            sentences.append(Sentence(page.number, raw, _plain(raw), opens, heading))
        opens = False
        position = match.end() + len(text[match.end() :]) - len(text[match.end() :].lstrip())
    rest = text[position:].rstrip()
    listed = following is None or _BULLET.match(following) or _GLOSSARY_LINE.match(following)
    fits = _fits_on_cards(page, start + position, start + position + len(rest))
    if opens and listed and fits and _GLOSSARY_LINE.match(rest):
        sentences.append(Sentence(page.number, rest, _plain(rest), opens, heading))
    return sentences, not rest


def _plain(raw: str) -> str:
    """Return a sentence with single spaces and without marks of notes."""
    return " ".join(_NOTE_MARK.sub("", raw).split())


def _fits_on_cards(page: SectionPage, start: int, end: int) -> bool:
    """Whether a sentence has only words: no formula, raised or lowered text or picture, and nothing misread."""
    return _NOT_ON_CARDS.search(page.text, start, end) is None and not any(
        span.kind in _NOT_ON_CARDS_SPANS and span.start < end and start < span.end for span in page.spans
    )


def _ends_sentence(text: str, match: re.Match[str], lexicon: Lexicon) -> bool:
    if text[match.start()] != ".":
        return True
    before = re.search(r"[\w.]*$", text[: match.start()])
    word = before.group().lower() if before else ""
    rest = text[match.end() :].lstrip()
    if rest and not (rest[0].isupper() or rest[0] in "„“\"'«»(" or rest[0].isdigit()):
        return False
    if word.isdigit() and len(word) <= 2:
        return not _ORDINAL_FOLLOWERS.match(text, match.end()) and len(rest) == 0
    initial = len(word) == 1 and word.isalpha() and not text[: match.start()].endswith(f"-{word.upper()}")
    return not rest or not (word in lexicon.abbreviations or initial)
