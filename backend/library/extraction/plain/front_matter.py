"""Tells the properties at the head of a Markdown file from text between two rules."""

import re
from typing import Final

_BLOCK = re.compile(r"\A(?P<mark>---|\+\+\+)[ \t]*\n(?P<body>(?:[^\n]*\n){1,300}?)(?:(?P=mark)|\.\.\.)[ \t]*(?:\n|\Z)")
_KEY = re.compile(r"[\"']?[\w.-]+[\"']?[ \t]*[:=](?:\s|$)")
_GOES_ON = re.compile(r"[ \t]|[-#\[\]{}]|$")
# What authors write as sentences in properties.
_WORDED_KEYS: Final = re.compile(
    r"[\"']?(?:title|subtitle|description|abstract|summary|excerpt|keywords|tags|author|source|titel|beschreibung)\b",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?:\S+\s+){5,}\S*[.!?]\s*$")


def remove_front_matter(text: str) -> str:
    """Return the text without the properties that it begins with. A rule and text after it are no properties."""
    match = _BLOCK.match(text)
    if match is None:
        return text
    lines = match["body"].splitlines()
    if not _KEY.match(lines[0]) or any(_is_text(line) for line in lines):
        return text
    return text[match.end() :]


def _is_text(line: str) -> bool:
    if _KEY.match(line):
        return _SENTENCE.search(line) is not None and not _WORDED_KEYS.match(line)
    return _GOES_ON.match(line) is None
