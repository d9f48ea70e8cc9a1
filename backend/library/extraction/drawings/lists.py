"""Labels of lists in drawings: bullets and automatic numbers, as PowerPoint shows them."""

from dataclasses import dataclass, field
from typing import Any, Final

from backend.library.extraction.drawings.names import A, whole_number
from backend.library.extraction.formulas.symbols import character_of, is_symbol_font
from backend.library.extraction.word.label_formats import formatted

MAX_LEVEL: Final = 8

_TELLING_BULLETS = frozenset("✓✔✗✘☑☒☐+±×→⇒①②③④⑤⑥⑦⑧⑨⑩❶❷❸❹❺❻❼❽❾❿")
_FORMATS: Final = {
    "alphaLc": "lowerLetter",
    "alphaUc": "upperLetter",
    "romanLc": "lowerRoman",
    "romanUc": "upperRoman",
    "circleNumDb": "decimalEnclosedCircle",
    "circleNumWdBlk": "decimalEnclosedCircle",
    "circleNumWdWht": "decimalEnclosedCircle",
}
_MAX_NUMBER = 32_767


@dataclass(frozen=True, slots=True)
class Bullet:
    """What stands before a paragraph: a sign, or numbers of a scheme (``arabicPeriod``) from ``start`` on."""

    sign: str = ""
    scheme: str = ""
    start: int = 1


NO_BULLET: Final = Bullet()


def bullet_of(properties: Any) -> Bullet | None:
    """Return the bullet that properties of a paragraph set; None if they leave it to what they inherit from."""
    for child in properties.iterchildren("*"):
        if child.tag == A + "buNone":
            return NO_BULLET
        if child.tag == A + "buAutoNum":
            start = min(whole_number(child.get("startAt"), 1), _MAX_NUMBER)
            return Bullet(scheme=child.get("type", "arabicPeriod"), start=start)
        if child.tag == A + "buChar":
            font = properties.find(A + "buFont")
            return Bullet(sign=bullet_sign(child.get("char", ""), None if font is None else font.get("typeface")))
        if child.tag == A + "buBlip":
            return Bullet(sign="-")
    return None


@dataclass(slots=True)
class Numbering:
    """Counts the numbers of one text: one row of numbers for each level, until text of that level interrupts it."""

    _counts: dict[int, tuple[Bullet, int]] = field(default_factory=dict)

    def label(self, bullet: Bullet, level: int) -> str:
        """Return the label of the next paragraph, or an empty string."""
        for deeper in [other for other in self._counts if other > level]:
            del self._counts[deeper]
        if not bullet.scheme:
            self._counts.pop(level, None)
            return bullet.sign
        before, count = self._counts.get(level, (NO_BULLET, 0))
        count = count + 1 if before == bullet else bullet.start
        self._counts[level] = (bullet, count)
        return number_label(count, bullet.scheme)


def number_label(number: int, scheme: str) -> str:
    """Return a number in a scheme of DrawingML (ST_TextAutonumberScheme): ``3.``, ``(c)``, ``iii)``."""
    name = scheme
    for ending, form in (
        ("ParenBoth", "({})"),
        ("ParenR", "{})"),
        ("Period", "{}."),
        ("Plain", "{}"),
        ("Minus", "{}-"),
    ):
        if scheme.endswith(ending):
            name, shown = scheme.removesuffix(ending), form
            break
    else:
        shown = "{}."
    return shown.format(formatted(number, _FORMATS.get(name, "decimal")))


def bullet_sign(character: str, font: str | None) -> str:
    """Return ``-`` for a bullet, or the sign itself where it says something, such as ✓ and ✗."""
    if not character.strip():
        return ""
    shown: str | None = character
    if is_symbol_font(font):
        shown = character_of(font, ord(character[0]))
    return f"- {shown}" if shown in _TELLING_BULLETS else "-"
