"""Bad questions are dropped for the right reason, and similar good ones are kept."""

from dataclasses import replace
from uuid import UUID

import pytest

from backend.generation.checks.check import CheckContext, Kept, Rejected
from backend.generation.checks.questions import check_question
from backend.generation.language_models.interface import DraftOption, DraftQuestion, DraftQuote
from backend.library.types import PageText
from backend.study.evidence import PageIndex
from backend.study.types import Difficulty

CONTEXT = CheckContext(
    index=PageIndex(UUID(int=1), [PageText(1, "The mitochondrion makes ATP in cells.")]),
    language="en",
    prompt_fragments=("Secret words of ours",),
)
OPTIONS = ("the nucleus", "the mitochondrion", "the ribosome", "the membrane")


def question(
    *options: str, stem: str = "Which part makes ATP?", explanation: str = "It makes ATP.", key: str = "b"
) -> DraftQuestion:
    return DraftQuestion(
        stem,
        tuple(DraftOption(name, text) for name, text in zip("abcdefgh", options or OPTIONS, strict=False)),
        key,
        explanation,
        "Cells",
        Difficulty.EASY,
        (DraftQuote(1, "The mitochondrion makes ATP"),),
    )


def failure(draft: DraftQuestion) -> str | None:
    checked = check_question(draft, CONTEXT)
    return checked.check if isinstance(checked, Rejected) else None


def test_a_good_question_is_kept() -> None:
    checked = check_question(question(), CONTEXT)
    assert isinstance(checked, Kept)
    assert checked.draft == question()
    assert checked.evidence[0].page == 1


def test_texts_are_cleaned() -> None:
    checked = check_question(question(" the\u200b nucleus ", *OPTIONS[1:], stem=" Which?\x07 "), CONTEXT)
    assert isinstance(checked, Kept)
    assert (checked.draft.stem, checked.draft.options[0].text) == ("Which?", "the nucleus")
    assert checked.fixed == ("invisible_characters",)


def test_option_count_comes_from_the_context() -> None:
    assert failure(question("x1", "x2", "x3", key="b")) == "option_count"
    three = check_question(question("x1", "x2", "x3"), replace(CONTEXT, option_count=3))
    assert isinstance(three, Kept)


@pytest.mark.parametrize(
    ("draft", "check"),
    [
        (question(stem=" "), "empty"),
        (question("x", "y", "z", "\u200b"), "empty"),
        (question(explanation=""), "empty"),
        (question(stem="x" * 801), "too_long"),
        (question("x" * 301, "y", "z", "w"), "too_long"),
        (question(explanation="x" * 1501), "too_long"),
        (replace(question(), topic="x" * 121), "too_long"),
        (question("Option A", "the mitochondrion", "x", "y"), "placeholder"),
        (question("N/A", "the mitochondrion", "x", "y"), "placeholder"),
        (question(explanation="As an AI, I cannot say."), "meta_text"),
        (question(stem="What does the text above call it?"), "missing_context"),
        (question(explanation="Well, secret words  of ours."), "prompt_leak"),
        (question("a", "b", "c", "d", "e"), "option_count"),
        (question(key="z"), "no_such_key"),
        (question(key="B"), "no_such_key"),
        (question(key=""), "no_such_key"),
        (question("Kern", "Zelle", "zelle", "Haut"), "options_not_distinct"),
        (question("Kern", "Zelle", "„Haut“", '"Haut".'), "options_not_distinct"),
        (question("ﬁne", "fine", "Zelle", "Haut"), "options_not_distinct"),
        (question("0.5", "1/2", "2", "3"), "options_not_distinct"),
        (question("0,5", "2", "50 %", "3"), "options_not_distinct"),
        (question("1000", "1'000", "2", "3"), "options_not_distinct"),
        (question("½", "0.5", "2", "3"), "options_not_distinct"),
        (question(stem="Why does the mitochondrion make ATP?"), "key_in_stem"),
        (question("Kern", "Zelle", "Haut", "Blut", stem="Woraus besteht eine Zelle?"), "key_in_stem"),
        (question(explanation="B is right, as it makes ATP."), "explanation_names_letters"),
        (question(explanation="The correct answer is B."), "explanation_names_letters"),
        (question(explanation="Option C is the ribosome."), "explanation_names_letters"),
        (question(explanation="Antwort B stimmt, weil es ATP macht."), "explanation_names_letters"),
        (question(explanation="Sie macht ATP; A und C sind falsch."), "explanation_names_letters"),
        (question(explanation="(B) is correct."), "explanation_names_letters"),
        (question(explanation="Die zweite Antwort ist richtig."), "explanation_names_letters"),
        (question(explanation="It is the second option."), "explanation_names_letters"),
        (question(explanation="Answer 2 makes ATP."), "explanation_names_letters"),
        (question(explanation="The ribosome is correct, it makes ATP."), "explanation_contradicts_key"),
        (question(explanation="The right answer is the ribosome."), "explanation_contradicts_key"),
        (
            question("Kern", "Mitochondrium", "Haut", "Blut", explanation="Richtig ist „Kern“."),
            "explanation_contradicts_key",
        ),
        (
            question("Kern", "Mitochondrium", "Haut", "Blut", explanation="Der Kern ist richtig."),
            "explanation_contradicts_key",
        ),
        (replace(question(), quotes=()), "no_quote"),
        (replace(question(), quotes=(DraftQuote(1, "The nucleus makes nothing"),)), "quote_not_found"),
    ],
)
def test_bad_questions(draft: DraftQuestion, check: str) -> None:
    assert failure(draft) == check


def test_option_ids_are_unique() -> None:
    doubled = replace(question(), options=(*question().options[:3], DraftOption("a", "the membrane")))
    assert failure(doubled) == "option_ids"


@pytest.mark.parametrize(
    "draft",
    [
        question("AA", "Aa", "aA", "aa"),
        question("mM", "MM", "µM", "nM"),
        question("10²", "102", "20", "30"),
        question("x² of the area", "x2 of the area", "the area", "none"),
        question("a-b", "ab", "a+b", "a"),
        question("+", "−", "0", "∞"),
        question("5 mg", "5 g", "5 kg", "6 g"),
        question("0.5", "1/3", "2", "none"),
        question("Kern", "Zelle", "Haut", "Blut", stem="Was ist kleiner, eine Zelle oder das Blut?"),
        question("1800", "1914", "1920", "1950", stem="Until 1914 there was peace. When did the war begin?"),
        question("Kern", "Zelle", "Haut", "Blut", stem="Was haben Zellen?"),
        question(explanation="Vitamin B is not right for this. The text says: “It makes ATP”."),
        question(explanation="The answer is a cell's mitochondrion."),
        question("A", "B", "AB", "0", explanation="B is right: blood of group B meets antigen A. Antwort B stimmt."),
        question(stem="If A implies B, what makes ATP?", explanation="B is true whenever A is."),
        question(explanation="The ribosome is not correct: it makes proteins."),
        question(
            "the outer membrane",
            "the outer membrane and the matrix",
            "the matrix of it",
            "none",
            explanation="The correct answer is the outer membrane and the matrix.",
        ),
        question(stem="z" * 800, explanation="y" * 1500),
    ],
)
def test_good_questions(draft: DraftQuestion) -> None:
    assert failure(draft) is None
