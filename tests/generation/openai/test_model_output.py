"""Responses are parsed item by item: whole items are kept, partial ones never, and LaTeX survives JSON."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.generation.language_models.interface import DraftFlashcard
from backend.generation.language_models.openai.output import (
    ConnectOutput,
    SectionOutput,
    parse_connections,
    parse_section,
    strict_schema,
)
from backend.study.types import Difficulty, FlashcardKind
from tests.patience import check_linear
from tests.stand_ins.openai_contract import problems_of_strict_schema

QUOTES = [{"page": 1, "quote": "a first quote"}, {"page": 2, "quote": "a second quote"}]


def card(front: str) -> dict[str, object]:
    """Return a flashcard whose quotes are last, so that a cut among them leaves all its fields."""
    return {
        "topic": "T",
        "kind": "basic",
        "front": front,
        "back": 'b "}]} \\ ü',
        "difficulty": "easy",
        "quotes": QUOTES,
    }


def question(stem: str) -> dict[str, object]:
    options = [{"id": name, "text": f"text {name}"} for name in "abcd"]
    return {
        "topic": "T",
        "stem": stem,
        "options": options,
        "key": "a",
        "explanation": "e",
        "difficulty": "hard",
        "quotes": QUOTES,
    }


RESPONSE = {
    "topics": [{"name": "T", "summary": "s", "parent": None}, {"name": "U", "summary": "s", "parent": "T"}],
    "flashcards": [card("one"), card("two"), card("three")],
    "questions": [question("first"), question("second")],
}


@pytest.mark.parametrize("output", [SectionOutput, ConnectOutput])
def test_schema_is_strict(output: type[SectionOutput] | type[ConnectOutput]) -> None:
    assert problems_of_strict_schema(strict_schema(output)) == []


@given(st.integers(min_value=0, max_value=len(json.dumps(RESPONSE)) - 1))
def test_cut_anywhere_keeps_exactly_the_complete_items(cut: int) -> None:
    text = json.dumps(RESPONSE)
    whole = parse_section(text)
    kept = {
        kind: sum(text.index(json.dumps(item)) + len(json.dumps(item)) <= cut for item in items)
        for kind, items in RESPONSE.items()
    }
    if cut <= text.index("["):
        with pytest.raises(ValueError, match="no JSON object"):
            parse_section(text[:cut] or "{")
        return
    parsed = parse_section(text[:cut])
    assert whole.complete
    assert not parsed.complete
    assert parsed.malformed == 0
    assert parsed.topics == whole.topics[: kept["topics"]]
    assert parsed.flashcards == whole.flashcards[: kept["flashcards"]]
    assert parsed.questions == whole.questions[: kept["questions"]]


def test_cut_among_the_last_quotes_drops_the_item() -> None:
    text = json.dumps({"flashcards": [card("one"), card("two")]})
    parsed = parse_section(text[: text.rindex(', {"page": 2')])
    assert [kept.front for kept in parsed.flashcards] == ["one"]
    assert not parsed.complete


def test_missing_lists_are_empty_and_an_empty_response_is_complete() -> None:
    parsed = parse_section('{"topics": []}')
    assert (parsed.topics, parsed.items, parsed.complete) == ((), 0, True)


@pytest.mark.parametrize(
    "content",
    ["", "no braces", "[1, 2]", "{", '{"cards": []}', '{"topics": null}', '{"topics": 3}', "{" * 5000, '{"a":' * 5000],
)
def test_content_without_a_list_of_the_schema_is_an_error(content: str) -> None:
    with pytest.raises(ValueError):
        parse_section(content)


@pytest.mark.parametrize(
    "bad",
    [
        "text",
        None,
        [],
        {},
        {**card("x"), "kind": "essay"},
        {**card("x"), "difficulty": "extreme"},
        {**card("x"), "front": None},
        {**card("x"), "quotes": [{"page": "three", "quote": "q"}]},
        {**card("x"), "quotes": "q"},
        {**card("x"), "back": "\ud800"},
    ],
    ids=repr,
)
def test_item_of_the_wrong_shape_is_counted_and_dropped_alone(bad: object) -> None:
    parsed = parse_section(json.dumps({**RESPONSE, "flashcards": [card("one"), bad, card("two")]}))
    assert [kept.front for kept in parsed.flashcards] == ["one", "two"]
    assert (parsed.malformed, len(parsed.questions), parsed.complete) == (1, 2, True)


def test_a_topic_of_the_wrong_shape_does_not_count_as_a_malformed_item() -> None:
    parsed = parse_section(json.dumps({**RESPONSE, "topics": [{"name": "Cells"}, 3]}))
    assert (parsed.topics, parsed.malformed, len(parsed.questions)) == ((), 0, 2)


def test_small_deviations_are_accepted() -> None:
    liberal = {**card("x"), "kind": " Cloze", "difficulty": "EASY", "back": 42, "mood": "good"}
    liberal["quotes"] = [{"page": "7", "quote": "q", "line": 3}]
    (kept,) = parse_section(json.dumps({"flashcards": [liberal]})).flashcards
    assert kept.kind is FlashcardKind.CLOZE
    assert kept.difficulty is Difficulty.EASY
    assert (kept.back, kept.quotes[0].page) == ("42", 7)


def only_card(content: str) -> DraftFlashcard:
    (kept,) = parse_section(content).flashcards
    return kept


@pytest.mark.parametrize(
    "latex", [r"\(\frac{a}{b} \times \beta\)", r"\(x\)", r"\[\theta \rho \alpha\]", r"\(\text{m}\)"]
)
def test_latex_with_one_backslash_is_restored(latex: str) -> None:
    content = json.dumps({"flashcards": [card("PLACE")]}).replace("PLACE", latex)
    parsed = parse_section(content)
    assert parsed.complete
    assert parsed.flashcards[0].front == latex


def test_correct_latex_and_white_space_are_unchanged() -> None:
    front = "\\(\\frac{1}{2}\\)\n1.\ttext of a table\r\nend \\\\ \\nu"
    assert only_card(json.dumps({"flashcards": [card(front)]})).front == front


def test_thoughts_and_fences_around_the_response_are_ignored() -> None:
    content = '<think>{"flashcards": []} or not?</think>Sure:\n```json\n' + json.dumps(RESPONSE) + "\n```"
    parsed = parse_section(content)
    assert (len(parsed.flashcards), parsed.complete) == (3, True)


def test_connections_are_read_one_by_one() -> None:
    parsed = parse_connections(
        json.dumps(
            {
                "parents": [{"topic": "A", "parent": None}, {"topic": "B"}, {"topic": "C", "parent": ""}],
                "links": [{"source": "A", "label": "causes", "target": "B"}, {"source": "A"}],
            }
        )
    )
    assert parsed.parents == (("A", None), ("C", None))
    assert [(link.source, link.label, link.target) for link in parsed.links] == [("A", "causes", "B")]
    assert (parsed.malformed, parsed.complete) == (2, True)


def test_item_may_quote_the_end_of_a_thought() -> None:
    parsed = parse_section(json.dumps({"flashcards": [card("What does </think> end?"), card("two")]}))
    assert [kept.front for kept in parsed.flashcards] == ["What does </think> end?", "two"]
    assert parsed.complete


@pytest.mark.parametrize(
    "thoughts", ["<think>{draft}</think>", 'so {"flashcards": []}\n</think>', "</think>", "{a} {b}"]
)
def test_thoughts_with_braces_are_passed_over(thoughts: str) -> None:
    assert len(parse_section(thoughts + json.dumps(RESPONSE)).flashcards) == 3


def test_thoughts_without_an_answer_are_none() -> None:
    with pytest.raises(ValueError, match="no JSON object"):
        parse_section("<think>" + json.dumps(RESPONSE))


def test_object_with_the_most_items_counts() -> None:
    drafts = [{"flashcards": [card("draft")]}, RESPONSE, {"flashcards": [], "questions": []}]
    assert len(parse_section("\n".join(map(json.dumps, drafts))).flashcards) == 3


@pytest.mark.parametrize("cut", [0, 1])
def test_object_one_level_deeper_is_read_as_far_as_it_goes(cut: int) -> None:
    text = json.dumps({"ok": True, "study_material": RESPONSE})
    parsed = parse_section(text[: text.index(json.dumps(question("second")))] if cut else text)
    assert (len(parsed.flashcards), len(parsed.questions), parsed.complete) == (3, 2 - cut, not cut)


@pytest.mark.parametrize("piece", ["{", '{"a": [', '{"a": 1} ', "\\("])
def test_reading_takes_linear_time(piece: str) -> None:
    def read(size: int) -> None:
        with pytest.raises(ValueError, match="no JSON object"):
            parse_section("{" + piece * size)

    check_linear(read, 10_000)


@pytest.mark.parametrize(
    ("key", "meant"),
    [("a", "a"), ("A", "a"), ("(b)", "b"), ("C.", "c"), ("text d", "d"), ("Text D", "d"), ("e", "e"), ("text", "text")],
)
def test_key_may_be_written_otherwise(key: str, meant: str) -> None:
    (read,) = parse_section(json.dumps({"questions": [{**question("x"), "key": key}]})).questions
    assert read.key == meant


def test_key_that_could_be_two_options_is_left() -> None:
    options = [{"id": "1", "text": "same"}, {"id": "2", "text": "Same"}, {"id": "3", "text": "other"}]
    (read,) = parse_section(json.dumps({"questions": [{**question("x"), "options": options, "key": "same"}]})).questions
    assert read.key == "same"


@pytest.mark.parametrize(("page", "number"), [("p. 3", 3), ("S. 12", 12), ("Seite 7", 7), ("3-4", 3), (5, 5), ("6", 6)])
def test_page_is_the_first_number(page: object, number: int) -> None:
    assert (
        only_card(json.dumps({"flashcards": [{**card("x"), "quotes": [{"page": page, "quote": "q"}]}]})).quotes[0].page
        == number
    )


@pytest.mark.parametrize(
    ("difficulty", "kind", "expected"),
    [
        ("Leicht", "Lückentext", (Difficulty.EASY, FlashcardKind.CLOZE)),
        ("intermediate", "cloze_deletion", (Difficulty.MEDIUM, FlashcardKind.CLOZE)),
        ("difficile", "texte à trous", (Difficulty.HARD, FlashcardKind.CLOZE)),
        ("medio", "base", (Difficulty.MEDIUM, FlashcardKind.BASIC)),
        ("schwer", "Frage-Antwort", (Difficulty.HARD, FlashcardKind.BASIC)),
        ("facile", "question", (Difficulty.EASY, FlashcardKind.BASIC)),
    ],
)
def test_values_may_be_words_of_four_languages(
    difficulty: str, kind: str, expected: tuple[Difficulty, FlashcardKind]
) -> None:
    read = only_card(json.dumps({"flashcards": [{**card("x"), "difficulty": difficulty, "kind": kind}]}))
    assert (read.difficulty, read.kind) == expected
