"""Words with their readings (furigana, pinyin)."""

from lxml import etree

from backend.library.extraction.formulas.mathml import local_name

_READINGS = frozenset({"rt", "rtc"})
_LATIN_END = "\u2e80"


def read_ruby(element: etree._Element) -> str:
    """Return the word, and its reading in brackets after it."""
    base = [element.text or ""]
    readings: list[str] = []
    for part in _parts(element):
        name = local_name(part)
        text = " ".join("".join(str(piece) for piece in part.itertext()).split())
        if name in _READINGS:
            readings.append(text)
        elif name != "rp":
            base.append(text)
        base.append(part.tail or "")
    word = " ".join("".join(base).split())
    readings = [reading for reading in readings if reading]
    # Readings in Latin letters are words; others are syllables of one word.
    reading = (" " if all(max(reading) < _LATIN_END for reading in readings) else "").join(readings)
    return f"{word}({reading})" if reading and word else word or reading


def _parts(element: etree._Element) -> list[etree._Element]:
    return [part for part in element if isinstance(part.tag, str)]
