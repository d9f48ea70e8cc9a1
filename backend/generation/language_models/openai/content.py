"""Finds the JSON of an answer in what a model wrote around it, and decodes it as far as it is complete.

Without strict JSON a model may think aloud, greet, put a fence around its answer, or wrap it into one more object.
"""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

_THOUGHTS_END = "</think>"
_THOUGHTS_START = re.compile(r"\s*<think>")
_INVALID_ESCAPE = re.compile(r'\\(\\|["/bfnrt]|u[0-9a-fA-F]{4})|\\')

_MAX_OBJECTS = 50
"""Objects that are tried in one text, so that braces without end cost no time."""

Lists = dict[str, list[Any]]


def holds_object(text: str) -> bool:
    """Whether an answer has begun, after the model's thoughts."""
    return text.lstrip().startswith("{") or "{" in _after_thoughts(text)


def read_lists(text: str, names: Sequence[str]) -> tuple[Lists, bool]:
    """Return the lists with these names, each with its complete elements, and whether all of them are complete.

    Thoughts are left out, unless nothing else is found: an item may quote their closing tag. Of several objects, the
    one with the most elements counts. Raises ValueError if there is none.
    """
    whole = "" if _is_all_thoughts(text) else text
    for part in dict.fromkeys((_after_thoughts(text), whole)):
        found = max(_find_lists(part, names), key=lambda each: _count(each[0]), default=None)
        if found is not None:
            lists, complete = found
            return {name: lists.get(name, []) for name in names}, complete
    raise ValueError("the response contains no JSON object with any of " + ", ".join(names))


def _after_thoughts(text: str) -> str:
    """Return what follows the last thought. Servers may leave out the opening tag, which was part of the prompt."""
    return "" if _is_all_thoughts(text) else text.rpartition(_THOUGHTS_END)[2]


def _is_all_thoughts(text: str) -> bool:
    return _THOUGHTS_END not in text and _THOUGHTS_START.match(text) is not None


def _count(lists: Lists) -> int:
    return sum(len(elements) for elements in lists.values())


def _find_lists(text: str, names: Sequence[str]) -> Iterator[tuple[Lists, bool]]:
    at = text.find("{")
    for _ in range(_MAX_OBJECTS):
        if at < 0:
            return
        values, end = _decode_repaired(text, at)
        for candidate in (values, *(value for value in values.values() if isinstance(value, dict))):
            lists = {name: candidate[name] for name in names if isinstance(candidate.get(name), list)}
            if lists:
                yield lists, end is not None
        at = text.find("{", at + 1 if end is None else end)


def _decode_repaired(text: str, start: int) -> tuple[dict[str, Any], int | None]:
    """Decode the object at ``start``; return where it ends, or None if it is incomplete.

    The usual reason for JSON that breaks halfway is LaTeX with one backslash, as in ``\\(x\\)``.
    """
    values, end = _decode_object(text, start)
    if end is not None:
        return values, end
    rest = text[start:]
    repaired = _INVALID_ESCAPE.sub(lambda found: found.group() if found.group(1) else "\\\\", rest)
    if repaired == rest:
        return values, None
    values, end = _decode_object(repaired, 0)
    # The end is one of the repaired text, which nothing else is read from.
    return values, None if end is None else len(text)


def _decode_object(text: str, start: int) -> tuple[dict[str, Any], int | None]:
    values: dict[str, Any] = {}
    try:
        return values, _decode_into(values, text, start, may_nest=True)
    except (ValueError, IndexError, RecursionError):
        return values, None


def _decode_into(values: dict[str, Any], text: str, start: int, *, may_nest: bool) -> int:
    """Decode an object as far as possible: lists by element, objects of the first level by field, the rest as a whole.

    A partial parser such as ``pydantic_core.from_json(allow_partial=True)`` keeps an element that was cut off inside,
    and a card whose second quote is missing still matches the schema. Here an element is decoded completely or not at
    all. Raises ValueError and IndexError where the text ends or breaks; ``values`` holds what came before.
    """
    decoder = json.JSONDecoder(strict=False)
    at = _skip_space(text, start + 1)
    while text[at] != "}":
        name, at = decoder.raw_decode(text, at)
        at = _expect(text, at, ":")
        if text[at] == "[":
            elements = values[str(name)] = []
            at = _skip_space(text, at + 1)
            while text[at] != "]":
                element, at = decoder.raw_decode(text, at)
                elements.append(element)
                at = _next_element(text, at, "]")
            at += 1
        elif text[at] == "{" and may_nest:
            inner = values[str(name)] = {}
            at = _decode_into(inner, text, at, may_nest=False)
        else:
            values[str(name)], at = decoder.raw_decode(text, at)
        at = _next_element(text, at, "}")
    return at + 1


def _skip_space(text: str, at: int) -> int:
    while text[at] in " \t\n\r":
        at += 1
    return at


def _expect(text: str, at: int, mark: str) -> int:
    at = _skip_space(text, at)
    if text[at] != mark:
        raise ValueError(f"expected {mark} at {at}")
    return _skip_space(text, at + 1)


def _next_element(text: str, at: int, closing: str) -> int:
    """Skip a comma, or stay on the closing bracket. Raises ValueError at anything else."""
    at = _skip_space(text, at)
    return at if text[at] == closing else _expect(text, at, ",")
