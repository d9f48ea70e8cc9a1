"""Gives tables of Markdown a header for every column."""

import re

_DELIMITER_ROW = re.compile(r"^[ \t>]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*$")
_PIPE = re.compile(r"(?<!\\)\|")


def widen_tables(text: str) -> str:
    """Give tables as many columns as their longest row has: the parser drops cells without a header."""
    if "|" not in text or "-" not in text:
        return text
    lines = text.split("\n")
    for at in range(1, len(lines)):
        if "|" not in lines[at] or not _DELIMITER_ROW.match(lines[at]) or "|" not in lines[at - 1]:
            continue
        columns = _count_cells(lines[at])
        if columns != _count_cells(lines[at - 1]):
            continue
        widest = columns
        for line in lines[at + 1 :]:
            if not line.strip() or "|" not in line:
                break
            widest = max(widest, _count_cells(line))
        more = min(widest - columns, 100)
        if more > 0:
            lines[at - 1] = _closed(lines[at - 1]) + " |" * more
            lines[at] = _closed(lines[at]) + " --- |" * more
    return "\n".join(lines)


def _count_cells(line: str) -> int:
    return len(_PIPE.findall(line.strip(" \t>").strip("|"))) + 1


def _closed(line: str) -> str:
    return line if line.rstrip().endswith("|") else line + " |"
