"""A reply is checked item by item; only its language is checked as a whole."""

from dataclasses import replace
from uuid import UUID

from backend.generation.checks.check import CheckContext
from backend.generation.checks.reply import check_items
from backend.generation.language_models.interface import (
    DraftFlashcard,
    DraftOption,
    DraftQuestion,
    DraftQuote,
    SectionReply,
)
from backend.library.types import PageText
from backend.study.evidence import PageIndex
from backend.study.types import Difficulty, FlashcardKind

CONTEXT = CheckContext(
    index=PageIndex(UUID(int=1), [PageText(1, "The mitochondrion makes ATP in cells.")]), language="en"
)
QUOTES = (DraftQuote(1, "The mitochondrion makes ATP"),)
ENGLISH = DraftFlashcard(
    FlashcardKind.BASIC,
    "What is it that the mitochondrion of a cell makes for the cell?",
    "It makes the ATP which the cell uses for all of its work.",
    "Cells",
    Difficulty.EASY,
    QUOTES,
)
GERMAN = replace(
    ENGLISH,
    front="Was ist es, das das Mitochondrium einer Zelle für die Zelle herstellt?",
    back="Es ist das ATP, das die Zelle für ihre Arbeit und für den Transport braucht.",
)
QUESTION = DraftQuestion(
    "Which part of the cell makes ATP?",
    tuple(DraftOption(name, f"the {part}") for name, part in zip("abcd", ("core", "hull", "sap", "tail"), strict=True)),
    "b",
    "It is the part that makes ATP.",
    "Cells",
    Difficulty.EASY,
    QUOTES,
)


def test_a_bad_item_does_not_affect_others() -> None:
    bad_card, bad_question = replace(ENGLISH, back="N/A"), replace(QUESTION, key="z")
    fixed = replace(ENGLISH, back=ENGLISH.back + "\u200b")
    checked = check_items(SectionReply((), (bad_card, ENGLISH, fixed), (bad_question, QUESTION)), CONTEXT)
    assert [kept.draft for kept in checked.flashcards] == [ENGLISH, ENGLISH]
    assert [kept.draft for kept in checked.questions] == [QUESTION]
    assert [(each.draft, each.check) for each in checked.rejected] == [
        (bad_card, "placeholder"),
        (bad_question, "no_such_key"),
    ]
    assert checked.count_rejected() == {"placeholder": 1, "no_such_key": 1}
    assert checked.flashcards[1].fixed == ("invisible_characters",)


def test_a_batch_in_another_language_is_rejected() -> None:
    checked = check_items(SectionReply((), (GERMAN, GERMAN), ()), CONTEXT)
    assert (checked.flashcards, checked.questions) == ((), ())
    assert checked.count_rejected() == {"wrong_language": 2}
    wanted = check_items(SectionReply((), (GERMAN, GERMAN), ()), replace(CONTEXT, language="de"))
    assert len(wanted.flashcards) == 2


def test_a_single_card_in_another_language_does_not_reject_the_batch() -> None:
    checked = check_items(SectionReply((), (GERMAN, ENGLISH, ENGLISH), (QUESTION,)), CONTEXT)
    assert (len(checked.flashcards), len(checked.questions)) == (3, 1)


def test_an_empty_reply() -> None:
    checked = check_items(SectionReply((), (), ()), CONTEXT)
    assert (checked.flashcards, checked.questions, checked.rejected) == ((), (), ())
