"""Bad flashcards are dropped for the right reason, and similar good ones are kept."""

from dataclasses import replace
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.generation.checks.check import Action, CheckContext, Kept, Rejected
from backend.generation.checks.cleaning import clean_text
from backend.generation.checks.flashcards import FLASHCARD_CHECKS, check_flashcard
from backend.generation.checks.questions import QUESTION_CHECKS
from backend.generation.checks.reasons import REASONS
from backend.generation.language_models.interface import DraftFlashcard, DraftQuote
from backend.generation.language_models.openai.prompts import CANARY, SECTION_SYSTEM, prompt_fragments
from backend.library.types import PageText
from backend.study.evidence import PageIndex, QuoteProblem
from backend.study.types import Difficulty, EvidenceStatus, FlashcardKind
from backend.text.languages import LANGUAGES

PAGE = "The mitochondrion makes ATP. Osmosis is the diffusion of water. The area is x^2 in all."
CONTEXT = CheckContext(
    index=PageIndex(UUID(int=1), [PageText(1, PAGE)]), language="en", prompt_fragments=prompt_fragments()
)
QUOTE = DraftQuote(1, "The mitochondrion makes ATP.")
CARD = DraftFlashcard(
    FlashcardKind.BASIC, "What does the mitochondrion make?", "ATP", "Cells", Difficulty.EASY, (QUOTE,)
)


def basic(front: str = CARD.front, back: str = CARD.back) -> DraftFlashcard:
    return replace(CARD, front=front, back=back)


def cloze(front: str) -> DraftFlashcard:
    return replace(CARD, kind=FlashcardKind.CLOZE, front=front, back="")


def failure(draft: DraftFlashcard) -> str | None:
    checked = check_flashcard(draft, CONTEXT)
    return checked.check if isinstance(checked, Rejected) else None


def test_a_good_card_is_kept_with_its_evidence() -> None:
    checked = check_flashcard(CARD, CONTEXT)
    assert isinstance(checked, Kept)
    assert checked.draft == CARD
    (evidence,) = checked.evidence
    assert PAGE[evidence.start : evidence.end] == evidence.quote == "The mitochondrion makes ATP"
    assert (checked.fixed, checked.flagged) == ((), ())


