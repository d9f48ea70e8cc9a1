"""Walks a web page without recursion, however deep it is, and collects in blocks what a browser shows."""

import re
from collections.abc import Callable, Iterator
from typing import Final

from lxml import etree

from backend.library.extraction import page_text
from backend.library.extraction.formulas.mathml import local_name
from backend.library.extraction.formulas.tex_text import Delimiters, shield
from backend.library.extraction.page_writer import PageWriter
from backend.library.extraction.web.code_blocks import code_language, is_line_number
from backend.library.extraction.web.flow import Flow, Kind, Piece
from backend.library.extraction.web.footnotes import BACK_LINK, Footnotes, raise_text
from backend.library.extraction.web.form_fields import read_field
from backend.library.extraction.web.formulas import FoundFormula, find_formula
from backend.library.extraction.web.fractions import divides, is_fraction, is_part_of_fraction, stacked_scripts
from backend.library.extraction.web.images import read_drawing, read_image
from backend.library.extraction.web.lists import Counters, Listing, open_list
from backend.library.extraction.web.ruby import read_ruby
from backend.library.extraction.web.seen import has_text, is_left_out, is_reference_mark, is_short
from backend.library.extraction.web.styles import (
    Properties,
    Styles,
    is_hidden,
    is_preformatted,
    is_struck,
    list_style,
    shift_of,
)
from backend.library.extraction.web.tables import Table, name_in_tables

_BLOCKS: Final = frozenset(
    {"p", "div", "section", "article", "main", "header", "footer", "aside", "figure", "figcaption", "blockquote"}
    | {"address", "hr", "body", "form", "fieldset", "legend", "center", "details", "summary", "hgroup", "search"}
    | {"caption", "tr", "td", "th", "li", "dt", "dd", "html", "dialog"}
)
_LISTS: Final = frozenset({"ol", "ul", "menu", "dir", "dl"})
_ITEMS: Final = frozenset({"li", "dt", "dd"})
_TABLE_PARTS: Final = frozenset({"thead", "tbody", "tfoot"})
_CODE: Final = frozenset({"code", "kbd", "samp", "tt"})
_STRUCK: Final = frozenset({"del", "s", "strike"})
_SHIFTS: Final = {"sup": raise_text, "sub": page_text.lowered, "super": raise_text}
_HEADING = re.compile("h([1-6])")

_Leave = Callable[[], None]


