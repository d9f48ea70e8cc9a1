"""Writes study material from the pages in a prompt, good by construction, and spoils it in several ways.

The stand-in reads the text of the request, as a real model would, so a broken prompt shows.
"""

import random
import re
import string
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

_PAGE = re.compile(r'<hts:page number="(\d+)"(?: heading="([^"]*)")?>\n(.*?)\n</hts:page>', re.DOTALL)
_DOCUMENT = re.compile(r'<hts:document name="([^"]*)">')
_TOPICS = re.compile(r"<hts:topics>\n(.*?)\n</hts:topics>", re.DOTALL)
_LIST = {
    name: re.compile(rf"<hts:{name}>\n(.*?)\n</hts:{name}>", re.DOTALL) for name in ("known-topics", "existing-items")
}
_PIECE = re.compile(r"(?<=[.!?])\s+|\n\s*\n")
_WORD = re.compile(r"[^\W\d_]{4,}")

_TEXTS = {
    "German": (
        "Welches Wort fehlt in diesem Satz: „{gap}“?",
        "Welches Wort ergänzt den Satz richtig: „{gap}“?",
        "In den Unterlagen steht: „{sentence}“",
        "Dazu gehört: {sentence}",
    ),
    "English": (
        "Which word is missing in this sentence: “{gap}”?",
        "Which word completes the sentence correctly: “{gap}”?",
        "The notes say: “{sentence}”",
        "It covers: {sentence}",
    ),
}


@dataclass(frozen=True)
class Prompt:
    """A request as the stand-in understood it; ``topics`` is only filled for a request to connect topics."""

    document: str
    pages: tuple[tuple[int, str, str], ...]
    flashcards: int
    questions: int
    language: str
    difficulty: str
    known_topics: tuple[str, ...]
    existing: tuple[str, ...]
    topics: tuple[str, ...]


def read_prompt(user: str) -> Prompt:
    """Parse the user message of a request. Missing counts are 0."""
    request = user.rsplit("\n\n", 1)[-1]

    def asked(name: str) -> str:
        found = re.search(rf"^{name}: (.+)$", request, re.MULTILINE)
        return found.group(1) if found else ""

    def listed(pattern: re.Pattern[str]) -> tuple[str, ...]:
        found = pattern.search(user)
        return tuple(line.removeprefix("- ") for line in found.group(1).splitlines()) if found else ()

    document = _DOCUMENT.search(user)
    return Prompt(
        document=document.group(1) if document else "",
        pages=tuple((int(number), heading, text) for number, heading, text in _PAGE.findall(user)),
        flashcards=int(asked("Flashcards") or 0),
        questions=int(asked("Questions") or 0),
        language=asked("Language"),
        difficulty=asked("Difficulty"),
        known_topics=listed(_LIST["known-topics"]),
        existing=listed(_LIST["existing-items"]),
        topics=tuple(re.split(r" \(so far under: |: ", line)[0] for line in listed(_TOPICS)),
    )


def write_material(prompt: Prompt) -> dict[str, Any]:
    """Return the response to ``prompt``: each item from its own sentence, with its verbatim quote."""
    if prompt.topics:
        return _connect(prompt.topics)
    ask, complete, explain, cover = _TEXTS.get(prompt.language, _TEXTS["English"])
    difficulty = prompt.difficulty if prompt.difficulty in ("easy", "medium", "hard") else "medium"
    topics: dict[str, dict[str, Any]] = {}
    known = {name.casefold(): name for name in prompt.known_topics}
    topic_of: dict[int, str] = {}
    for number, heading, text in prompt.pages:
        name = heading or _frequent_word(text)
        name = known.get(name.casefold(), name)
        topic_of[number] = name
        sentence = next(_sentences(text), "")
        if name and name not in topics:
            topics[name] = {"name": name, "summary": cover.format(sentence=_flat(sentence) or name), "parent": None}
    pool = sorted({word for _, _, text in prompt.pages for word in _WORD.findall(text)}, key=str.casefold)
    existing = set(prompt.existing)
    flashcards: list[dict[str, Any]] = []
    questions: list[dict[str, Any]] = []
    for number, sentence, word in _facts(prompt.pages):
        flat = _flat(sentence)
        gap = re.sub(rf"\b{re.escape(word)}\b", "____", flat)
        item = {
            "quotes": [{"page": number, "quote": sentence}],
            "topic": topic_of[number] or word,
            "difficulty": difficulty,
        }
        if len(questions) < prompt.questions and len(questions) <= len(flashcards):
            stem = complete.format(gap=gap)
            others = _distractors(word, flat, pool)
            if stem not in existing and len(others) == 3:
                texts = [*others, word]
                key = len(questions) % 4
                texts[key], texts[3] = texts[3], texts[key]
                options = [{"id": f"o{index + 1}", "text": text} for index, text in enumerate(texts)]
                explanation = explain.format(sentence=flat)
                questions.append(
                    {**item, "stem": stem, "options": options, "key": f"o{key + 1}", "explanation": explanation}
                )
                continue
        if len(flashcards) < prompt.flashcards:
            cloze = len(flashcards) % 2 == 1 and not re.search(r"\{\{|\}\}|::", flat)
            front = flat.replace(word, f"{{{{c1::{word}}}}}", 1) if cloze else ask.format(gap=gap)
            if front not in existing:
                kind = "cloze" if cloze else "basic"
                flashcards.append({**item, "kind": kind, "front": front, "back": "" if cloze else word})
        if len(flashcards) >= prompt.flashcards and len(questions) >= prompt.questions:
            break
    return {"topics": list(topics.values()), "flashcards": flashcards, "questions": questions}