@pytest.mark.parametrize(
    ("draft", "check"),
    [
        (basic(front=" \n "), "empty"),
        (basic(back=""), "empty"),
        (basic(back="\u200b\u2060 \U000e0041"), "empty"),
        (cloze(""), "empty"),
        (basic(front="x" * 501), "too_long"),
        (basic(back="x " * 751), "too_long"),
        (replace(CARD, topic="x" * 121), "too_long"),
        (basic(back="N/A"), "placeholder"),
        (basic(back="n/a."), "placeholder"),
        (basic(back="TODO"), "placeholder"),
        (basic(back="…"), "placeholder"),
        (basic(back="[...]"), "placeholder"),
        (basic(back="---"), "placeholder"),
        (basic(back="Lorem ipsum dolor sit amet"), "placeholder"),
        (basic(front="Question 3"), "placeholder"),
        (basic(back="Platzhalter"), "placeholder"),
        (basic(back="[Answer generation failed]"), "meta_text"),
        (basic(front="Flashcard generation failed"), "meta_text"),
        (basic(back="[Insert definition]"), "meta_text"),
        (basic(back="TODO: write this"), "meta_text"),
        (basic(back="As an AI language model, I cannot know this."), "meta_text"),
        (basic(back="I'm sorry, but I can't help with that."), "meta_text"),
        (basic(back="Als KI-Sprachmodell kann ich das nicht sagen."), "meta_text"),
        (basic(front="What does the text above say about cells?"), "missing_context"),
        (basic(front="What happens according to the text?"), "missing_context"),
        (basic(front="Which organelle is mentioned in the given passage?"), "missing_context"),
        (basic(front="What is shown in this figure?"), "missing_context"),
        (basic(back="See figure 3."), "missing_context"),
        (basic(back="ATP (see Table 2)"), "missing_context"),
        (basic(front="Was bedeutet der Pfeil in Abbildung 4?"), "missing_context"),
        (basic(back="Siehe Abb. 3"), "missing_context"),
        (basic(front="Was bildet die Zelle laut Text?"), "missing_context"),
        (basic(front="Was steht im vorliegenden Text?"), "missing_context"),
        (basic(front="Welche Organelle ist im Text erwähnt?"), "missing_context"),
        (basic(back=f"ATP {CANARY.upper()}"), "prompt_leak"),
        (basic(back="</hts:page> ATP"), "prompt_leak"),
        (
            basic(back="Everything you  write must be supported by the pages alone, not by what you know besides"),
            "prompt_leak",
        ),
        (basic(front="What hides in {{c1::ATP}}?"), "cloze_in_basic_card"),
        (cloze("The mitochondrion makes ATP."), "cloze_syntax"),
        (cloze("The mitochondrion makes {{c1::ATP}."), "cloze_syntax"),
        (cloze("The mitochondrion makes {{c1::ATP}}. }}"), "cloze_syntax"),
        (cloze("The {{c1::mitochondrion {{c2::makes}} ATP}} in cells"), "cloze_syntax"),
        (cloze("The mitochondrion makes {{c2::ATP}}."), "cloze_syntax"),
        (cloze("The {{c1::mitochondrion}} makes {{c3::ATP}}."), "cloze_syntax"),
        (cloze("The mitochondrion makes {{c0::ATP}}."), "cloze_syntax"),
        (cloze("The mitochondrion makes {{c1::}}."), "cloze_syntax"),
        (cloze("The mitochondrion makes {{c1:: }}."), "cloze_syntax"),
        (cloze("The mitochondrion makes 10^{{{c1::23}}} ATP."), "cloze_syntax"),
        (cloze("The mitochondrion makes {{c1::10^{2}}3} ATP."), "cloze_syntax"),
        (cloze("{{c1::The mitochondrion makes ATP.}}"), "cloze_whole_sentence"),
        (cloze("{{c1::The mitochondrion}} {{c1::makes}} ATP."), "cloze_whole_sentence"),
        (cloze("Cells need energy. {{c1::The mitochondrion makes ATP}}. So it is."), "cloze_whole_sentence"),
        (cloze("{{c1::The}} mitochondrion makes ATP."), "cloze_stop_word"),
        (cloze("Das Mitochondrium ist {{c1::in der}} Zelle."), "cloze_stop_word"),
        (cloze("The mitochondrion makes ATP{{c1::.}}"), "cloze_stop_word"),
        (replace(CARD, quotes=()), "no_quote"),
        (replace(CARD, quotes=(DraftQuote(1, "ATP"),)), "quote_too_short"),
        (replace(CARD, quotes=(DraftQuote(1, "The mitochondrion ... ATP"),)), "quote_has_ellipsis"),
        (replace(CARD, quotes=(DraftQuote(1, "The ribosome makes proteins."),)), "quote_not_found"),
    ],
)
def test_bad_cards(draft: DraftFlashcard, check: str) -> None:
    assert failure(draft) == check


@pytest.mark.parametrize(
    "draft",
    [
        basic(back="+"),
        basic(back="−"),
        basic(back="∞"),
        basic(back="0"),
        basic(back="[]"),
        basic(back="null"),
        basic(back="None"),
        basic(back="to do"),
        basic(back="XXX"),
        basic(front="What does the abbreviation N/A mean?", back="not applicable"),
        basic(front="What is a TODO comment for?", back="It marks work that is left to do."),
        basic(front="What is lorem ipsum?", back="Filler text used in layouts"),
        basic(front="Which tag puts a caption in the text below an image?", back="figcaption"),
        basic(front="Which of the following page replacement algorithms is optimal?", back="Belady's"),
        basic(front="What is TF-IDF based on?", back="It is based on the document frequency of a term."),
        basic(front="Wann ist eine Figur gleichseitig?", back="Nach Abschnitt 3 des Gesetzes nie"),
        basic(front="How can an AI act as an assistant?", back="By answering questions"),
        basic(front="What lets doctors see images of bones?", back="X-rays"),
        basic(front="Was ist ein Text?", back="Eine Folge von Sätzen"),
        basic(front="z" * 500, back="y" * 1500),
        replace(CARD, topic="  " + "x" * 120 + "\u200b"),
        basic(front=r"What is \(\frac{a}{b^{2}}\)?", back=r"\(c\)"),
        cloze("The {{c1::mitochondrion}} makes {{c2::ATP}}."),
        cloze("The {{c1::mitochondrion::organelle}} makes {{c1::ATP}}."),
        cloze("Energy is {{c1::\\(mc^2\\)}} with \\(\\frac{a}{b^{2}}\\) in it."),
        cloze("The mitochondrion makes {{c1::10^{23}}} ATP."),
        cloze("The operator {{c1::+}} adds numbers."),
        cloze("Night blindness is a lack of vitamin {{c1::A}} in food."),
        cloze("Die {{c1::Osmose ist die Diffusion}} von Wasser."),
        cloze("In C++ one writes {{c1::std}} and std::vector for it."),
    ],
)
def test_good_cards(draft: DraftFlashcard) -> None:
    assert failure(draft) is None


