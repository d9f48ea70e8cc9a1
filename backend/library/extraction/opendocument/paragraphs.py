"""The text of a paragraph: raised and lowered text, blanks, notes, fields, and what is anchored in it."""

import re
from dataclasses import dataclass, field
from typing import Any, Final

from backend.library.extraction.drawings.paragraphs import Warn, join_pieces
from backend.library.extraction.formulas.symbols import UNKNOWN, decode
from backend.library.extraction.opendocument.names import DRAW, OFFICE, PRESENTATION, TEXT, count_of
from backend.library.extraction.opendocument.objects import Objects
from backend.library.extraction.opendocument.styles import PLAIN, Look, Styles
from backend.library.extraction.page_text import remove_marks, uncertain

_BLANKS = re.compile("[ \t\r\n]+")
_MAX_BLANKS: Final = 200
_SKIPPED: Final = frozenset(
    {
        OFFICE + "annotation-end",
        TEXT + "number",
        TEXT + "tracked-changes",
        TEXT + "soft-page-break",
        TEXT + "script",
        PRESENTATION + "notes",
    }
)
_HIDING: Final = frozenset({TEXT + "hidden-text", TEXT + "hidden-paragraph"})


@dataclass(slots=True)
class ParagraphText:
    """What a paragraph shows: its text, its notes with their labels, and boxes and comments whose text follows it."""

    text: str = ""
    notes: list[tuple[str, Any]] = field(default_factory=list)
    boxes: list[Any] = field(default_factory=list)
    comments: list[Any] = field(default_factory=list)


class Paragraphs:
    """Reads paragraphs one after the other."""

    def __init__(self, styles: Styles, objects: Objects, warn: Warn) -> None:
        self._styles = styles
        self._objects = objects
        self._warn = warn
        self._notes = 0

    def read(self, paragraph: Any) -> ParagraphText:
        """Return what a ``text:p`` or ``text:h`` shows."""
        result = ParagraphText()
        pieces: list[tuple[int, str]] = []
        look = self._styles.look("paragraph", paragraph.get(TEXT + "style-name")).over(PLAIN)
        # Elements and the texts after them, with the look that applies to each.
        stack: list[tuple[Any, Look]] = [(paragraph, look)]
        self._is_at_blank = True
        while stack:
            node, look = stack.pop()
            if isinstance(node, str):
                self._add(pieces, _BLANKS.sub(" ", node), look)
            elif node is paragraph or not self._read_special(node, look, pieces, result):
                if node.tag == TEXT + "span":
                    look = self._styles.look("text", node.get(TEXT + "style-name")).over(look)
                _push_content(stack, node, look)
        result.text = join_pieces(iter(pieces)).strip()
        return result

    def code_line(self, paragraph: Any) -> str:
        """Return the text of a paragraph as a line of a program."""
        parts: list[str] = []
        stack: list[tuple[Any, Look]] = [(paragraph, PLAIN)]
        while stack:
            node, look = stack.pop()
            if isinstance(node, str):
                parts.append(_BLANKS.sub(" ", node))
            elif (blank := _blank(node)) is not None:
                parts.append(blank)
            elif node.tag not in _SKIPPED and node.tag != OFFICE + "annotation":
                _push_content(stack, node, look)
        return remove_marks("".join(parts)).rstrip()

    def _read_special(self, node: Any, look: Look, pieces: list[tuple[int, str]], result: ParagraphText) -> bool:
        """Read an element that is not just text within text. Returns whether it is read."""
        blank = _blank(node)
        if blank is not None:
            pieces.append((look.shift or 0, blank))
            self._is_at_blank = blank != "\t" and blank.isspace() and "\n" in blank
        elif node.tag in _HIDING:
            if node.get(TEXT + "is-hidden", "true") == "true" and "".join(node.itertext()).strip():
                self._warn("hidden_text_removed")
        elif node.tag == TEXT + "note":
            label = self._label(node)
            pieces.append((0, f"[^{label}]"))
            result.notes += [(label, body) for body in node.iterchildren(TEXT + "note-body")]
        elif node.tag == OFFICE + "annotation":
            result.comments.append(node)
        elif node.tag == TEXT + "ruby":
            base, reading = (
                "".join(text for part in node.iterchildren(TEXT + name) for text in part.itertext())
                for name in ("ruby-base", "ruby-text")
            )
            self._add(pieces, f"{base}({reading})" if base and reading else base or reading, look)
        elif node.tag.startswith(DRAW) and node.tag != DRAW + "a":
            shown, boxes = self._objects.read(node)
            if shown:
                pieces.append((0, shown))
                self._is_at_blank = False
            result.boxes += boxes
        else:
            return node.tag in _SKIPPED
        return True

    def _label(self, note: Any) -> str:
        """Return the sign of a note, as its author chose it or as it is counted."""
        self._notes += 1
        citation = note.find(TEXT + "note-citation")
        label = "" if citation is None else "".join("".join(citation.itertext()).split())
        return remove_marks(label).replace("]", "") or str(self._notes)

    def _add(self, pieces: list[tuple[int, str]], text: str, look: Look) -> None:
        """Add text whose white space is single blanks; blanks at the start and after a blank are not shown."""
        if self._is_at_blank:
            text = text.removeprefix(" ")
        if not text:
            return
        if self._is_left_out(text, look):
            return
        self._is_at_blank = text.endswith(" ")
        shown, unknown = decode(remove_marks(text), look.font)
        if unknown:
            self._warn("characters_unknown", count=unknown)
            shown = shown.replace(UNKNOWN, uncertain(UNKNOWN))
        pieces.append((look.shift or 0, shown))

    def _is_left_out(self, text: str, look: Look) -> bool:
        """Whether text is hidden or struck through; then it is counted."""
        if not look.is_hidden and not look.is_struck:
            return False
        if text.strip():
            self._warn("hidden_text_removed" if look.is_hidden else "struck_text_removed")
        return True


def _push_content(stack: list[tuple[Any, Look]], node: Any, look: Look) -> None:
    """Push the children of an element and the texts between them, the first on top."""
    for child in node.iterchildren(reversed=True):
        if child.tail:
            stack.append((child.tail, look))
        if isinstance(child.tag, str):
            stack.append((child, look))
    if node.text:
        stack.append((node.text, look))


def _blank(node: Any) -> str | None:
    """Return the white space that an element stands for, or None."""
    if node.tag == TEXT + "s":
        return " " * count_of(node, TEXT + "c", _MAX_BLANKS)
    if node.tag == TEXT + "tab":
        return "\t"
    return "\n" if node.tag == TEXT + "line-break" else None
