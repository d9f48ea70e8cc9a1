"""Footnotes of web pages and EPUBs: pairs each reference mark with the elements of its note."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Final
from urllib.parse import unquote

from lxml import etree

from backend.library.extraction.formulas.mathml import local_name
from backend.library.extraction.page_text import raised, remove_marks
from backend.library.extraction.web.seen import epub_type, has_text, is_left_out
from backend.library.extraction.web.styles import Styles, is_hidden, shift_of

NOTE_PLACE: Final = "\ufdef"
"""Encloses, after a mark, the number of the note that follows its block. ``remove_marks`` takes it out of files."""

BACK_LINK: Final = "\ufdee"
"""Stands in a note for a link back to its mark."""

_INLINE: Final = frozenset({"a", "sup", "span", "small", "b", "i", "em", "strong", "font", "cite", "u", "big"})
_NOTE_BLOCKS: Final = frozenset({"p", "li", "div", "aside", "section", "dd", "dt", "td", "tr", "table", "blockquote"})
_NOTE_ROLES: Final = frozenset({"doc-footnote", "doc-endnote"})
_NOTE_TYPES: Final = frozenset({"footnote", "endnote", "rearnote"})
_MARK_CLASSES: Final = frozenset(
    {"footnote-ref", "footnoteref", "noteref", "footnote-reference", "footnote_call", "fn-ref", "footnote-link"}
    | {"footnote", "fn", "reference", "msofootnotereference", "msoendnotereference", "sdfootnoteanc", "sdendnoteanc"}
)
_BACK_CLASSES: Final = frozenset(
    {"footnote-back", "footnote-backref", "reversefootnote", "data-footnote-backref", "mw-cite-backlink", "fn-backref"}
    | {"footnote-return", "footnoteback", "cite-accessibility-label", "backlink", "footnote_backlink"}
)
_NOTE_NAME = re.compile(
    r"(?<![a-z])(?:fn|ftn|ftnt|edn|cite_note|(?:sd)?(?:foot|end|rear)note(?:def|sym|text|item)?)(?![a-z])"
)
_ONE_NOTE = re.compile(
    r"(?<![a-z])(?:ftn|edn|fn|(?:sd)?(?:foot|end)note)[-_:]?\d+(?!\w)|(?<![\w-])(?:foot|end)note(?![\w-])"
)
_SHORT_LABEL = re.compile(r"\w{1,4}|[*†‡§¶#]{1,4}")
_LABEL = re.compile(r"[\w*†‡§¶#.-]{1,12}")
_BACK_SIGNS = re.compile(r"[\s\ufe0e\ufe0f]*[↩↑⏎^⤴⬆↵][\s\ufe0e\ufe0f\d]*")
_GROUP = re.compile(rf"(?:\[\^[^\[\]\s]{{1,12}}\](?:{NOTE_PLACE}\d+{NOTE_PLACE})?|[\s,;])+")
_SEPARATORS = re.compile(r"(?<=[\]\ufdef])[\s,;]+(?=\[\^)")
_PLACE = re.compile(rf"{NOTE_PLACE}(\d+){NOTE_PLACE}")
_BACK_AT_START = re.compile(rf"[\s\[(^{{]*{BACK_LINK}(?:[\s,]*{BACK_LINK})*[\s\])}}]*[.:)]?\s*")
_BACK = re.compile(rf"\s*(?:\^\{{)?[\[(]?{BACK_LINK}[\])]?\}}?")
_MAX_AROUND: Final = 40
_MAX_INLINE: Final = 6
_MAX_NOTE_CHARS: Final = 8_000
_MAX_NOTE_PARTS: Final = 500
_MAX_MARK_PARTS: Final = 20


@dataclass(eq=False, slots=True)
class Note:
    """A note: the element that is left out where it stands, and the parts of it that are read.

    ``is_read`` says that its text has been read, or will be after the block with its mark.
    """

    number: int
    label: str
    place: str
    holder: etree._Element
    parts: list[etree._Element]
    is_read: bool = False
    is_in_place: bool = False


@dataclass(frozen=True, slots=True)
class _Target:
    place: str
    name: str
    is_elsewhere: str


Locate = Callable[[str, str], str]
"""Returns the place that a link's path leads to, from the place of its page."""

