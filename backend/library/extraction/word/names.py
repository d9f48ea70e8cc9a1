"""Names of WordprocessingML and of what it embeds, and how its properties are read."""

from typing import Any, Final

W: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
R: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
VAL: Final = f"{W}val"
ID: Final = f"{W}id"

P: Final = f"{W}p"
P_PR: Final = f"{W}pPr"
RUN: Final = f"{W}r"
RUN_PR: Final = f"{W}rPr"
TEXT: Final = f"{W}t"
TABLE: Final = f"{W}tbl"
SECTION: Final = f"{W}sectPr"
ALT_CHUNK: Final = f"{W}altChunk"
BOX: Final = f"{W}txbxContent"

DELETED: Final = frozenset({f"{W}del", f"{W}moveFrom"})
"""Text that was deleted or moved with changes tracked is still in the file."""

OFF: Final = frozenset({"0", "false", "off"})
"""How a property says that it does not hold."""


def local_name(element: Any) -> str:
    """Return the name of an element without its namespace; nothing for a comment or an entity."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def is_set(properties: Any, name: str) -> bool | None:
    """Return whether a property is on or off; None if it is not there, so that a style decides."""
    found = properties.find(W + name)
    return None if found is None else found.get(VAL, "1") not in OFF


def value_of(properties: Any, name: str) -> str | None:
    """Return the value of a property; None if it is not there."""
    found = properties.find(W + name)
    return None if found is None else found.get(VAL)


def number_of(properties: Any, name: str) -> int | None:
    """Return the whole number of a property; None if it is not there or not a number."""
    return whole_number(value_of(properties, name))


def chosen_branch(alternatives: Any) -> list[Any]:
    """Return what is read of ``mc:AlternateContent``: its first choice that holds anything, else its fallback."""
    branches = [branch for branch in alternatives if isinstance(branch.tag, str) and len(branch)]
    return list(branches[0]) if branches else []


def half_points(value: str | None) -> int | None:
    """Return a measure in half-points, which the strict format writes in points: ``6pt``."""
    if value is not None and value.endswith("pt"):
        points = whole_number(value[:-2].partition(".")[0])
        return None if points is None else points * 2
    return whole_number(value)


def whole_number(value: str | None) -> int | None:
    """Return a whole number of at most nine digits; None for anything else."""
    if value is None or len(value) > 10 or not value.lstrip("-").isascii() or not value.lstrip("-").isdigit():
        return None
    return int(value)