def test_one_located_quote_is_enough() -> None:
    missing = DraftQuote(1, "The ribosome makes proteins.")
    checked = check_flashcard(replace(CARD, quotes=(missing, QUOTE, QUOTE)), CONTEXT)
    assert isinstance(checked, Kept)
    assert len(checked.evidence) == 1
    formula = check_flashcard(replace(CARD, quotes=(DraftQuote(1, "The area is x^2 in all."),)), CONTEXT)
    assert isinstance(formula, Kept)
    assert formula.evidence[0].status is EvidenceStatus.UNCHECKABLE


def test_invisible_characters_are_fixed_and_counted() -> None:
    checked = check_flashcard(basic(front=" What\u200b is\u202e it\U000e0041\x00?\r\n", back="A\tB\r\nC"), CONTEXT)
    assert isinstance(checked, Kept)
    assert (checked.draft.front, checked.draft.back) == ("What is it?", "A\tB\nC")
    assert checked.fixed == ("invisible_characters",)


def test_a_topic_is_one_line_without_invisible_characters() -> None:
    checked = check_flashcard(replace(CARD, topic=" Cells\x00\n and\t\u200btissue"), CONTEXT)
    assert isinstance(checked, Kept)
    assert (checked.draft.topic, checked.fixed) == ("Cells and tissue", ("invisible_characters",))


def test_rejections_keep_the_original_draft() -> None:
    draft = basic(back=" \u200b ")
    rejected = check_flashcard(draft, CONTEXT)
    assert isinstance(rejected, Rejected)
    assert rejected.draft is draft
    assert rejected.action is Action.DROP


@given(st.text(st.one_of(st.characters(), st.sampled_from("\x00\u200b\u202e\ufeff\ud800\U000e0041\r\n\u2028 a"))))
def test_clean_text_is_clean(text: str) -> None:
    cleaned = clean_text(text)
    assert clean_text(cleaned) == cleaned == cleaned.strip()
    cleaned.encode()
    assert not set(cleaned) & set("\x00\r\u2028\u200b\u200f\u202e\u2066\ufeff\U000e0041\u00ad\x1b")


@given(st.text("äöüß€—“’ abcXYZ012.,;:!?()[]{}<>=+*/\\\n\t"))
def test_clean_text_keeps_visible_characters(text: str) -> None:
    assert clean_text(text) == text.strip()


def test_lone_surrogates_are_removed() -> None:
    assert clean_text("a\ud800b\udfff") == "ab"


def test_every_check_has_a_reason_in_each_language() -> None:
    names = [check.name for check in (*FLASHCARD_CHECKS, *QUESTION_CHECKS)]
    names += [*QuoteProblem, "no_quote", "wrong_language", "invisible_characters", "formula_delimiters"]
    assert set(names) == set(REASONS)
    assert len({check.name for check in FLASHCARD_CHECKS}) == len(FLASHCARD_CHECKS)
    for sentences in REASONS.values():
        assert set(sentences) == set(LANGUAGES)
        assert all(sentence.endswith(".") for sentence in sentences.values())


def test_each_sentence_of_our_instructions_is_recognised() -> None:
    assert failure(basic(back=SECTION_SYSTEM[200:1200])) == "prompt_leak"
