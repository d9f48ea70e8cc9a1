"""Tells text of a language from the garbage of a broken text layer."""

import re
import unicodedata
from typing import Final

# Pairs of letters that are frequent in at least one of German, English, French, Italian, Latin and Finnish.
_PAIRS: Final = (
    "aa ab ac ad ag ai ak al am an ap ar as at au ba be bi bo br bu ca ce ch ci ck co cr ct cu da de di do du ea ec ed "
    "ee ef eg ei el em en ep er es et eu ev ex fe ff fi fo fr fu ga ge gi gn go gr gu ha he hi ho ht ia ib ic id ie if "
    "ig ii ik il im in io ip ir is it iu iv iz ja ka ke ki kk ko ks ku la ld le li ll lo ls lt lu ma me mi mm mo mp mu "
    "na nc nd ne ng ni nn no ns nt nu nz oc od of og oi ol om on oo op or os ot ou ow pa pe ph pi pl po pp pr pu qu ra "
    "rc rd re ri rm rn ro rr rs rt ru sa sc se sh si so sp ss st su ta te th ti tr ts tt tu tz ue uf ul um un uo ur us "
    "ut uu va ve vi vo wa we wi wo ys ze zi zu zz"
)
_FREQUENT: Final = frozenset(_PAIRS.split())
_VOWELS: Final = frozenset("aeiouy\u00e6\u0153\u00f8\u0131")
_WORD = re.compile(r"[^\W\d_]+")
_NO_PLAIN_VOWEL = re.compile(r"\b[b-df-hj-np-tv-xz]{4,}\b")
_MIN_WORDS: Final = 25
_MIN_WORD: Final = 4
_MIN_FREQUENT: Final = 0.5
_MAX_WITHOUT_VOWEL: Final = 0.1


def is_garbage(text: str) -> bool:
    """Whether the words in Latin letters are of no language: few of their pairs are frequent, and many lack a vowel.

    Both must hold, so that names, codes, abbreviations and languages not listed pass. A short text is not judged.
    """
    lower = text.lower()
    # Most pages are settled here.
    if 2 * len(_NO_PLAIN_VOWEL.findall(lower)) < _MAX_WITHOUT_VOWEL * lower.count(" "):
        return False
    plain = "".join(char for char in unicodedata.normalize("NFD", lower) if not unicodedata.combining(char))
    words = [word for word in _WORD.findall(plain) if len(word) >= _MIN_WORD and all(char < "\u0250" for char in word)]
    if len(words) < _MIN_WORDS:
        return False
    without_vowel = sum(_VOWELS.isdisjoint(word) for word in words)
    if without_vowel < _MAX_WITHOUT_VOWEL * len(words):
        return False
    pairs = [word[at : at + 2] for word in words for at in range(len(word) - 1)]
    return sum(pair in _FREQUENT for pair in pairs) < _MIN_FREQUENT * len(pairs)
