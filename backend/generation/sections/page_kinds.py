"""Tells pages to learn from apart from front and back matter. When in doubt, a page is kept."""

import re

from backend.library.types import PageText

_NUMBERING = r"(?:(?:\d+(?:\.\d+)*|[IVX]+|[A-Z])[.)]?\s+)?"
_REFERENCES_HEADING = re.compile(
    _NUMBERING
    + r"(?:references(?: cited)?|bibliography|works cited|literature(?: cited)?|literatur(?:verzeichnis|angaben|liste)?"
    r"|quellen(?:verzeichnis|angaben)?|bibliogra(?:f|ph)ie|références(?: bibliographiques)?|bibliografia|riferimenti)"
    r"\s*:?",
    re.IGNORECASE,
)
_INDEX_HEADING = re.compile(
    _NUMBERING
    + r"(?:(?:subject |author )?index|(?:stich|schlag)wort(?:verzeichnis|register)|sachregister|sachverzeichnis"
    r"|register|indice analitico)\s*:?",
    re.IGNORECASE,
)
_CONTENTS_HEADING = re.compile(
    _NUMBERING + r"(?:(?:table of )?contents|inhalt(?:sverzeichnis|sübersicht)?|table des matières|sommaire|indice"
    r"|sommario)\s*:?",
    re.IGNORECASE,
)
_ENTRY = re.compile(
    r"^\s*(?:\[\w{1,12}\]|\(?\d{1,3}[.)]\s)"  # [12], 12., [Mue20]
    r"|\(?\b(?:1[89]|20)\d\d[a-z]?\b\)?"
    r"|\bdoi\b|https?://|\bet al\b|\bpp?\.\s?\d|\bISBN\b|\bS\.\s?\d+",
    re.IGNORECASE,
)
# These three describe how a line ends and are only searched in its last characters: pages are hostile, and a pattern
# that starts at every character of a long line takes quadratic time.
_NUMBERED_LINE = re.compile(r"(?:\.\.|\. \.|[\s…·_,])\s*+(?:\d{1,4}|[ivxl]{1,6})$", re.IGNORECASE)
_LEADER_LINE = re.compile(r"(?:\.{3,}+|(?:\. ){3,}+|…++|·{3,}+|_{3,}+)\s*+(?:\d{1,4}|[ivxl]{1,6})$", re.IGNORECASE)
_INDEX_LINE = re.compile(r"[,\s]\s*+\d{1,4}+(?:\s*+[-–,]\s*+\d{1,4}+|f{1,2}+\.?+)*+$")

_HEADING_SIGN = re.compile(r"^#{1,6} |^- |^\| | \|$")
_ENDING_CHARS = 60
_MIN_LINES = 4
_MAX_INDEX_LINE_CHARS = 60
_MAX_PROSE_LETTERS = 250


def reason_to_skip(page: PageText, before: str | None) -> str | None:
    """Return why a page is not worth learning from, or None.

    ``before`` is the reason of the previous page, because lists continue over pages without repeating their heading.
    Lists of references and indexes are ``references``. A heading alone never decides: the lines must match as well.
    """
    if page.skipped:
        return page.skipped
    lines = [_HEADING_SIGN.sub("", line.strip()) for line in page.text.splitlines() if line.strip()]
    if not any(character.isalnum() for line in lines for character in line):
        return "blank"
    if len(lines) < _MIN_LINES:
        return None
    titles = {(page.heading or "").strip(), lines[0]}
    if _is_contents(lines, titles, before == "table_of_contents"):
        return "table_of_contents"
    return "references" if _is_references(lines, titles, before == "references") else None


def _is_contents(lines: list[str], titles: set[str], goes_on: bool) -> bool:
    # A table of contents may share its page with the first paragraphs of a chapter, which must be kept.
    if sum(map(str.isalpha, "".join(line for line in lines if not _ends(line, _NUMBERED_LINE)))) > _MAX_PROSE_LETTERS:
        return False
    titled = any(_CONTENTS_HEADING.fullmatch(title) for title in titles)
    return (
        _share_ending(lines, _LEADER_LINE) >= 0.6
        or (titled and _share_ending(lines[1:], _NUMBERED_LINE) >= 0.5)
        or (goes_on and _share_ending(lines, _NUMBERED_LINE) >= 0.7)
    )


def _is_references(lines: list[str], titles: set[str], goes_on: bool) -> bool:
    return (
        (any(_REFERENCES_HEADING.fullmatch(title) for title in titles) and _share(lines[1:], _ENTRY) >= 0.3)
        or (any(_INDEX_HEADING.fullmatch(title) for title in titles) and _is_index(lines[1:]))
        or (goes_on and (_share(lines, _ENTRY) >= 0.5 or _is_index(lines)))
    )


def _share(lines: list[str], pattern: re.Pattern[str]) -> float:
    return sum(pattern.search(line) is not None for line in lines) / len(lines)


def _ends(line: str, pattern: re.Pattern[str]) -> bool:
    # There must be something before the ending.
    return pattern.search(line, max(1, len(line) - _ENDING_CHARS)) is not None


def _share_ending(lines: list[str], pattern: re.Pattern[str]) -> float:
    return sum(_ends(line, pattern) for line in lines) / len(lines)


def _is_index(lines: list[str]) -> bool:
    short = [line for line in lines if len(line) <= _MAX_INDEX_LINE_CHARS]
    return len(short) >= 0.8 * len(lines) and _share_ending(lines, _INDEX_LINE) >= 0.6
