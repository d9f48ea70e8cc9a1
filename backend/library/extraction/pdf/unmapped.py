"""Finds characters of which a file does not say what they are.

PDFium gives such a character as its code, so that ``≲`` becomes a full stop and the ligature ``fi`` may become ``V``.
"""

import re
from dataclasses import dataclass, field
from string import ascii_letters, ascii_uppercase
from typing import Any, Final

from backend.library.extraction.pdf import calls
from backend.library.extraction.pdf.runs import Font, Run
from backend.library.extraction.pdf.tex_fonts import find_bitmap_meaning, find_meaning, has_symbols

_UNKNOWN: Final = "\ufffd"
_LETTERS: Final = frozenset(ascii_letters)
_CAPITAL: Final = re.compile("[A-Z]")
# Control codes, other than PDFium's hyphen and white space, and characters of private use.
_ODD: Final = re.compile("[\x00\x01\x03-\x08\x0b\x0c\x0e-\x1f\x7f\ue000-\uf8ff]")


@dataclass(slots=True)
class _Asked:
    """What is known of a font's characters: whether one of them has no meaning, and those that always had one."""

    known: dict[str, bool] = field(default_factory=dict)
    mapped: set[str] = field(default_factory=set)


class UnmappedSigns:
    """Replaces such characters in the runs of a document's pages; remembers those of each font.

    ``is_from_tex``: fonts without a name are TeX's bitmap fonts.
    """

    def __init__(self, *, is_from_tex: bool) -> None:
        self._is_from_tex = is_from_tex
        self._fonts: dict[int, _Asked] = {}
        # The names of fonts some of whose letters have a meaning; a file may have several fonts of a name.
        self._with_letters: set[str] = set()

    def replace(self, runs: list[Run], page: Any) -> tuple[int, int]:
        """Put their meaning where the font tells it, else U+FFFD. Returns the number of these and of all letters.

        A font none of whose letters has a meaning is taken at its codes: they are letters in most of these files.
        """
        address = calls.address_of(page)
        found = [(run, self._ask(run, address)) for run in runs if run.count == len(run.text)]
        unknown = sum(self._replace(run, places) for run, places in found if places)
        return unknown, sum(len(run.text) for run in runs)

    def _ask(self, run: Run, page: int) -> list[int]:
        """Return the places of a run's characters without a meaning.

        Each character of a font is asked about once; capitals always, as ligatures have their codes in some fonts that
        have the capitals too.
        """
        asked = self._fonts.get(id(run.font))
        if asked is None:
            asked = self._fonts[id(run.font)] = _Asked()
        if not asked.mapped.issuperset(run.text):
            return self._ask_each(run, page, asked)
        capitals = [match.start() for match in _CAPITAL.finditer(run.text)]
        places = [at for at in capitals if calls.has_map_error(page, run.first + at) == 1]
        for at in places:
            asked.known[run.text[at]] = True
            asked.mapped.discard(run.text[at])
        return places

    def _ask_each(self, run: Run, page: int, asked: "_Asked") -> list[int]:
        known, places = asked.known, []
        for at, char in enumerate(run.text):
            is_lost = known.get(char)
            if is_lost is None or "A" <= char <= "Z":
                is_lost = calls.has_map_error(page, run.first + at) == 1
                known[char] = known.get(char, False) or is_lost
            if is_lost:
                places.append(at)
            elif char.isalpha():
                self._with_letters.add(run.font.name)
        asked.mapped = {char for char, is_lost in known.items() if not is_lost}
        return places

    def _replace(self, run: Run, places: list[int]) -> int:
        if run.font.has_large_signs:
            return 0
        # The capitals of Knuth's symbols have names: where they have none, the codes are others.
        known = self._fonts[id(run.font)].known
        is_recoded = run.font.name.startswith("cmsy") and any(known.get(char) for char in ascii_uppercase)
        is_known = run.font.name in self._with_letters or has_symbols(run.font.name)
        text = list(run.text)
        for at in places:
            char = text[at]
            meaning = None if is_recoded else self._find_meaning(run.font, char)
            if meaning is None and (_ODD.match(char) or (is_known and not char.isspace())):
                meaning = _UNKNOWN
            text[at] = meaning or char
        run.text = "".join(text)
        return run.text.count(_UNKNOWN)

    def _find_meaning(self, font: Font, char: str) -> str | None:
        if font.name or not self._is_from_tex:
            return find_meaning(font.name, ord(char))
        return find_bitmap_meaning(ord(char), has_letters=not _LETTERS.isdisjoint(self._fonts[id(font)].known))
