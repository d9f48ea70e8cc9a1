"""Takes footnotes out of Markdown, so that each can come after the paragraph with its mark."""

import re
from collections.abc import Iterator

_NOTE = re.compile(r" {0,3}\[\^([^\]\s]{1,60})\]:[ \t]*(.*)")
_MARK = re.compile(r"\[\^([^\]\s]{1,60})\]")
_INDENTED = re.compile(r" {2,4}|\t")
_BLOCK_START = re.compile(r" {0,3}(?:#{1,6}\s|>|[-*+]\s|\d{1,9}[.)]\s|`{3}|~{3}|\|)")


def take_notes(text: str, notes: dict[str, str]) -> str:
    """Return the text without its notes, which go into ``notes`` by their label."""
    if "[^" not in text:
        return text
    kept: list[str] = []
    lines = text.split("\n")
    at = 0
    while at < len(lines):
        match = _NOTE.fullmatch(lines[at])
        at += 1
        if match is None:
            kept.append(lines[at - 1])
            continue
        note = [match[2]]
        while at < len(lines) and _goes_on(lines, at):
            note.append(_INDENTED.sub("", lines[at], count=1))
            at += 1
        notes.setdefault(match[1], "\n".join(note).strip())
    return "\n".join(kept)


def marks_in(text: str) -> Iterator[str]:
    """Yield the labels of the marks in a text, each once."""
    yield from dict.fromkeys(match[1] for match in _MARK.finditer(text))


def _goes_on(lines: list[str], at: int) -> bool:
    """Whether a line belongs to the note before it."""
    line = lines[at]
    if not line.strip():
        return at + 1 < len(lines) and _INDENTED.match(lines[at + 1]) is not None and bool(lines[at + 1].strip())
    if _INDENTED.match(line):
        return True
    return bool(lines[at - 1].strip()) and not _NOTE.match(line) and not _BLOCK_START.match(line)
