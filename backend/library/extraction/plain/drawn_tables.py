"""Tables of Pandoc that are drawn with lines (simple, multiline and grid tables), as tables with bars."""

import re

_COLUMNS = re.compile(r"^ {0,3}-{2,}(?: +-{2,})+ *$")
_RULE = re.compile(r"^ {0,3}-{3,} *$")
_GRID_RULE = re.compile(r"^ {0,3}\+(?:[-=:]{3,}\+)+ *$")
_MAX_LINES = 2_000


def convert_drawn_tables(text: str) -> str:
    """Return Markdown with its drawn tables as tables with bars, which the parser knows."""
    if "--" not in text:
        return text
    lines = text.split("\n")
    shown: list[str] = []
    at = 0
    while at < len(lines):
        converted = _grid_table(lines, at) or _simple_table(lines, at, shown)
        if converted is None:
            shown.append(lines[at])
            at += 1
        else:
            rows, at = converted
            shown += ["", *_barred(rows), ""]
    return "\n".join(shown)


def _simple_table(lines: list[str], at: int, before: list[str]) -> tuple[list[list[str]], int] | None:
    """Read a table whose columns a line of dashes marks; its header stands above that line, taken from ``before``."""
    if not _COLUMNS.match(lines[at]):
        return None
    columns = [match.span() for match in re.finditer("-+", lines[at])]
    end, is_spaced = _end_of_table(lines, at + 1)
    body = lines[at + 1 : end]
    if not any(line.strip() for line in body):
        return None
    header: list[str] = []
    while before and before[-1].strip() and not _RULE.match(before[-1]) and (not header or is_spaced):
        header.insert(0, before.pop())
    if before and _RULE.match(before[-1]):
        before.pop()
    rows = [_joined([_cut(line, columns) for line in header])] if header else [[""] * len(columns)]
    if not is_spaced:
        return rows + [_cut(line, columns) for line in body], end + 1
    for group in re.split(r"\n[ \t]*\n", "\n".join(body)):
        rows.append(_joined([_cut(line, columns) for line in group.split("\n") if line.strip()]))
    return rows, end + 1


def _end_of_table(lines: list[str], start: int) -> tuple[int, bool]:
    """Return the line that ends a table, and whether blank lines are between its rows: then a rule ends it."""
    blank = None
    for at in range(start, min(len(lines), start + _MAX_LINES)):
        if _RULE.match(lines[at]) or _COLUMNS.match(lines[at]):
            return at, blank is not None
        if not lines[at].strip():
            if blank is None:
                blank = at
            elif not lines[at - 1].strip():
                break
        elif lines[at].startswith("#"):
            break
    return (len(lines) if blank is None else blank), False


def _grid_table(lines: list[str], at: int) -> tuple[list[list[str]], int] | None:
    if not _GRID_RULE.match(lines[at]):
        return None
    columns = [match.span() for match in re.finditer("[-=:]+", lines[at])]
    rows: list[list[str]] = []
    group: list[list[str]] = []
    has_header = False
    at += 1
    while at < len(lines) and (lines[at].lstrip().startswith("|") or _GRID_RULE.match(lines[at])):
        if _GRID_RULE.match(lines[at]):
            if not group:
                break
            rows.append(_joined(group))
            has_header = has_header or ("=" in lines[at] and len(rows) == 1)
            group = []
        else:
            group.append(_cut(lines[at], columns))
        at += 1
    if group:
        rows.append(_joined(group))
    if not rows:
        return None
    return (rows if has_header else [[""] * len(columns), *rows]), at


def _cut(line: str, columns: list[tuple[int, int]]) -> list[str]:
    """Return the cells of a line; text that goes beyond its column belongs to it until the next one begins."""
    ends = [start for start, _ in columns[1:]] + [len(line) + columns[-1][1]]
    return [line[start:end].strip(" |") for (start, _), end in zip(columns, ends, strict=True)]


def _joined(lines: list[list[str]]) -> list[str]:
    return [" ".join(filter(None, cells)) for cells in zip(*lines, strict=True)]


def _barred(rows: list[list[str]]) -> list[str]:
    shown = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
    return [shown[0], "|" + " --- |" * len(rows[0]), *shown[1:]]
