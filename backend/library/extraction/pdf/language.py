"""Tells text from the garbage that a broken text layer gives."""

import re
from typing import Final

# The commonest pairs of letters of German, English, French and Italian. Other languages of Europe share most of them.
_COMMON: Final = frozenset(
    ["ab", "ac", "ad", "ag", "ai", "al", "am", "an", "ap", "ar", "as", "at", "au", "ba", "be", "bi", "bl", "ca", "ce", "ch", "ci", "ck", "co", "cr", "ct", "cu", "da", "de", "di", "do", "ea", "ec", "ed", "eg", "ei", "el", "em", "en", "er", "es", "et", "eu", "ev", "ex", "fi", "fo", "fr", "ge", "gi", "gr", "ha", "he", "hi", "ho", "ht", "ia", "ib", "ic", "id", "ie", "if", "ig", "il", "im", "in", "io", "ir", "is", "it", "iv", "ke", "la", "le", "li", "ll", "lo", "lu", "ma", "me", "mi", "mm", "mp", "na", "nc", "nd", "ne", "ng", "ni", "nn", "no", "ns", "nt", "nu", "nv", "oc", "od", "of", "og", "oi", "ol", "om", "on", "op", "or", "os", "ot", "ou", "ow", "pa", "pe", "pi", "pl", "po", "pp", "pr", "pu", "qu", "ra", "rd", "re", "ri", "rm", "ro", "rs", "rt", "sa", "sc", "se", "si", "so", "ss", "st", "su", "ta", "te", "th", "ti", "to", "tr", "ts", "tt", "tu", "té", "ue", "ul", "um", "un", "uo", "ur", "us", "ut", "uv", "ve", "vi", "vo", "we", "wi", "wo", "xt", "ét"]
)
_MIN_LETTERS: Final = 160
_MIN_SHARE: Final = 0.4
_LATIN_WORD = re.compile("[a-zà-öø-ÿ]{2,}")


def is_garbage(text: str) -> bool:
    """Whether a text in Latin letters has few of the pairs of letters that languages use. Short texts are not judged."""
    words = _LATIN_WORD.findall(text.lower())
    if sum(map(len, words)) < _MIN_LETTERS:
        return False
    pairs = [word[at : at + 2] for word in words for at in range(len(word) - 1)]
    return sum(pair in _COMMON for pair in pairs) < _MIN_SHARE * len(pairs)
