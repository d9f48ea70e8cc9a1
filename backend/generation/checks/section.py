"""Turns a model's reply into accepted items and counts the rejected ones."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from backend.core.ids import new_id
from backend.generation.checks.check import MAX_TOPIC_CHARS, CheckContext, Draft, Kept
from backend.generation.checks.cleaning import clean_line
from backend.generation.checks.formulas import formulas_of
from backend.generation.checks.reasons import REASONS
from backend.generation.checks.reply import check_items
from backend.generation.checks.shuffling import shuffle_options
from backend.generation.language_models.interface import (
    ConnectReply,
    DraftFlashcard,
    DraftLink,
    DraftQuestion,
    DraftTopic,
    SectionReply,
    SectionRequest,
)
from backend.generation.language_models.openai.prompts import prompt_fragments
from backend.library.types import PageText
from backend.study.evidence import PageIndex
from backend.study.types import SINGLE_CHOICE, Counts, Flashcard, NewItem, SingleChoice

SCHEMA_INVALID = "schema_invalid"
MORE_THAN_ASKED = "more_than_asked"
NOT_WRITTEN = "not_written"

MAX_SUMMARY_CHARS = 1000
MAX_LABEL_CHARS = 80

_OWN_REASONS: Mapping[str, Mapping[str, str]] = {
    SCHEMA_INVALID: {
        "en": "The item was incomplete or did not have the required format.",
        "de": "Der Eintrag war unvollständig oder hatte nicht das verlangte Format.",
        "fr": "L’élément était incomplet ou n’avait pas le format demandé.",
        "it": "L’elemento era incompleto o non aveva il formato richiesto.",
    },
    MORE_THAN_ASKED: {
        "en": "The language model wrote more items than requested.",
        "de": "Das Sprachmodell hat mehr Einträge geschrieben als verlangt.",
        "fr": "Le modèle de langage a écrit plus d’éléments que demandé.",
        "it": "Il modello linguistico ha scritto più elementi di quelli richiesti.",
    },
    NOT_WRITTEN: {
        "en": "Requested items that were never written, because the language model wrote fewer or some sections "
        "failed.",
        "de": "Verlangte Karten und Fragen, die gar nicht geschrieben wurden, weil das Sprachmodell weniger lieferte "
        "oder Abschnitte ausfielen.",
        "fr": "Éléments demandés qui n’ont pas été écrits, parce que le modèle de langage en a fourni moins ou que "
        "des sections ont échoué.",
        "it": "Elementi richiesti che non sono stati scritti, perché il modello linguistico ne ha forniti di meno o "
        "perché alcune sezioni non sono riuscite.",
    },
}
_ANY_REASON: Mapping[str, str] = {
    "en": "The item did not pass a check.",
    "de": "Der Eintrag hat eine Prüfung nicht bestanden.",
    "fr": "L’élément n’a pas réussi l’un des contrôles.",
    "it": "L’elemento non ha superato un controllo.",
}


@dataclass(frozen=True, slots=True)
class CheckedReply:
    """Topics and items ready to be added, and the number of items that each check rejected or each fix changed."""

    topics: tuple[DraftTopic, ...]
    items: tuple[NewItem[Any], ...]
    counts: Counts
    rejected: Mapping[str, int]
    fixed: Mapping[str, int]


def check_reply(reply: SectionReply, request: SectionRequest, pages: Sequence[PageText]) -> CheckedReply:
    """Check every item of a reply against the pages that the model saw, and keep at most the requested number.

    Topics are cleaned. A topic without a name, or with a name or parent that is too long, is left out.
    """
    context = CheckContext(
        index=PageIndex(request.document_id, pages),
        language=request.language,
        prompt_fragments=prompt_fragments(),
        formulas=formulas_of(pages),
    )
    checked = check_items(reply, context)
    rejected = checked.count_rejected()
    rejected[SCHEMA_INVALID] += reply.malformed
    rejected[MORE_THAN_ASKED] += checked.counts.beyond(request.wanted).total
    flashcards = checked.flashcards[: request.wanted.flashcards]
    questions = checked.questions[: request.wanted.questions]
    return CheckedReply(
        topics=tuple(topic for topic in map(_clean_topic, reply.topics) if topic is not None),
        items=(*map(_flashcard, flashcards), *map(_question, questions)),
        counts=Counts(len(flashcards), len(questions)),
        rejected=+Counter(rejected),
        fixed=_count_fixed(flashcards) + _count_fixed(questions),
    )


def _count_fixed(items: Sequence[Kept[Draft]]) -> Counter[str]:
    return Counter(name for kept in items for name in kept.fixed)


def _clean_topic(draft: DraftTopic) -> DraftTopic | None:
    name, summary, parent = clean_line(draft.name), clean_line(draft.summary), clean_line(draft.parent or "")
    if not name or max(len(name), len(parent)) > MAX_TOPIC_CHARS:
        return None
    return DraftTopic(name, summary if len(summary) <= MAX_SUMMARY_CHARS else "", parent or None)


def clean_connections(reply: ConnectReply) -> ConnectReply:
    """Return a reply with clean names and labels, without parents and links in which one is empty or too long."""
    parents: dict[str, str | None] = {}
    for name, parent in reply.parents.items():
        topic, above = clean_line(name), None if parent is None else clean_line(parent)
        if _is_name(topic) and (above is None or _is_name(above)):
            parents.setdefault(topic, above)
    links = [DraftLink(*map(clean_line, (link.source, link.target, link.label))) for link in reply.links]
    return replace(reply, parents=parents, links=tuple(link for link in links if _is_whole(link)))


def _is_whole(link: DraftLink) -> bool:
    return _is_name(link.source) and _is_name(link.target) and 0 < len(link.label) <= MAX_LABEL_CHARS


def _is_name(text: str) -> bool:
    return 0 < len(text) <= MAX_TOPIC_CHARS


def reason_text(check: str, language: str) -> str:
    """Return a sentence for users that says why a check drops items or what it fixes.

    A check that no longer exists, but that an old run names, gets a general sentence.
    """
    texts = _OWN_REASONS.get(check) or REASONS.get(check) or _ANY_REASON
    return texts.get(language, texts["en"])


def _flashcard(kept: Kept[DraftFlashcard]) -> NewItem[Flashcard]:
    draft = kept.draft
    return NewItem(
        id=new_id(),
        kind=draft.kind,
        content=Flashcard(draft.front, draft.back),
        difficulty=draft.difficulty,
        topic=draft.topic,
        evidence=kept.evidence,
    )


def _question(kept: Kept[DraftQuestion]) -> NewItem[SingleChoice]:
    draft, question_id = kept.draft, new_id()
    options, key = shuffle_options(draft.options, draft.key, question_id)
    return NewItem(
        id=question_id,
        kind=SINGLE_CHOICE,
        content=SingleChoice(draft.stem, options, key, draft.explanation),
        difficulty=draft.difficulty,
        topic=draft.topic,
        evidence=kept.evidence,
    )