Load = Callable[[str], etree._Element | None]
"""Returns the page at a place; None if it cannot have notes that are still to be read."""


@dataclass(slots=True)
class Footnotes:
    """The notes of a page, or of a book whose chapters are added one after the other in reading order."""

    styles: Styles
    locate: Locate | None = None
    load: Load | None = None
    _marks: dict[etree._Element, Note] = field(default_factory=dict)
    _notes: dict[etree._Element, Note] = field(default_factory=dict)
    _numbered: dict[int, Note] = field(default_factory=dict)
    _back_links: dict[etree._Element, frozenset[tuple[str, str]]] = field(default_factory=dict)
    _refused: set[etree._Element] = field(default_factory=set)
    _count: int = 0
    _links_back: set[tuple[str, str]] = field(default_factory=set)
    _mark_names: set[str] = field(default_factory=set)
    _names: dict[str, dict[str, etree._Element]] = field(default_factory=dict)
    _place: str = ""

    def add_page(self, root: etree._Element, place: str = "") -> None:
        """Find the marks of a page and their notes. Those of the page before are forgotten."""
        self._names.pop(self._place, None)
        # Their elements would keep the trees of all chapters.
        self._notes = {one: note for one, note in self._notes.items() if note.place != self._place}
        self._numbered = {number: note for number, note in self._numbered.items() if note.place != self._place}
        self._place = place
        self._marks.clear()
        self._back_links.clear()
        self._refused.clear()
        links = [link for link in root.iter() if local_name(link).lower() == "a" and "#" in link.get("href", "")]
        if links:
            self._names[place] = _names_in(root)
        for link in links:
            self._add_link(link)

    def mark_of(self, element: etree._Element) -> str:
        """Return the mark that an element is, in the notation of ``page_text``; empty for another element."""
        note = self._marks.get(element)
        if note is None or note.is_in_place:
            return ""
        place = "" if note.is_read else f"{NOTE_PLACE}{note.number}{NOTE_PLACE}"
        note.is_read = True
        return f"[^{note.label}]{place}"

    def is_elsewhere(self, element: etree._Element) -> bool:
        """Whether an element is a note that is read after its mark. If its mark is yet to come, it is read in place."""
        note = self._notes.get(element)
        if note is None:
            return False
        note.is_in_place = note.is_in_place or not note.is_read
        return note.is_read

    def take(self, number: int) -> tuple[str, list[etree._Element]]:
        """Return the label and the parts of a note by its number; no parts if it was taken before."""
        note = self._numbered[number]
        parts, note.parts = note.parts, []
        return note.label, parts

    def is_back_link(self, element: etree._Element, name: str) -> bool:
        """Whether an element inside a note leads back to its mark."""
        if not _BACK_CLASSES.isdisjoint(element.get("class", "").lower().split()):
            return True
        if name != "a":
            return False
        name = unquote(element.get("href", "").partition("#")[2])
        if element.get("role") == "doc-backlink" or name in self._mark_names:
            return True
        return bool(name) and _BACK_SIGNS.fullmatch(_text(element)) is not None

    def _add_link(self, link: etree._Element) -> None:
        target = self._target(link)
        if not target.name or (target.place, target.name) in self._links_back:
            return
        around = _inline_around(link)
        explicit = any(_is_noteref(one) for one in around)
        label = _label(link, is_explicit=explicit or _has_class(around, frozenset({"reference"})))
        if not label or not (explicit or self._is_raised(link, around)):
            return
        aim = self._find(target)
        if aim is None or any(local_name(one) == "pre" for one in islice(link.iterancestors(), _MAX_AROUND)):
            return
        own = {name for one in around for name in (one.get("id"), one.get("name")) if name}
        leads_back = self._leads_back(aim, own, target)
        if target.is_elsewhere and not leads_back:
            return
        note = self._note_of(aim, label, target.place) if explicit or leads_back or _is_note(aim) else None
        if note is None or note.holder in islice(link.iterancestors(), _MAX_AROUND):
            return
        self._links_back.update((self._place, name) for name in own)
        self._mark_names |= own
        self._marks[_whole_mark(link)] = note

    def _target(self, link: etree._Element) -> _Target:
        path, _, name = link.get("href", "").partition("#")
        if path and self.locate is not None:
            return _Target(self.locate(self._place, unquote(path)), unquote(name), "")
        return _Target(self._place, unquote(name), path)

    def _find(self, target: _Target) -> etree._Element | None:
        names = self._names.get(target.place)
        if names is None:
            root = self.load(target.place) if self.load is not None else None
            names = self._names[target.place] = {} if root is None else _names_in(root)
        return names.get(target.name)

    def _leads_back(self, aim: etree._Element, own: set[str], target: _Target) -> bool:
        """Whether the target of a mark, or the block that it begins, holds a link back to it."""
        holder = _holder(aim)
        holder = aim if holder is None else holder
        if holder not in self._back_links:
            links = [one for one in islice(holder.iter(), _MAX_NOTE_PARTS) if local_name(one).lower() == "a"]
            paths = [one.get("href", "").partition("#") for one in links]
            self._back_links[holder] = frozenset((unquote(name), path) for path, _, name in paths)
        back = self._back_links[holder]
        if target.is_elsewhere:
            return any((name, target.is_elsewhere) in back for name in own)
        return any(name in own for name, _ in back)

    def _note_of(self, aim: etree._Element, label: str, place: str) -> Note | None:
        holder = _holder(aim)
        if holder is None or holder in self._refused:
            return None
        if holder not in self._notes:
            parts = _parts(holder)
            size = sum(len(_text(part)) for part in parts)
            if not 0 < size <= _MAX_NOTE_CHARS or not any(map(has_text, parts)) or not self._is_seen(holder):
                self._refused.add(holder)
                return None
            note = Note(self._count, label, place, holder, parts)
            self._numbered[note.number] = note
            self._count += 1
            self._notes[holder] = note
            for part in parts:
                self._notes[part] = note
        note = self._notes[holder]
        # Two notes in one block cannot be told apart.
        note.is_in_place = note.is_in_place or note.label != label
        return note

    def _is_seen(self, element: etree._Element) -> bool:
        for count, one in enumerate(_and_around(element)):
            name = local_name(one).lower()
            if count >= _MAX_AROUND:
                return True
            if one.get("hidden") is not None or is_hidden(self.styles.of(one, name)):
                return False
            if is_left_out(one, name, in_heading=False):
                return False
        return True

    def _is_raised(self, link: etree._Element, around: list[etree._Element]) -> bool:
        near = [*around, *(one for one in link.iter() if isinstance(one.tag, str))]
        if any(local_name(one) == "sup" for one in near) or _has_class(near, _MARK_CLASSES):
            return True
        return any(shift_of(self.styles.of(one, local_name(one).lower())) == "super" for one in near)


