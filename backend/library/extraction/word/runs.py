"""The text of a paragraph: its runs, with what their look, their fonts and their fields mean."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from backend.library.extraction.formulas.omml import has_unknown, latex_of
from backend.library.extraction.formulas.omml_runs import MATH
from backend.library.extraction.formulas.symbols import UNKNOWN, character_of, decode, has_private, is_symbol_font
from backend.library.extraction.page_text import formula, lowered, raised, remove_marks, uncertain
from backend.library.extraction.page_writer import PageWriter
from backend.library.extraction.word.fields import Fields
from backend.library.extraction.word.names import (
    DELETED,
    ID,
    RUN,
    RUN_PR,
    TEXT,
    W,
    chosen_branch,
    local_name,
    value_of,
)
from backend.library.extraction.word.notes import Notes
from backend.library.extraction.word.objects import Objects
from backend.library.extraction.word.styles import PLAIN, RunStyle, Styles, is_monospace, run_style

PAGE_BREAK: Final = "\f"
"""Stands in a paragraph's text where the author breaks the page."""

_MIN_POSITION = 4
# Letters of at most this share of the size around them are raised by any shift.
_SMALL_LETTERS = 0.86
_USUAL_SIZE = 20
_MAX_SHIFTED_CHARS = 12
_PLAIN_TEXTS = {
    "tab": "\t",
    "ptab": "\t",
    "cr": "\n",
    "noBreakHyphen": "\u2011",
    "softHyphen": "",
}
_SKIPPED = frozenset(
    {"pPr", "rPr", "sdtPr", "sdtEndPr", "smartTagPr", "customXmlPr", "Fallback", "rt", "rubyPr", "fldData"}
)
_SYMBOL = f"{W}sym"
_FORMULAS = frozenset({"oMath", "oMathPara"})
_NOTES = {"footnoteReference": "footnote", "endnoteReference": "endnote"}


@dataclass(slots=True)
class ParagraphText:
    """A paragraph's text, and what comes after it: notes with their labels, text boxes, comments.

    ``has_notation``: it has formulas, notes, or raised or lowered text, as code never has.
    """

    text: str = ""
    is_monospace: bool = False
    has_notation: bool = False
    notes: list[tuple[str, str, Any]] = field(default_factory=list)
    boxes: list[Any] = field(default_factory=list)
    comments: list[Any] = field(default_factory=list)
    blocks: list[str] = field(default_factory=list)


