"""The characters that fonts such as Symbol and Wingdings show for codes of their own.

Office stores them as codes U+F020–U+F0FF of the private area, or as plain letters in such a font: "a" in Symbol is α.
Signs without a plain meaning are shown as the ordinary character nearest to them: Wingdings' many arrows as arrows.
"""

import re
from typing import Final

UNKNOWN: Final = "\ufffd"
"""Stands where a character is known to be missing."""

_FIRST = 0x20
_LATIN = range(0xA1, 0x100)
_PRIVATE = range(0xF020, 0xF100)
_HAS_PRIVATE = re.compile("[\uf020-\uf0ff]")
_NONE = "\0"

# One character for each code from 0x20 on; Adobe's Symbol encoding with the codes of 1990s printers left out.
_SYMBOL = (
    " !∀#∃%&∋()*+,−./0123456789:;<=>?"
    "≅ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ[∴]⊥_"
    "‾αβχδεφγηιϕκλμνοπθρστυϖωξψζ{|}∼\0"
    "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
    "€ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…|―↵"
    "ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓"
    "◊⟨®©™∑⎛⎜⎝⎡⎢⎣⎧⎨⎩⎪\0⟩∫⌠⎮⌡⎞⎟⎠⎤⎥⎦⎫⎬⎭\0"
)
_WINGDINGS = (
    " ✏✂✁\0\0\0\0☎✆✉\0\0\0\0\0\0\0\0\0\0\0⏳⌨\0\0\0\0\0\0✇✍"
    "✍✌\0\0\0☜☞☝☟✋☺\0☹\0☠⚐⚑✈☼\0❄✝✞✝✠✡☪☯\0☸♈♉"
    "♊♋♌♍♎♏♐♑♒♓&&●❍■□□❑❒⬧⧫◆❖⬥⌧⍓⌘❀✿❝❞\0"
    "⓪①②③④⑤⑥⑦⑧⑨⑩⓿❶❷❸❹❺❻❼❽❾❿\0\0\0\0\0\0\0\0·•"
    "▪○○○◉◎○▪□✦✦★✶✴✹✵\0⌖✧⌑\0✪✰🕐🕑🕒🕓🕔🕕🕖🕗🕘"
    "🕙🕚🕛\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0⌫⌦◄➢▲▼\0\0\0\0←"
    "→↑↓↖↗↙↘←→↑↓↖↗↙↘⇦⇨⇧⇩⇔⇕↖↗↙↘▭▫✗✓☒☑\0"
)
_WINGDINGS_2 = {
    **dict(zip(range(0x4F, 0x55), "✗✓☒☑☒☒", strict=True)),
    **dict(zip(range(0x69, 0x7F), "⓪①②③④⑤⑥⑦⑧⑨⑩⓿❶❷❸❹❺❻❼❽❾❿", strict=True)),
    **dict(zip(range(0x95, 0x99), "•●●●", strict=True)),
    0xA2: "■",
    0xA3: "□",
}
_WINGDINGS_3 = {
    **dict(zip(range(0x21, 0x29), "←→↑↓↖↗↙↘", strict=True)),
    **dict(zip(range(0x66, 0x70), "←→↑↓↖↗↙↘↔↕", strict=True)),
    **dict(zip(range(0x70, 0x7E), "▲▼△▽◄►◁▷◣◢◤◥◀▶", strict=True)),
}
_WEBDINGS = {0x33: "◄", 0x34: "►", 0x35: "▲", 0x36: "▼", 0x61: "✓", 0x63: "□", 0x67: "■", 0x6E: "●", 0x72: "✗"}


def _codes(characters: str) -> dict[int, str]:
    return {code: sign for code, sign in enumerate(characters, _FIRST) if sign != _NONE}


_FONTS: Final = {
    "symbol": _codes(_SYMBOL),
    "symbolmt": _codes(_SYMBOL),
    "symbolneu": _codes(_SYMBOL),
    "symbolset": _codes(_SYMBOL),
    "standardsymbolsps": _codes(_SYMBOL),
    "standardsymbolsl": _codes(_SYMBOL),
    "euclidsymbol": _codes(_SYMBOL),
    "wingdings": _codes(_WINGDINGS),
    "wingdings2": _WINGDINGS_2,
    "wingdings3": _WINGDINGS_3,
    "webdings": _WEBDINGS,
}


# Fonts whose plain codes are not those of Unicode, also ones that nobody here knows.
_OWN_CODES: Final = re.compile(r"symbol(?!ic)|dings|\bmt\b|bats|marlett|euclid|^$", re.IGNORECASE)
_SURROGATES: Final = 0xD800

# What is pasted from lists, and what stands for nothing.
_ANY_FONT: Final = {0xB7: "•", 0x20: " "}


def is_symbol_font(font: str | None) -> bool:
    """Whether letters in this font stand for other characters."""
    return font is not None and _key(font) in _FONTS


def character_of(font: str | None, code: int) -> str | None:
    """Return what ``font`` shows for a code of its own (0x20–0xFF, or the same in the private area).

    Any other code is one of Unicode. None: nobody knows. Only the bullet is the same whatever the font.
    """
    if code in _PRIVATE:
        code -= 0xF000
    elif (code > _LATIN[-1] or not _OWN_CODES.search(font or "")) and _FIRST < code < _SURROGATES:
        return chr(code)
    return _FONTS.get(_key(font or ""), _ANY_FONT).get(code)


def has_private(text: str) -> bool:
    """Whether a text has codes of the private area that only a font can explain."""
    return _HAS_PRIVATE.search(text) is not None


def decode(text: str, font: str | None) -> tuple[str, int]:
    """Return the text as ``font`` shows it, and how many characters are unknown (each is ``UNKNOWN``).

    In a symbol font plain letters and the signs of Latin-1 are codes too; other letters are meant as they are, but none
    is in Wingdings. In any other font only the private area is decoded.
    """
    is_symbol = is_symbol_font(font)
    if not is_symbol and not has_private(text):
        return text, 0
    shown, unknown = [], 0
    for sign in text:
        code = ord(sign)
        if code in _PRIVATE or (is_symbol and _is_code(sign, font or "")):
            found = character_of(font, code)
            unknown += found is None
            shown.append(UNKNOWN if found is None else found)
        else:
            shown.append(sign)
    return "".join(shown), unknown


def _is_code(sign: str, font: str) -> bool:
    """Whether a character of a text in a symbol font stands for another one."""
    if sign.isascii():
        return _FIRST < ord(sign) < 0x7F
    return ord(sign) in _LATIN and ("dings" in _key(font) or not sign.isalpha())


def _key(font: str) -> str:
    return "".join(font.lower().split())
