"""Types of checks, their context and their results."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Generic, TypeVar

from backend.generation.language_models.interface import DraftFlashcard, DraftQuestion
from backend.study.evidence import PageIndex, QuoteProblem
from backend.study.types import Evidence
from backend.text.folding import fold

Draft = TypeVar("Draft", DraftFlashcard, DraftQuestion)

MAX_TOPIC_CHARS = 120
"""Limit of a topic's name, wherever it occurs."""


class Action(StrEnum):
    """What happens to an item that fails a check: dropped, repaired once by the model, or only flagged."""

    DROP = "drop"
    REPAIR = "repair"
    FLAG = "flag"


@dataclass(frozen=True)
class CheckContext:
    """The context in which items are checked.

    ``index`` contains the pages that the model saw. ``prompt_fragments`` are texts that occur only in our prompts.
    ``language`` is the ISO 639-1 code of the requested language. ``formulas`` are those of the pages
    (``checks.formulas``).
    """

    index: PageIndex
    language: str
    prompt_fragments: tuple[str, ...] = ()
    option_count: int = 4
    formulas: frozenset[str] = frozenset()

    @cached_property
    def folded_fragments(self) -> tuple[str, ...]:
        """The non-empty prompt fragments, folded and without trailing full stops."""
        folded = (fold(fragment).text.strip(" .") for fragment in self.prompt_fragments)
        return tuple(fragment for fragment in folded if fragment)


@dataclass(frozen=True, slots=True)
class Check(Generic[Draft]):
    """A rule for drafts. ``fails`` returns whether a draft breaks it. ``reasons.REASONS`` has a sentence for it."""

    name: str
    fails: Callable[[Draft, CheckContext], bool]
    action: Action = Action.DROP


@dataclass(frozen=True, slots=True)
class Kept(Generic[Draft]):
    """A draft that passed, cleaned, with its located evidence (at least one).

    ``fixed`` names the fixes applied to it, ``flagged`` the failed checks that only flag.
    """

    draft: Draft
    evidence: tuple[Evidence, ...]
    fixed: tuple[str, ...] = ()
    flagged: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rejected(Generic[Draft]):
    """A draft that failed, with the name of the failed check and its action."""

    draft: Draft
    check: str
    action: Action = Action.DROP


def run_checks(
    original: Draft, draft: Draft, checks: Sequence[Check[Draft]], context: CheckContext, fixed: tuple[str, ...]
) -> Kept[Draft] | Rejected[Draft]:
    """Run checks on a cleaned draft in order, then look up its quotes. The first failure decides."""
    flagged = []
    for check in checks:
        if not check.fails(draft, context):
            continue
        if check.action is not Action.FLAG:
            return Rejected(original, check.name, check.action)
        flagged.append(check.name)
    located = [context.index.locate(quote.quote, quote.page) for quote in draft.quotes]
    # Quoting the same passage twice adds no evidence.
    evidence = tuple(dict.fromkeys(found for found in located if isinstance(found, Evidence)))
    if not evidence:
        problem = next((found for found in located if isinstance(found, QuoteProblem)), None)
        return Rejected(original, problem.value if problem else "no_quote")
    return Kept(draft, evidence, fixed, tuple(flagged))