class ParagraphReader:
    """Reads paragraphs in order; fields and the numbers of notes go on from one to the next.

    ``in_line``: formulas stay within the line, as a cell has only one.
    """

    def __init__(self, styles: Styles, notes: Notes, objects: Objects, writer: PageWriter) -> None:
        """Take the parts that paragraphs refer to."""
        self._styles = styles
        self._notes = notes
        self._objects = objects
        self._writer = writer
        self._fields = Fields(writer)
        self._pieces: list[tuple[str, str]] = []
        self._result = ParagraphText()
        self._style = PLAIN
        self._monospace = [0, 0]
        self.in_line = False

    def read(self, paragraph: Iterable[Any], style: RunStyle) -> ParagraphText:
        """Return what a paragraph shows; ``style`` is what its style says about runs."""
        self._pieces, self._result, self._style, self._monospace = [], ParagraphText(), style, [0, 0]
        stack = [iter(paragraph)]
        while stack:
            for node in stack[-1]:
                if node.tag == RUN:
                    self._read_run(node)
                elif (children := self._read_other(node)) is not None:
                    stack.append(children)
                    break
            else:
                stack.pop()
        return self._finished()

    def _finished(self) -> ParagraphText:
        merged: list[list[str]] = []
        for shift, text in self._pieces:
            if merged and merged[-1][0] == shift:
                merged[-1][1] += text
            else:
                merged.append([shift, text])
        shown = {"^": raised, "_": lowered}
        self._result.text = "".join(shown[shift](text) if shift else text for shift, text in merged)
        self._result.is_monospace = self._monospace[0] > 0 and not self._monospace[1]
        self._result.has_notation |= any(shift for shift, _ in merged)
        return self._result

    def _read_other(self, node: Any) -> Iterator[Any] | None:
        """Read what is not a run; return the children of what only encloses runs."""
        tag = node.tag
        name = local_name(node)
        if not name or name in _SKIPPED:
            return None
        if name in _FORMULAS and tag.startswith(MATH):
            self._read_formula(node, name)
        elif tag in DELETED:
            self._warn_of_hidden(node)
        elif tag == TEXT:
            self._add_text(node.text or "", self._style)
        elif name == "commentReference":
            self._read_comment(node)
        elif name == "fldSimple" and (shown := self._fields.simple(node.get(f"{W}instr", ""))) is not None:
            self._add(shown)
        else:
            return iter(chosen_branch(node) if name == "AlternateContent" else list(node))
        return None

    def _read_run(self, run: Any) -> None:
        properties = run.find(RUN_PR)
        look = self._look(properties)
        if look.hidden or look.struck:
            self._warn_of_hidden(run, "hidden_text_removed" if look.hidden else "struck_text_removed")
            self._fields.follow(run)
            return
        start = len(self._pieces)
        custom_mark = False
        for node in run:
            tag = node.tag
            if custom_mark and tag in (TEXT, _SYMBOL):
                continue
            if tag == TEXT:
                if not self._fields.hides:
                    self._add_text(node.text or "", look)
            elif tag != RUN_PR:
                custom_mark = self._read_in_run(node, run, look) or custom_mark
        if look.position and not look.vertical and self._is_moved(look):
            self._shift(start, "^" if look.position > 0 else "_")

    def _is_moved(self, look: RunStyle) -> bool:
        """Whether a run stands so far above or below the line that it is raised or lowered."""
        around = self._style.size or _USUAL_SIZE
        return abs(look.position or 0) >= _MIN_POSITION or (look.size or around) <= _SMALL_LETTERS * around

    def _look(self, properties: Any) -> RunStyle:
        if properties is None:
            return self._style
        own = run_style(properties)
        identifier = value_of(properties, "rStyle")
        if identifier is None:
            return own.over(self._style)
        character = self._styles.character(identifier)
        look = own.over(character.over(self._style))
        if own.hidden is None and character.hidden and self._style.hidden:
            # Both styles hide: for Word the one undoes the other (17.7.3).
            look = look._replace(hidden=False)
        return look

    def _shift(self, start: int, sign: str) -> None:
        """Raise or lower what a run added; longer texts are only moved for their looks."""
        added = self._pieces[start:]
        length = sum(len(text) for _, text in added)
        if length <= _MAX_SHIFTED_CHARS and not any(" " in text.strip() or "[" in text for _, text in added):
            self._pieces[start:] = [(sign, text) for _, text in added]

    def _read_in_run(self, node: Any, run: Any, look: RunStyle) -> bool:
        """Read anything but text. Returns whether the rest of the run is the mark of a note, which its author chose."""
        name = local_name(node)
        if name in ("fldChar", "instrText"):
            shown = self._fields.take(node)
            if shown:
                self._add(shown)
        elif self._fields.hides:
            return False
        elif name in _PLAIN_TEXTS:
            self._add(_PLAIN_TEXTS[name])
        elif name == "br":
            self._add(PAGE_BREAK if node.get(f"{W}type") == "page" else "\n")
        elif name == "sym":
            self._add_symbol(node, look)
        elif name in _NOTES:
            return self._read_note(node, run, _NOTES[name])
        elif name == "commentReference":
            self._read_comment(node)
        elif name == "ruby":
            self._read_ruby(node, look)
        elif name in ("drawing", "pict", "object", "AlternateContent", "contentPart"):
            inline, boxes, blocks = self._objects.read(node, follows_text=any(text.strip() for _, text in self._pieces))
            self._add(inline)
            self._result.boxes += boxes
            self._result.blocks += blocks
        elif name not in _SKIPPED:
            self._add_text("".join(text.text or "" for text in node.iter(TEXT)), look)
        return False

    def _add(self, text: str, shift: str = "") -> None:
        if text:
            self._pieces.append((shift, text))

    def _add_text(self, text: str, look: RunStyle) -> None:
        if not text:
            return
        if "\n" in text:
            # A line end of the file is a blank; a line end of the text is an element of its own.
            text = text.replace("\n", " ")
        font = look.font if text.isascii() else look.other_font
        if is_symbol_font(font) or has_private(text):
            text, unknown = decode(text, font)
            if unknown:
                self._writer.warn("characters_unknown", unknown)
                text = uncertain(text)
        self._monospace[0 if is_monospace(look.font) else 1] += not text.isspace()
        shift = {"superscript": "^", "subscript": "_"}.get(look.vertical or "", "")
        self._pieces.append((shift, text))

    def _add_symbol(self, node: Any, look: RunStyle) -> None:
        character = _symbol(node)
        if character is None:
            self._writer.warn("characters_unknown")
            character = uncertain(UNKNOWN)
        self._add(character, {"superscript": "^", "subscript": "_"}.get(look.vertical or "", ""))

    def _read_note(self, node: Any, run: Any, kind: str) -> bool:
        identifier = node.get(ID, "")
        is_custom = node.get(f"{W}customMarkFollows") in ("1", "true", "on")
        custom = "".join(map(_mark_of, run)).strip() if is_custom else ""
        note = self._notes.find(kind, identifier)
        label = self._notes.label(kind, identifier, custom)
        self._add(f"[^{label}]")
        self._result.has_notation = True
        if note is None:
            self._writer.warn("objects_lost")
        else:
            self._result.notes.append((label, kind, note))
        return bool(custom)

    def _read_comment(self, node: Any) -> None:
        comment = self._notes.find("comment", node.get(ID, ""))
        if comment is not None and any((text.text or "").strip() for text in comment.iter(TEXT)):
            self._result.comments.append(comment)

    def _read_ruby(self, ruby: Any, look: RunStyle) -> None:
        base, reading = (
            "".join(text.text or "" for part in ruby.iterchildren(W + name) for text in part.iter(TEXT))
            for name in ("rubyBase", "rt")
        )
        self._add_text(f"{base}({reading})" if base and reading else base or reading, look)

    def _read_formula(self, node: Any, name: str) -> None:
        formulas = [node] if name == "oMath" else list(node.iterchildren(f"{MATH}oMath"))
        for math in formulas:
            self._empty_hidden(math)
            shown = remove_marks(latex_of(math))
            if not shown:
                continue
            if has_unknown(shown):
                self._writer.warn("formulas_uncertain")
            self._result.has_notation = True
            is_display = name == "oMathPara" and not self.in_line
            text = formula(shown, display=is_display)
            text = uncertain(text) if has_unknown(shown) else text
            self._add(f"\n{text}\n" if is_display else text)

    def _empty_hidden(self, math: Any) -> None:
        """Take out of a formula what is hidden or struck through."""
        runs = list(math.iter(f"{MATH}r"))
        hidden = [run for run in runs if (look := self._look(run.find(RUN_PR))).hidden or look.struck]
        for text in (text for run in hidden for text in run.iter(f"{MATH}t")):
            text.text = ""
        if hidden:
            self._writer.warn("hidden_text_removed")
        if len(hidden) == len(runs):
            # Signs such as a root's are not shown either.
            math[:] = []

    def _warn_of_hidden(self, element: Any, code: str = "hidden_text_removed") -> None:
        if any((text.text or "").strip() for text in element.iter(TEXT, f"{W}delText")):
            self._writer.warn(code)


def _mark_of(node: Any) -> str:
    """Return what an element of a run with a note's own mark shows."""
    if node.tag == _SYMBOL:
        return _symbol(node) or ""
    return (node.text or "") if node.tag == TEXT else ""


def _symbol(node: Any) -> str | None:
    """Return the character of ``w:sym``; None if nobody knows it."""
    try:
        code = int(node.get(f"{W}char", ""), 16)
    except ValueError:
        code = 0
    return character_of(node.get(f"{W}font"), code)
