"""The languages of the product, and which of them a text is in.

Function words nearly always decide and cost nothing. Only a text with too few of them (slides of bare terms) is passed
to the model of py3langid. It recognises a handful of words, but takes 0.5 s to load, 105 MB at the peak and 45 MB from
then on, which not all of eight worker processes should pay.
"""

import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache
from threading import Lock
from typing import Any, Literal, get_args

from backend.text.stop_words import FUNCTION_WORDS

Language = Literal["en", "de", "fr", "it"]
"""ISO 639-1 code of a language of the product, for messages and material. The first is the fallback."""

LANGUAGES: tuple[str, ...] = get_args(Language)

_MAX_SAMPLE_CHARS = 6_000
_MIN_LETTERS = 80
_MIN_TELLING_WORDS = 5
_MIN_LEAD = 3.0

_WORD = re.compile(r"[^\W\d_]+")
# A word of several languages does not tell them apart.
_TELLING = {
    word: language
    for language, words in FUNCTION_WORDS.items()
    for word in words
    if sum(word in others for others in FUNCTION_WORDS.values()) == 1
}
_loading = Lock()


def detect_language(text: str, allowed: Iterable[str] = LANGUAGES) -> str:
    """Return the ISO 639-1 code of the most likely of ``allowed``. Meant for texts of several sentences or more.

    A text without any word gets the first of them. Raises ValueError if ``allowed`` is empty or contains an
    unsupported code.
    """
    codes = tuple(allowed)
    if not codes or not set(codes) <= set(LANGUAGES):
        raise ValueError(f"not among the supported languages: {codes}")
    sample = _sample(text)
    if not _WORD.search(sample):
        return codes[0]
    counts = _count_telling_words(sample)
    ranked = sorted(codes, key=lambda code: (-counts[code], codes.index(code)))
    if _leads(counts, ranked):
        return ranked[0]
    # Without the lock, two threads could both load the model.
    with _loading:
        identifier = _load_identifier()
    return str(next(code for code, _ in identifier.rank(sample) if code in codes))


def is_clearly_another_language(texts: Iterable[str], wanted: str) -> bool:
    """Whether texts, taken together, are clearly in a supported language other than ``wanted``.

    Single cards are too short for any detector, so a batch is judged as a whole. The answer is no for a batch with
    fewer than 80 letters or hardly any function words, and if ``wanted`` is not supported.
    """
    joined = "\n".join(texts)
    if wanted not in LANGUAGES or sum(map(str.isalpha, joined)) < _MIN_LETTERS:
        return False
    counts = _count_telling_words(joined)
    ranked = sorted(LANGUAGES, key=lambda code: -counts[code])
    return _leads(counts, [ranked[0], wanted])


def _count_telling_words(text: str) -> Counter[str]:
    return Counter(_TELLING[word] for word in _WORD.findall(text.lower()) if word in _TELLING)


def _leads(counts: Counter[str], ranked: list[str]) -> bool:
    first = counts[ranked[0]]
    second = counts[ranked[1]] if len(ranked) > 1 else 0
    return first >= _MIN_TELLING_WORDS and first >= _MIN_LEAD * second


def _sample(text: str) -> str:
    """Return three pieces from all over a long text: its start alone may be an abstract in another language."""
    if len(text) <= _MAX_SAMPLE_CHARS:
        return text
    piece = _MAX_SAMPLE_CHARS // 3
    middle = len(text) // 2
    return "\n".join((text[:piece], text[middle : middle + piece], text[-piece:]))


@lru_cache(maxsize=1)
def _load_identifier() -> Any:
    """Load the model, keeping only the supported languages' columns of its tables."""
    # Imported late: with numpy it takes 15 MB, which processes that plan no runs do not need.
    from py3langid.langid import MODEL_DIR, MODEL_FILE, LanguageIdentifier
    from py3langid.modelio import load_model

    likelihoods, priors, codes, moves, rows, outputs = load_model(MODEL_DIR / MODEL_FILE)
    columns = [at for at, code in enumerate(codes) if code in LANGUAGES]
    return LanguageIdentifier(
        likelihoods[:, columns].copy(),
        priors[columns].copy(),
        [codes[at] for at in columns],
        moves,
        outputs,
        norm_probs=True,
        tk_row=rows,
    )