def take_places(text: str) -> tuple[str, list[int]]:
    """Return a text without the places of notes, and the numbers of these notes."""
    if NOTE_PLACE not in text:
        return text, []
    return _PLACE.sub("", text), [int(found[1]) for found in _PLACE.finditer(text)]


def raise_text(text: str) -> str:
    """Return raised text. Marks of notes are raised anyway, and what separates them says nothing."""
    if "[^" in text and _GROUP.fullmatch(text):
        return _SEPARATORS.sub("", text)
    return raised(text)


def note_text(label: str, text: str) -> str:
    """Return a note in the notation of ``page_text``, from its text without its label and links back."""
    if BACK_LINK in text:
        text = _BACK.sub("", _BACK_AT_START.sub("", text, count=1))
    sign = re.escape(label)
    # A number without a sign after it may be part of the note's sentence.
    bare = rf"{sign}[.:)](?=\s)" if label[-1].isalnum() else rf"{sign}[.:)]?"
    own_label = rf"\s*(?:\^\{{[\[(]?{sign}[\])]?\}}[.:)]?|[\[(]{sign}[\])]|{bare})\s*"
    text = re.sub(rf"\A{own_label}", "", text, count=1).strip()
    return f"[^{label}]: {text}" if text else ""


def _label(link: etree._Element, *, is_explicit: bool) -> str:
    text = "".join(remove_marks(_text(link))).strip().strip("[]()").strip()
    label = "-".join(text.split())
    return label if (_LABEL if is_explicit else _SHORT_LABEL).fullmatch(label) else ""


