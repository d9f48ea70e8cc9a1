"""Numbers and negations: the parts of a sentence that change its claim.

Two sentences may be 98 % alike and say opposite things, so a comparison of texts must compare these as well. Not
detected here: number words ("two"), antonyms ("increase" and "decrease") and quantifiers ("all", "some"); comparing
the words (``backend.text.wording``) finds them.
"""

import re

from rapidfuzz import fuzz

_DIGIT = re.compile(r"\d")
# A minus is a sign only if nothing before it could be a left operand or a word, so that "5-10" and "ICD-10" contain no
# negative numbers. Swiss thousands use an apostrophe.
_NUMBER = re.compile(r"(?:(?<![\w)\]])-)?\d+(?:[.,]\d+|'\d{3})*(?: ?[%‰])?")

# Signs and short units change a claim like numbers: "38" and "≥ 38", "50 g" and "50 µg", "10^{23}" and "10 23". A bar
# divides rows of a table.
_SIGNS = re.compile(r"""\^\{[^{}]*\}|(?<!\w)_\{[^{}]*\}|(?<=\d) ?[-:/] ?(?=\d)|[^\w\s.,;:?'"()\[\]{}^`•‣◦▪-]""")
_UNIT = re.compile(r"(?<!\w)\d[\d.,']* ?([^\W\d_]{1,3})(?!\w)")

_NEGATION_WORDS = (
    # English
    "not|no|never|none|nothing|nobody|nowhere|neither|nor|without|cannot",
    # German
    "nicht|nichts|nie|niemals|niemand(?:em|en)?|nirgends|nirgendwo|kein(?:e[rsmn]?|s)?|keinesfalls|keineswegs",
    "ohne|weder",
    # French and Italian
    "ne|pas|non|jamais|rien|aucune?|sans|ni|nul(?:le)?",
    "mai|nessun[oa]?|niente|nulla|senza|né|neanche|nemmeno|neppure",
)
_NEGATION = rf"(?:(?:{'|'.join(_NEGATION_WORDS)})(?!\w)|n'(?=\w))"
# Words with a negating prefix ("unimportant", "Nichtleiter", "nonlinear"). Words that only look like one ("under") do
# no harm: they are compared with the same word on the other side.
_PREFIXED = r"(?:un|nicht|non)\w{3,}"
_NEGATED = re.compile(rf"(?<!\w)(?:(?P<word>{_NEGATION})|(?P<prefixed>{_PREFIXED}))|(?P<contracted>n't)(?!\w)")
_NEXT_WORD = re.compile(r"\W*(\w+)")
_LAST_WORD = re.compile(r"(?<!\w)(?P<word>\w+(?:'t)?) $")
_FIRST_WORD = re.compile(r" (?P<word>\w+)")
_NEGATION_ALONE = re.compile(rf"(?:{_NEGATION}|\w+n't)")

_MIN_SAME_WORD_PERCENT = 80.0


def numbers(folded: str) -> tuple[str, ...]:
    """Return the numbers of a folded text in order, with sign and percent; decimal commas become points."""
    if not _DIGIT.search(folded):
        return ()  # Saves most texts the search below, which looks behind every character.
    return tuple(
        match.group().replace(",", ".").replace("'", "").replace(" ", "") for match in _NUMBER.finditer(folded)
    )


def negations(folded: str) -> tuple[str, ...]:
    """Return what a folded text negates, in order: the word after each negation, or the negated word."""
    found = []
    for match in _NEGATED.finditer(folded):
        if match.group("prefixed"):
            found.append(match.group())
            continue
        following = _NEXT_WORD.match(folded, match.end())
        found.append(following.group(1) if following else "")
    return tuple(found)


def claims_match(folded: str, other: str) -> bool:
    """Whether two folded texts contain the same numbers, signs and units in order, and negate the same words."""
    if numbers(folded) != numbers(other):
        return False
    if any(pattern.findall(folded) != pattern.findall(other) for pattern in (_SIGNS, _UNIT)):
        return False
    ours, theirs = negations(folded), negations(other)
    return len(ours) == len(theirs) and all(
        fuzz.ratio(one, another) >= _MIN_SAME_WORD_PERCENT for one, another in zip(ours, theirs, strict=True)
    )


def cuts_off_negation(folded: str, start: int, end: int) -> bool:
    """Whether the word right before or right after ``folded[start:end]`` is a negation."""
    before = _LAST_WORD.search(folded, max(0, start - 16), start)
    after = _FIRST_WORD.match(folded, end, end + 16)
    return any(
        word is not None and _NEGATION_ALONE.fullmatch(word.group("word")) is not None for word in (before, after)
    )
