"""Finds abbreviations together with their long forms."""

import re

_EXPANSION = re.compile(r"(?P<long>(?:[\w’'-]+\s){1,6}[\w’'-]+)\s\((?P<short>[A-ZÄÖÜ][A-Za-zÄÖÜ]{1,6})\)")
_IN_BRACKETS = re.compile(r"\s\([A-ZÄÖÜ][A-Za-zÄÖÜ]{1,6}\)")
_STANDS_FOR = re.compile(
    r"^(?:The\s(?:acronym|abbreviation)\s|Die\sAbkürzung\s)?[„“\"]?(?P<short>[A-ZÄÖÜ][A-Za-zÄÖÜ]{1,6})[“”\"]?\s(?:stands\sfor|"
    r"is\sshort\sfor|is\san\s(?:acronym|abbreviation)\s(?:for|of)|steht\sfür|ist\sdie\sAbkürzung\s(?:für|von))\s[„“\"]?"
    r"(?P<long>(?:[\w’'-]+\s){1,6}?[\w’'-]+)(?=[“”\".,;]|\s(?:and|und|,))"
)


def find_expansions(text: str) -> list[tuple[str, str]]:
    """Return pairs of an abbreviation and its long form: the words before it, or those that a sentence spells out."""
    found = []
    # Most sentences match neither form. Checking that first halves the time spent on definitions.
    if not _IN_BRACKETS.search(text) and not _STANDS_FOR.match(text):
        return []
    for pattern in (_EXPANSION, _STANDS_FOR):
        for match in pattern.finditer(text):
            short, long = _singular(match["short"], match["long"])
            spelled = _match_initials(short, long)
            if spelled and sum(letter.isupper() for letter in short) >= 2:
                found.append((short, spelled))
    return found


def _singular(short: str, long: str) -> tuple[str, str]:
    """Put an abbreviation in the plural ("NMUs") and its long form into the singular."""
    if short.endswith("s") and short[:-1].isupper() and long.endswith("s"):
        return short[:-1], long[:-3] + "y" if long.endswith("ies") else long[:-1]
    return short, long


def _match_initials(short: str, words: str) -> str | None:
    """Return the last words whose initials spell the abbreviation, ignoring small function words, or None."""
    small = {"of", "for", "and", "the", "in", "on", "to", "und", "für", "der", "des", "von"}
    letters = [letter.lower() for letter in short if letter.isupper()]
    parts = re.findall(r"[^\s-]+", words)
    chosen = len(parts)
    for letter in reversed(letters):
        chosen -= 1
        while chosen >= 0 and parts[chosen].lower() in small and parts[chosen][0].lower() != letter:
            chosen -= 1
        if chosen < 0 or parts[chosen][0].lower() != letter:
            return None
    start = words.rfind(parts[chosen]) if parts.count(parts[chosen]) == 1 else -1
    return words[start:] if start >= 0 and (start == 0 or words[start - 1] in " -") else None
