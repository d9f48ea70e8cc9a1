"""Writes flashcards and questions from definitions and gaps, best first."""

from dataclasses import dataclass

from rapidfuzz import fuzz

from backend.generation.language_models.builtin.cloze import Gap
from backend.generation.language_models.builtin.concepts import tells_a_kind
from backend.generation.language_models.builtin.definitions import Definition
from backend.generation.language_models.builtin.distractors import DistractorChooser, capitalise
from backend.generation.language_models.builtin.lexicon import Lexicon, Wording
from backend.generation.language_models.builtin.prose import Sentence
from backend.generation.language_models.builtin.sentence_checks import content_words, normalize_words
from backend.generation.language_models.interface import DraftFlashcard, DraftOption, DraftQuestion, DraftQuote
from backend.study.types import Difficulty, FlashcardKind
from backend.text.cloze import find_deletions, replace_deletions

MAX_ITEMS_PER_SENTENCE = 2
MIN_SAME_FRONT_PERCENT = 90
"""From this similarity on, two fronts count as the same."""

_GAP = "_____"


@dataclass(frozen=True, slots=True)
class Candidate:
    """An item before selection: its draft (without a topic yet), its front or stem, and the term it is about."""

    draft: DraftFlashcard | DraftQuestion
    front: str
    term: str
    sentence: Sentence
    strength: float


def draft_flashcards(definitions: list[Definition], gaps: list[Gap], wording: Wording) -> list[Candidate]:
    """Return a card for each definition and each gap; a definition's own gap ranks below its card."""
    cards = [_definition_card(definition, wording) for definition in definitions]
    defining = {id(definition.sentence) for definition in definitions if not definition.expands}
    cards.extend(_cloze_card(gap, behind=id(gap.sentence) in defining) for gap in gaps)
    return cards


class QuestionWriter:
    def __init__(self, distractors: DistractorChooser, wording: Wording, lexicon: Lexicon) -> None:
        self._distractors = distractors
        self._wording = wording
        self._lexicon = lexicon

    def draft_questions(self, definitions: list[Definition], gaps: list[Gap]) -> list[Candidate]:
        """Return questions for definitions, and for gaps of terms defined elsewhere, that have three distractors."""
        asked: list[tuple[str, str, str, Definition | Gap]] = [
            (definition.term, self._wording.which_term, _sentence_case(definition.text), definition)
            for definition in definitions
            if not definition.expands and not definition.context and tells_a_kind(definition)
        ]
        defining = {id(definition.sentence) for definition in definitions}
        asked.extend(
            (gap.term, self._wording.which_gap, _GAP + _without_full_stop(gap.sentence.text[gap.end :]), gap)
            for gap in gaps
            if id(gap.sentence) not in defining and self._distractors.defines(gap.term)
        )
        candidates = (self._ask(term, frame, text, source) for term, frame, text, source in asked)
        return [candidate for candidate in candidates if candidate is not None]

    def _ask(self, key: str, frame: str, text: str, source: Definition | Gap) -> Candidate | None:
        sentence = source.sentence
        distractors = self._distractors.choose(key, text, sentence)
        if not distractors or len(content_words(text, self._lexicon)) < 4:
            return None
        options = tuple(
            DraftOption(f"o{number}", capitalise(option)) for number, option in enumerate((key, *distractors), start=1)
        )
        explanation = self._wording.explanation.format(key=capitalise(key), sentence=sentence.text)
        stem = frame.format(text=text)
        draft = DraftQuestion(stem, options, "o1", explanation, "", Difficulty.MEDIUM, (_quote(sentence),))
        return Candidate(draft, stem, key, sentence, source.strength)


class Selection:
    """Picks the strongest candidates, without repeats and with only a few from one sentence."""

    def __init__(self, existing: tuple[str, ...], difficulty: Difficulty | None) -> None:
        self._seen = [(_plain(front), _answer(front)) for front in existing]
        self._difficulty = difficulty
        self._per_sentence: dict[int, int] = {}

    def pick(self, candidates: list[Candidate], limit: int) -> list[Candidate]:
        """Return at most ``limit`` candidates, those of the requested difficulty and the strongest first."""
        picked: list[Candidate] = []
        requested = self._difficulty
        for candidate in sorted(
            candidates, key=lambda c: (requested is not None and c.draft.difficulty != requested, -c.strength)
        ):
            if len(picked) >= limit:
                break
            place = id(candidate.sentence)
            if self._per_sentence.get(place, 0) < MAX_ITEMS_PER_SENTENCE and not self._is_repeat(candidate):
                self._per_sentence[place] = self._per_sentence.get(place, 0) + 1
                self._seen.append((_plain(candidate.front), _answer(candidate.front)))
                picked.append(candidate)
        return picked

    def _is_repeat(self, candidate: Candidate) -> bool:
        plain, answer = _plain(candidate.front), _answer(candidate.front)
        for front, other_answer in self._seen:
            if answer != other_answer:
                continue
            # Short fronts ("define dna", "define rna") are similar by their template, so only equal ones are repeats.
            if plain == front or (
                min(len(plain), len(front)) > 40 and fuzz.ratio(plain, front) >= MIN_SAME_FRONT_PERCENT
            ):
                return True
        return False


def _definition_card(definition: Definition, wording: Wording) -> Candidate:
    if definition.expands:
        front = wording.stands_for.format(term=definition.term)
    elif definition.subject is None:
        front = wording.define.format(term=definition.term)
    else:
        template = wording.what_are if definition.plural else wording.what_is
        front = template.format(subject=definition.subject)
    if definition.context:
        front = f"{definition.context}: {front}"
    back = definition.text if definition.expands else _sentence_case(definition.text) + "."
    draft = DraftFlashcard(FlashcardKind.BASIC, front, back, "", Difficulty.EASY, (_quote(definition.sentence),))
    return Candidate(draft, front, definition.term, definition.sentence, definition.strength)


def _cloze_card(gap: Gap, *, behind: bool) -> Candidate:
    text = gap.sentence.text
    front = f"{text[: gap.start]}{{{{c1::{gap.term}}}}}{text[gap.end :]}"
    draft = DraftFlashcard(FlashcardKind.CLOZE, front, "", "", Difficulty.MEDIUM, (_quote(gap.sentence),))
    strength = gap.strength - 0.4 if behind else gap.strength
    return Candidate(draft, front, gap.term, gap.sentence, strength)


def _quote(sentence: Sentence) -> DraftQuote:
    return DraftQuote(sentence.page, sentence.raw)


def _without_full_stop(text: str) -> str:
    return text.removesuffix(".")


def _sentence_case(text: str) -> str:
    return text[0].upper() + text[1:]


def _plain(front: str) -> str:
    return normalize_words(replace_deletions(front, lambda deletion: deletion.hidden))


def _answer(front: str) -> str:
    deletions = find_deletions(front)
    return normalize_words(deletions[0].hidden) if deletions else ""
