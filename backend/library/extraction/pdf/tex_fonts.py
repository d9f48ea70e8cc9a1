"""The signs that TeX's fonts have at control codes, for files that do not say their meaning.

Only the codes that texts use are listed; a font is known by its name. Each code gives one character, ligatures too, so
that the characters of a run keep their places.
"""

from typing import Final

_LIGATURES: Final = "\ufb00\ufb01\ufb02\ufb03\ufb04"
# Knuth's text fonts (OT1), those of the Cork encoding (T1), and the symbols (OMS).
_KNUTH: Final = {**dict(enumerate("ΓΔΘΛΞΠΣΥΦΨΩ")), **dict(enumerate(_LIGATURES, 11)), 0x10: "ı", 0x11: "ȷ"} | dict(
    enumerate("ßæœøÆŒØ", 0x19)
)
_CORK: Final = dict(enumerate("“”„«»–—", 0x10)) | dict(enumerate(_LIGATURES, 0x1B)) | {0x19: "ı", 0x1A: "ȷ"}
_SYMBOLS: Final = dict(enumerate("−·×∗÷⋄±∓⊕⊖⊗⊘⊙○∘•≍≡⊆⊇≤≥≼≽∼≈⊂⊃≪≫≺≻"))
_FONTS: Final[tuple[tuple[tuple[str, ...], dict[int, str]], ...]] = (
    (("cmsy", "cmbsy"), _SYMBOLS),
    (("cmr", "cmbx", "cmti", "cmsl", "cmss", "cmcsc", "cmb1"), _KNUTH),
    (("ecrm", "ecbx", "ecti", "ecsl", "ecss", "sfrm", "sfbx", "sfti", "sfsl", "sfss"), _CORK),
)


def find_meaning(font: str, code: int) -> str | None:
    """Return what a character of a font means; None if unknown. ``font`` is in lower case, without a subset's tag."""
    for names, signs in _FONTS:
        if font.startswith(names):
            return signs.get(code)
    return None
