"""Tells text of a language from the garbage of a broken text layer."""

import re
import unicodedata
from operator import add
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
_WORD = re.compile(r"(?<![^\W_])[^\W\d_][a-zß-öø-ÿā-ɏ]{3,}(?![^\W_])")
_ASCII_WORD = re.compile(_WORD.pattern, re.ASCII)
_MIN_WORDS: Final = 25
_MAX_WORDS: Final = 40
_SAMPLE_CHARS: Final = 900
# Languages have two thirds of frequent pairs and more; letters that are exchanged for others have less than half.
_MIN_FREQUENT: Final = 0.48


def is_garbage(text: str) -> bool:
    """Whether the words in Latin letters are of no language: few of their pairs of letters are frequent ones.

    Capitals are not judged, because abbreviations and sequences have them; nor is a text of a few words.
    """
    if len(text) > 2 * _SAMPLE_CHARS:
        text = "\n".join(text[start : start + _SAMPLE_CHARS] for start in (len(text) // 8, 5 * len(text) // 8))
    words = (_ASCII_WORD if text.isascii() else _WORD).findall(text)
    if len(words) < _MIN_WORDS:
        return False
    sample = " ".join(words[:: 1 + len(words) // _MAX_WORDS])
    plain = sample.lower()
    if not plain.isascii():
        plain = "".join(char for char in unicodedata.normalize("NFD", plain) if not unicodedata.combining(char))
    # A blank between two words is part of two pairs, which are not frequent ones.
    pairs = len(plain) - 1 - 2 * plain.count(" ")
    return sum(map(_FREQUENT.__contains__, map(add, plain, plain[1:]))) < _MIN_FREQUENT * pairs