def _is_noteref(element: etree._Element) -> bool:
    return element.get("role") == "doc-noteref" or "noteref" in epub_type(element)


def _is_note(aim: etree._Element) -> bool:
    """Whether the target of a mark says itself that it is a note."""
    holder = _holder(aim)
    return any(
        one.get("role") in _NOTE_ROLES
        or not _NOTE_TYPES.isdisjoint(epub_type(one))
        or _NOTE_NAME.search(f"{one.get('id', '')} {one.get('name', '')} {one.get('class', '')}".lower()[:500])
        is not None
        for one in ([aim] if holder is None else [aim, holder])
    )


def _holder(aim: etree._Element) -> etree._Element | None:
    """Return the block that is the note: the target, or what the target begins; None if it is another element."""
    block = aim
    while local_name(block).lower() in _INLINE:
        around = block.getparent()
        if around is None or not _begins(around, block):
            return None
        block = around
    if local_name(block).lower() not in _NOTE_BLOCKS:
        return None
    around = block.getparent()
    if around is not None and local_name(around).lower() in ("div", "li", "aside") and _begins(around, block):
        named = _ONE_NOTE.search(f"{around.get('id', '')} {around.get('class', '')}".lower())
        if named or around.get("role") in _NOTE_ROLES or not _NOTE_TYPES.isdisjoint(epub_type(around)):
            return around
    return block


def _parts(holder: etree._Element) -> list[etree._Element]:
    """Return what is read of a note: the definition of a term, the last cell of a row, or all of it."""
    name = local_name(holder).lower()
    if name == "dt":
        following = holder.getnext()
        return [following] if following is not None and local_name(following).lower() == "dd" else []
    if name in ("table", "tr"):
        cells = [one for one in holder.iter() if local_name(one).lower() == "td"]
        return cells[-1:] if len(cells) <= 2 else []
    return [holder]


def _begins(around: etree._Element, element: etree._Element) -> bool:
    """Whether there is no text between the start of an element and a child of it."""
    before = [around.text or ""]
    for one in element.itersiblings(preceding=True):
        if len(before) > _MAX_AROUND or not _has_few(one):
            return False
        before += [_text(one), one.tail or ""]
    return not "".join(before).strip(" \t\r\n\u00a0[(")


def _whole_mark(link: etree._Element) -> etree._Element:
    """Return the outermost element that shows nothing but the mark and its brackets."""
    mark, label = link, _text(link).strip("[]() \t\r\n")
    for one in _inline_around(link)[1:]:
        if not _has_few(one) or _text(one).strip("[]() \t\r\n") != label:
            break
        mark = one
    return mark


def _inline_around(link: etree._Element) -> list[etree._Element]:
    """Return a link and the elements of its line around it, the nearest first."""
    found = [link]
    for one in link.iterancestors():
        if local_name(one).lower() not in _INLINE or len(found) >= _MAX_INLINE:
            break
        found.append(one)
    return found


def _and_around(element: etree._Element) -> Iterator[etree._Element]:
    yield element
    yield from element.iterancestors()


def _has_class(elements: list[etree._Element], classes: frozenset[str]) -> bool:
    return any(not classes.isdisjoint(one.get("class", "").lower().split()) for one in elements)


def _names_in(root: etree._Element) -> dict[str, etree._Element]:
    names: dict[str, etree._Element] = {}
    for one in root.iter():
        if isinstance(one.tag, str):
            for name in (one.get("id"), one.get("name") if local_name(one).lower() == "a" else None):
                if name:
                    names.setdefault(name, one)
    return names


def _has_few(element: etree._Element) -> bool:
    """Whether an element has few enough others in it to be looked at once for every link."""
    return len(list(islice(element.iter(), _MAX_MARK_PARTS))) < _MAX_MARK_PARTS


def _text(element: etree._Element) -> str:
    return "".join(str(text) for text in element.itertext()) if isinstance(element.tag, str) else ""