class VisibleText:
    """The walk over one page, or over one of its notes."""

    def __init__(
        self, writer: PageWriter, styles: Styles, delimiters: Delimiters, notes: Footnotes, *, in_note: bool = False
    ) -> None:
        self._notes = notes
        self._in_note = in_note
        self._writer = writer
        self._delimiters = delimiters
        self._styles = styles
        self._flows: list[Flow] = []
        self._lists: list[tuple[Listing, Flow]] = []
        self._tables: list[Table] = []
        self._counters = Counters()
        self._in_code = 0
        self._shifted = 0

    def pieces(self, root: etree._Element) -> Iterator[Piece]:
        """Yield the page's pieces, each when it is complete."""
        page = self._open_flow()
        stack: list[tuple[etree._Element, Iterator[etree._Element], _Leave]] = []
        self._enter_or_pass(root, stack)
        while stack:
            element, children, leave = stack[-1]
            child = next(children, None)
            if child is not None:
                self._enter_or_pass(child, stack)
                continue
            stack.pop()
            leave()
            if stack:
                self._add(element.tail)
            if len(self._flows) == 1 and page.pieces:
                yield from page.pieces
                page.pieces.clear()
        page.end_block()
        yield from page.pieces

    def _enter_or_pass(
        self, element: etree._Element, stack: list[tuple[etree._Element, Iterator[etree._Element], _Leave]]
    ) -> None:
        leave = self._enter(element)
        if leave is not None:
            self._add(element.text)
            stack.append((element, iter(element), leave))
        elif stack:
            self._add(element.tail)

    def _enter(self, element: etree._Element) -> _Leave | None:
        """Begin an element. Returns what its end does; None if its children are not visited."""
        name = local_name(element).lower()
        if not name or self._pass_note(element, name):
            return None
        formula = find_formula(element, name)
        if formula is None and is_left_out(element, name, in_heading=self._flow.level > 0):
            return None
        style = self._styles.of(element, name)
        name = name_in_tables(element, name, style.get("display", ""))
        if self._is_hidden(element, name, style):
            return None
        if formula is not None:
            self._add_formula(formula)
            return None
        if self._read_alone(element, name):
            return None
        return self._enter_container(element, name, style)

    def _pass_note(self, element: etree._Element, name: str) -> bool:
        """Whether an element is a note, which comes after its mark, or in a note the link back to its mark."""
        if not self._in_note:
            return self._notes.is_elsewhere(element)
        if not self._notes.is_back_link(element, name):
            return False
        self._flow.add_finished(BACK_LINK)
        return True

    def _read_alone(self, element: etree._Element, name: str) -> bool:
        """Read an element whose children are not visited. Returns whether it is one."""
        if (scripts := stacked_scripts(element, name)) is not None:
            self._add(scripts)
        elif mark := self._notes.mark_of(element):
            self._flow.add_finished(mark)
        elif name in _ALONE:
            _ALONE[name](self, element)
        else:
            return False
        return True

    def _enter_container(self, element: etree._Element, name: str, style: Properties) -> _Leave:
        """Begin an element that has text inside."""
        leave = self._enter_part(element, name, style)
        if leave is not None:
            return leave
        if name in _LISTS:
            return self._enter_list(element, name, style)
        if name == "table":
            return self._enter_table(element)
        if name == "pre" or (name == "div" and is_preformatted(style)):
            return self._enter_code(element)
        level = _heading_level(element, name)
        if level or name in _BLOCKS:
            return self._enter_block(level)
        return self._enter_inline(element, name, style)

    def _enter_part(self, element: etree._Element, name: str, style: Properties) -> _Leave | None:
        """Begin a part of the list or table that is being read; None for what is no part of it."""
        if name in _ITEMS and self._lists and self._lists[-1][1] is self._flow:
            return self._enter_item(element, name, style)
        if self._tables and self._tables[-1].outside is self._flow:
            return self._enter_table_part(element, name)
        return None

    def _enter_inline(self, element: etree._Element, name: str, style: Properties) -> _Leave:
        if name in _CODE:
            return self._enter_verbatim()
        if is_fraction(element):
            self._add(" ")
        elif divides(element):
            self._add("/")
        shift = _SHIFTS.get(name)
        if shift is None and not self._shifted:
            shift = page_text.raised if is_reference_mark(element, name) else None
            if is_short(element) and not is_part_of_fraction(element):
                shift = shift or _SHIFTS.get(shift_of(style))
        if shift is not None:
            return self._enclose(shift, shifts=True)
        if name == "q":
            return self._enclose(lambda text: f"“{text.strip()}”")
        return _do_nothing

    def _enclose(self, enclose: Callable[[str], str], *, shifts: bool = False) -> _Leave:
        flow, position = self._flow, self._flow.position()
        self._shifted += shifts

        def leave() -> None:
            self._shifted -= shifts
            flow.wrap(position, enclose)

        return leave

    def _enter_verbatim(self) -> _Leave:
        self._in_code += 1

        def leave() -> None:
            self._in_code -= 1

        return leave

    def _enter_block(self, level: int) -> _Leave:
        flow = self._flow
        flow.end_block()
        around, flow.level = flow.level, level or flow.level

        def leave() -> None:
            flow.end_block()
            flow.level = around

        return leave

    def _enter_code(self, element: etree._Element) -> _Leave:
        self._flow.end_block()
        code = self._open_flow(preformatted=True)
        language = code_language(element)

        def leave() -> None:
            self._flows.pop()
            text = code.take_line().strip("\n")
            if text.strip():
                self._flow.pieces.append(Piece(page_text.code(text, language), Kind.CODE, plain=text))
            self._flow.pieces.extend(code.pieces)

        return leave

    def _enter_list(self, element: etree._Element, name: str, style: Properties) -> _Leave:
        self._flow.end_block()
        listing = open_list(element, name, list_style(style))
        beside = self._open_flow()
        self._lists.append((listing, beside))

        def leave() -> None:
            self._lists.pop()
            self._flows.pop()
            beside.end_block()
            listing.add("", beside.pieces)
            self._flow.pieces.extend(listing.finish())

        return leave

    def _enter_item(self, element: etree._Element, name: str, style: Properties) -> _Leave:
        listing, beside = self._lists[-1]
        beside.end_block()
        # What stands between items is an item without a label.
        listing.add("", beside.pieces[:])
        beside.pieces.clear()
        label = self._label(element, listing, style) if name == "li" else listing.definition_label(name)
        item = self._open_flow()

        def leave() -> None:
            self._flows.pop()
            item.end_block()
            listing.add(label, item.pieces)

        return leave

    def _label(self, element: etree._Element, listing: Listing, style: Properties) -> str:
        label = listing.label(element.get("value"), list_style(style))
        if label or not listing.ordered:
            return label
        above = [one.shown for one, _ in self._lists if one.ordered]
        return self._counters.label(self._styles.label_before(element, "li"), listing.shown, above)

    def _enter_table(self, element: etree._Element) -> _Leave:
        self._flow.end_block()
        table = Table(element.get("role") in ("presentation", "none"), self._open_flow())
        self._tables.append(table)

        def leave() -> None:
            self._tables.pop()
            self._flows.pop()
            self._flow.pieces.extend(table.finish())

        return leave

    def _enter_table_part(self, element: etree._Element, name: str) -> _Leave | None:
        table = self._tables[-1]
        if name in _TABLE_PARTS:
            table.open_part(name)
        elif name == "tr":
            table.open_row()
        elif name in ("td", "th"):
            cell = self._open_flow()

            def leave() -> None:
                self._flows.pop()
                table.add_cell(element, name, cell)

            return leave
        else:
            return None
        return _do_nothing

    def _is_hidden(self, element: etree._Element, name: str, style: Properties) -> bool:
        """Whether an element is not seen, or struck out; then it is counted."""
        if is_line_number(element, name):
            return True
        if name in _STRUCK or is_struck(style):
            if has_text(element):
                self._writer.warn("struck_text_removed")
            return True
        if element.get("hidden") is None and not is_hidden(style):
            return False
        if has_text(element):
            self._writer.warn("hidden_text_removed")
        if name in ("td", "th") and "display" not in style and self._tables:
            # An invisible cell still takes its place.
            self._tables[-1].add_cell(element, name, Flow())
        return True

    def _add_formula(self, formula: FoundFormula) -> None:
        if formula.lost:
            self._writer.warn("formulas_lost")
            self._flow.add_finished(page_text.MISSING_FORMULA)
        elif self._flow.preformatted:
            self._flow.add(formula.latex)
        elif formula.display:
            self._flow.break_line()
            self._flow.add_finished(page_text.formula(formula.latex, display=True))
            self._flow.break_line()
        else:
            self._flow.add_finished(page_text.formula(" ".join(formula.latex.split())))

    def _add_break(self, element: etree._Element) -> None:
        self._flow.break_line()

    def _add_rule(self, element: etree._Element) -> None:
        self._flow.end_block()

    def _add_image(self, element: etree._Element) -> None:
        description, is_lost = read_image(element)
        self._add(description)
        if is_lost:
            self._writer.warn("pictures_not_read")

    def _add_drawing(self, element: etree._Element) -> None:
        description, has_labels = read_drawing(element)
        self._add(description)
        if has_labels:
            self._writer.warn("charts_as_tables")

    def _add_ruby(self, element: etree._Element) -> None:
        self._add(read_ruby(element))

    def _add_field(self, element: etree._Element) -> None:
        text, is_typed = read_field(element)
        self._add(text)
        if is_typed:
            self._writer.warn("annotations_read")

    @property
    def _flow(self) -> Flow:
        return self._flows[-1]

    def _open_flow(self, *, preformatted: bool = False) -> Flow:
        flow = Flow(preformatted=preformatted, delimiters=self._delimiters)
        self._flows.append(flow)
        return flow

    def _add(self, text: str | None) -> None:
        if text:
            # References such as &#xFDD0; bring characters in that mark spans.
            text = page_text.remove_marks(text)
            self._flow.add(shield(text) if self._in_code and not self._flow.preformatted else text)


_ALONE: Final[dict[str, Callable[[VisibleText, etree._Element], None]]] = {
    "br": VisibleText._add_break,
    "hr": VisibleText._add_rule,
    "img": VisibleText._add_image,
    "input": VisibleText._add_field,
    "ruby": VisibleText._add_ruby,
    "svg": VisibleText._add_drawing,
    "select": VisibleText._add_field,
    "textarea": VisibleText._add_field,
}


def _heading_level(element: etree._Element, name: str) -> int:
    match = _HEADING.fullmatch(name)
    if match:
        return int(match[1])
    if element.get("role") != "heading":
        return 0
    level = element.get("aria-level", "2")
    return int(level) if level in ("1", "2", "3", "4", "5", "6") else 2


def _do_nothing() -> None:
    """End an element that changes nothing."""
