"""Characters that readers do not see. Language models read them, and PostgreSQL rejects some.

Each constant is the inside of a regular expression's character class.
"""

import re

SOFT_HYPHEN = "\u00ad"
"""Marks where a word may be broken; visible only at the end of a line."""

VARIATION_SELECTORS = "\ufe00-\ufe0f"
"""Select a shape of the character before them; emoji need them."""

LINE_ENDS = "\x0b\x0c\x85\u2028\u2029"
"""Line ends other than CR and LF."""

CONTROLS = "\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f"
"""Control characters except tab and line ends."""

DIRECTIONS = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""Bidirectional controls: they can show "txt.exe" as "exe.txt"."""

SURROGATES = "\ud800-\udfff"
"""Lone surrogates, which UTF-8 cannot encode."""

INVISIBLE = (
    CONTROLS
    + DIRECTIONS
    + SURROGATES
    + "\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0"  # joiners and fillers
    "\u200b-\u200d\u2060-\u2065\u206a-\u206f\ufeff\ufff9-\ufffb"  # zero width, annotations
    "\U000e0000-\U000e0fff"  # tags and further variation selectors, which can carry hidden text
    "\ufdd0-\ufdef\ufffe\uffff"  # noncharacters
)

_LINE_END = re.compile(f"\r\n?|[{LINE_ENDS}]")
_UNSEEN = re.compile(f"[{INVISIBLE}{SOFT_HYPHEN}]")


def normalize_line_ends(text: str) -> str:
    """Turn every line end into one LF."""
    return _LINE_END.sub("\n", text)


def remove_unseen(text: str) -> str:
    """Turn line ends into LF, and remove soft hyphens and invisible characters."""
    return _UNSEEN.sub("", normalize_line_ends(text))
