"""The signs that TeX's fonts have at control codes, for files that do not say their meaning.

Only the codes that texts use are listed; a font is known by its name.
"""

from typing import Final

_LIGATURES: Final = ("ff", "fi", "fl", "ffi", "ffl")
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


def meaning(font: str, code: int) -> str | None:
    """Return what a character of a font, named in lower case without the tag of a subset, means; None if unknown."""
    for names, signs in _FONTS:
        if font.startswith(names):
            return signs.get(code)
    return None