def _facts(pages: tuple[tuple[int, str, str], ...]) -> Iterator[tuple[int, str, str]]:
    """Yield page, sentence and a word to ask for, page after page; no sentence and no word comes twice."""
    used: set[str] = set()
    queues = [(number, _sentences(text)) for number, _, text in pages]
    while queues:
        left = []
        for number, sentences in queues:
            sentence = next(sentences, None)
            if sentence is None:
                continue
            left.append((number, sentences))
            words = sorted(set(_WORD.findall(sentence)), key=lambda word: (-len(word), word))
            word = next((word for word in words if word.casefold() not in used), None)
            if word and _flat(sentence).casefold() not in used:
                used |= {word.casefold(), _flat(sentence).casefold()}
                yield number, sentence, word
        queues = left


def _sentences(text: str) -> Iterator[str]:
    for piece in _PIECE.split(text):
        for line in [piece] if len(piece) <= 300 else piece.split("\n"):
            stripped = line.strip()
            if 25 <= len(stripped) <= 300 and len(stripped.split()) >= 4:
                yield stripped


def _flat(text: str) -> str:
    return " ".join(text.split())


def _frequent_word(text: str) -> str:
    counted = Counter(word for word in _WORD.findall(text) if len(word) >= 6).most_common(1)
    return counted[0][0].capitalize() if counted else ""


def _distractors(word: str, sentence: str, pool: list[str]) -> list[str]:
    there = {other.casefold() for other in _WORD.findall(sentence)}
    found: dict[str, str] = {}
    for other in sorted(pool, key=lambda other: (abs(len(other) - len(word)), other)):
        if other.casefold() not in there:
            found.setdefault(other.casefold(), other)
        if len(found) == 3:
            break
    return list(found.values())


def _connect(topics: tuple[str, ...]) -> dict[str, Any]:
    root, *others = topics
    parents = [{"topic": root, "parent": None}, *({"topic": other, "parent": root} for other in others)]
    pairs = pairwise(others)
    return {
        "parents": parents,
        "links": [{"source": one, "label": "leads to", "target": other} for one, other in pairs],
    }


def _foreign_quote(item: dict[str, Any]) -> None:
    item["quotes"] = [{"page": item["quotes"][0]["page"], "quote": "This sentence was never written on any page."}]


def _bad_key(item: dict[str, Any]) -> None:
    item["key"] = "no-such-option"


def _three_options(item: dict[str, Any]) -> None:
    item["options"] = item["options"][:3] if item["options"][3]["id"] != item["key"] else item["options"][1:]


def _placeholder(item: dict[str, Any]) -> None:
    item.update({"front": "[generation failed]", "back": "N/A"} if "front" in item else {"stem": "N/A"})


def _extra_fields(item: dict[str, Any]) -> None:
    item.update({"confidence": 0.9, "note": {"by": "the model"}})


def _malformed(item: dict[str, Any]) -> None:
    item.pop("topic")
    item["difficulty"] = 7


def _invisible(item: dict[str, Any]) -> None:
    for name in {"summary", "front", "stem", "topic", "label"} & item.keys():
        item[name] = f"\0{item[name]}\u200b"
    if "name" in item:
        # Without a NUL, so that it still equals the name in the items.
        item["name"] += "\u200b"


def _endless_topic(item: dict[str, Any]) -> None:
    # Random, because repetitive text is compressed until it fits an index.
    item["parent" if "name" in item else "topic"] = "".join(random.Random(1).choices(string.ascii_letters, k=9_000))


def _other_words(item: dict[str, Any]) -> None:
    """Write the values of the schema in other words, as servers let pass that do not enforce it."""
    item["difficulty"] = {"easy": "leicht", "medium": "moyen", "hard": "difficile"}[item["difficulty"]]
    for quote in item["quotes"]:
        quote["page"] = f"S. {quote['page']}"
    if "kind" in item:
        item["kind"] = {"basic": "Basic", "cloze": "Lückentext"}[item["kind"]]
    if "key" in item:
        item["key"] = next(option["text"] for option in item["options"] if option["id"] == item["key"])


def _endless_label(item: dict[str, Any]) -> None:
    item["label"] = "leads to " * 1_000


_SPOILERS: dict[str, tuple[tuple[str, ...], Callable[[dict[str, Any]], None]]] = {
    "foreign_quotes": (("flashcards", "questions"), _foreign_quote),
    "bad_key": (("questions",), _bad_key),
    "wrong_option_count": (("questions",), _three_options),
    "placeholder": (("flashcards", "questions"), _placeholder),
    "extra_fields": (("topics", "flashcards", "questions"), _extra_fields),
    "malformed_item": (("flashcards", "questions"), _malformed),
    "invisible": (("topics", "flashcards", "questions", "links"), _invisible),
    "endless_topic": (("topics", "flashcards"), _endless_topic),
    "other_words": (("flashcards", "questions"), _other_words),
    "endless_label": (("links",), _endless_label),
}
SPOILERS = frozenset({*_SPOILERS, "duplicates", "circle"})
"""Names of the ways to spoil an otherwise well-formed response."""


def spoil(material: dict[str, Any], how: str, items: int) -> None:
    """Spoil the first ``items`` of each kind in place; ``duplicates`` repeats them at the end.

    ``circle`` moves the top topic of a map below its last one.
    """
    if how == "duplicates":
        for kind in ("flashcards", "questions"):
            material.get(kind, []).extend(dict(item) for item in material.get(kind, [])[:items])
        return
    if how == "circle":
        material["parents"][0]["parent"] = material["parents"][-1]["topic"]
        return
    kinds, spoiler = _SPOILERS[how]
    for kind in kinds:
        for item in material.get(kind, [])[:items]:
            spoiler(item)
