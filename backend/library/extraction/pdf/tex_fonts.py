"""The signs of TeX's fonts, for files that do not say their meaning.

Of the text fonts only the control codes are listed, of the symbols also codes that are letters and digits elsewhere. A
font is known by its name. Each code gives one character, ligatures too, so that the characters of a run keep their
places.
"""

from typing import Final

_LIGATURES: Final = "\ufb00\ufb01\ufb02\ufb03\ufb04"
# Knuth's text fonts (OT1), those of the Cork encoding (T1), and the symbols (OMS).
_KNUTH: Final = {**dict(enumerate("ΓΔΘΛΞΠΣΥΦΨΩ")), **dict(enumerate(_LIGATURES, 11)), 0x10: "ı", 0x11: "ȷ"} | dict(
    enumerate("ßæœøÆŒØ", 0x19)
)
_CORK: Final = dict(enumerate("“”„«»–—", 0x10)) | dict(enumerate(_LIGATURES, 0x1B)) | {0x19: "ı", 0x1A: "ȷ"}
# Bitmap fonts have no names. Where the two encodings differ, the more usual sign of German files is taken (0x19).
_BITMAP: Final = (
    dict(enumerate(_LIGATURES, 11))
    | _CORK
    | {0x19: "ß", 0xD7: "Œ", 0xDF: "ẞ", 0xF7: "œ", 0xFF: "ß"}
    | dict(enumerate("ĂĄĆČĎĚĘĞĹĽŁŃŇŊŐŔŘŚŠŞŤŢŰŮŸŹŽŻĲİđ§ăąćčďěęğĺľłńňŋőŕřśšşťţűůÿźžżĳ¡¿£", 0x80))
)
# The companion of such a font has signs at the codes of letters.
_COMPANION: Final = dict(enumerate("†‡‖‰•℃", 0x84)) | {0xBF: "€"}
# The stroke and the foot of an arrow (6 and 7) are drawn over other signs, see ``overlays``.
_SYMBOLS: Final = dict(
    enumerate("−·×∗÷⋄±∓⊕⊖⊗⊘⊙○∘•≍≡⊆⊇≤≥≼≽∼≈⊂⊃≪≫≺≻←→↑↓↔↗↘≃⇐⇒⇑⇓⇔↖↙∝′∞∈∋△▽67∀∃¬∅ℜℑ⊤⊥ℵABCDEFGHIJKLMNOPQRSTUVWXYZ")
) | dict(enumerate("∪∩⊎∧∨⊢⊣⌊⌋⌈⌉{}⟨⟩|∥↕⇕\\≀√⨿∇∫⊔⊓⊑⊒§†‡¶♣♢♡♠", 0x5B))
# The symbols of the American Mathematical Society; A to Z of the second font are letters with double strokes.
_MORE_SYMBOLS: Final = dict(enumerate("⊡⊞⊠□■·◊⧫↻↺⇌⇋⊟⊩⊪⊨↠↞⇇⇉⇈⇊↾⇂↿⇃↣↢⇆⇄↰↱⇝↭↫↬≗≿≳⪆⊸∴∵≑≜≾≲⪅⪕⪖⋞⋟≼≦⩽≶‵")) | (
    dict(enumerate("≓≒≽≧⩾≷⊏⊐⊳⊲⊵⊴★≬▼▶◀", 0x3A))
    | dict(enumerate("△▲▽≖⋚⋛⪋⪌¥⇛⇚✓⊻⊼⩞∠∡∢∝⌣⌢⋐⋑⋓⋒⋏⋎⋋⋌⫅⫆≏≎⋘⋙⌜⌝®Ⓢ⋔∔∽⋍⌞⌟✠∁⊺⊚⊛⊝", 0x4D))
)
_NEGATED_SYMBOLS: Final = (
    dict(enumerate("≰≱≮≯⊀⊁≨≩", 0x02))
    | dict(enumerate("⪇⪈", 0x0C))
    | dict(enumerate("⋨⋩⋦⋧", 0x10))
    | dict(enumerate("⪵⪶⪹⪺⪉⪊≁≇╱╲⊊⊋", 0x16))
    | dict(enumerate("⫋⫌", 0x24))
    | dict(enumerate("⊊⊋⊈⊉∦∤∤∦⊬⊮⊭⊯⋭⋬⋪⋫↚↛⇍⇏⇎↮⋇∅∄", 0x28))
    | dict(enumerate("Ⅎ⅁", 0x60))
    | dict(enumerate("℧ð≂ℶℷℸ⋖⋗⋉⋊∣∥∖∼≈≊⪸⪷↶↷ϝϰ𝕜ℏℏ϶", 0x66))
)
_LATEX_SYMBOLS: Final = dict(enumerate("⊲⊴⊳⊵", 0x01)) | dict(enumerate("‹›", 0x28)) | dict(enumerate("℧⋈□◇", 0x30))
_SYMBOL_FONTS: Final = (
    (("cmsy", "cmbsy", "lmmathsymbols"), _SYMBOLS),
    (("msam",), _MORE_SYMBOLS),
    (("msbm",), _NEGATED_SYMBOLS),
    (("lasy",), _LATEX_SYMBOLS),
)
_FONTS: Final[tuple[tuple[tuple[str, ...], dict[int, str]], ...]] = (
    *_SYMBOL_FONTS,
    (("cmr", "cmbx", "cmti", "cmsl", "cmss", "cmcsc", "cmb1"), _KNUTH),
    (("ecrm", "ecbx", "ecti", "ecsl", "ecss", "sfrm", "sfbx", "sfti", "sfsl", "sfss"), _CORK),
)


def has_symbols(font: str) -> bool:
    """Whether a font has no letters but only symbols, at codes of its own."""
    return any(font.startswith(names) for names, _ in _SYMBOL_FONTS)


def find_bitmap_meaning(code: int, *, has_letters: bool) -> str | None:
    """Return what a character of a bitmap font of TeX means; None if it is the code's own."""
    return (_BITMAP if has_letters else _COMPANION).get(code)


def find_meaning(font: str, code: int) -> str | None:
    """Return what a character of a font means; None if unknown. ``font`` is in lower case, without a subset's tag."""
    for names, signs in _FONTS:
        if font.startswith(names):
            return signs.get(code)
    return None
