"""Finds the footnotes of a page and the marks that refer to them."""

import re
from dataclasses import dataclass, field
from typing import Final

from backend.library.extraction.pdf.running_heads import PlacedLine

# The type of footnotes is smaller than that of the text, by this share of it at least.
_MAX_SIZE: Final = 0.96
_LABEL: Final = r"\d{1,3}|\*{1,3}|[∗†‡§¶a-z]"
_RAISED_LABEL: Final = re.compile(rf"\^\{{({_LABEL})\}}\s*(?=\S)")
_PLAIN_LABEL: Final = re.compile(r"(\d{1,3})[.)]?\s+(?=\S)")
# What an exponent hardly follows: a word, the end of a clause, a year.
_NO_BASE: Final = re.compile(r"(?:[^\W\d_]{3}|[.,;:!?»“”’\"']|\b(?:1[5-9]|20)\d\d)$")


@dataclass(slots=True)
class _Note:
    label: str
    text: str
    lines: list[PlacedLine] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Mark:
    """A raised label: the index of its line, and its place there. ``is_sure``: it is not an exponent."""

    at: int
    start: int
    stop: int
    is_sure: bool


def mark_footnotes(lines: list[PlacedLine], body_size: float) -> None:
    """Rewrite footnotes and their marks as ``[^1]``, and give each footnote to the line that refers to it.

    A mark that may be an exponent is rewritten only if no other can be meant, and if all notes are in order.
    """
    notes = _find_notes(lines, body_size)
    if not notes:
        return
    small = {id(line) for note in notes for line in note.lines}
    body = [line for line in lines if id(line) not in small]
    found = [_find_mark(body, note.label) for note in notes]
    places = [(mark.at, mark.start) for mark in found if mark]
    is_in_order = len(notes) > 1 and len(places) == len(notes) and places == sorted(places)
    gone: set[int] = set()
    # From the end, so that places on a line stay right.
    for note, mark in sorted(zip(notes, found, strict=True), key=lambda pair: -(pair[1].start if pair[1] else 0)):
        if mark is None or not (mark.is_sure or is_in_order):
            continue
        line = body[mark.at]
        line.text = f"{line.text[: mark.start]}[^{note.label}]{line.text[mark.stop :]}"
        line.notes.insert(0, f"[^{note.label}]: {note.text}")
        gone |= {id(part) for part in note.lines}
    lines[:] = [line for line in lines if id(line) not in gone]


def _find_notes(lines: list[PlacedLine], body_size: float) -> list[_Note]:
    """Return the footnotes in small type; those whose label is not raised only at the end of the page."""
    notes: list[_Note] = []
    is_end = _starts_of_end(lines, body_size)
    for at, line in enumerate(lines):
        if not _is_small(line, body_size):
            if notes and notes[-1].label:
                notes.append(_Note("", ""))
            continue
        label = _RAISED_LABEL.match(line.text) or (_PLAIN_LABEL.match(line.text) if at >= is_end else None)
        if label:
            notes.append(_Note(label[1], line.text[label.end() :], [line]))
        elif notes and notes[-1].label:
            before = notes[-1].lines[-1]
            notes[-1].text += line.text if before.joins else f" {line.text}"
            notes[-1].lines.append(line)
    return [note for note in notes if note.label and not any(line.is_uncertain for line in note.lines)]


def _starts_of_end(lines: list[PlacedLine], body_size: float) -> int:
    """Return the index from which all lines of a page are small."""
    at = len(lines)
    while at and _is_small(lines[at - 1], body_size):
        at -= 1
    return at


def _is_small(line: PlacedLine, body_size: float) -> bool:
    return line.angle == 0 and line.size <= _MAX_SIZE * body_size


def _find_mark(lines: list[PlacedLine], label: str) -> _Mark | None:
    """Return the only raised label, or the only one that cannot be an exponent."""
    raised = re.compile(rf"\^\{{{re.escape(label)}\}}")
    found = [
        _Mark(at, match.start(), match.end(), bool(_NO_BASE.search(line.text[: match.start()])))
        for at, line in enumerate(lines)
        if not line.is_uncertain
        for match in raised.finditer(line.text)
    ]
    if len(found) > 1:
        found = [mark for mark in found if mark.is_sure]
    return found[0] if len(found) == 1 else None
