"""What a check is, what it looks at, and what comes out of it."""

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
"""Characters of a topic's name, wherever it is named."""


class Action(StrEnum):
    """What happens to an item that fails: dropped, fixed in code, repaired once by the model, or only flagged."""

    DROP = "drop"
    FIX = "fix"
    REPAIR = "repair"
    FLAG = "flag"


@dataclass(frozen=True)
class CheckContext:
    """What items are checked against.

    ``index`` holds the pages that the model saw. ``prompt_fragments`` are texts that only our own prompts have.
    ``language`` is the ISO 639-1 code that the items were asked in.
    """

    index: PageIndex
    language: str
    prompt_fragments: tuple[str, ...] = ()
    option_count: int = 4

    @cached_property
    def folded_fragments(self) -> tuple[str, ...]:
        """The fragments of our prompts, folded, without full stops at their ends and empty ones."""
        folded = (fold(fragment).text.strip(" .") for fragment in self.prompt_fragments)
        return tuple(fragment for fragment in folded if fragment)


@dataclass(frozen=True, slots=True)
class Check(Generic[Draft]):
    """One rule. ``fails`` says whether a draft breaks it; ``reasons.REASONS`` has its sentence under ``name``."""

    name: str
    fails: Callable[[Draft, CheckContext], bool]
    action: Action = Action.DROP


@dataclass(frozen=True, slots=True)
class Kept(Generic[Draft]):
    """A draft that passed, cleaned, with its located evidence (at least one).

    ``fixed`` and ``flagged`` name what was fixed in it and what was found but let through.
    """

    draft: Draft
    evidence: tuple[Evidence, ...]
    fixed: tuple[str, ...] = ()
    flagged: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rejected(Generic[Draft]):
    """A draft that is not kept, with the name of the check that it failed and what may be done about it."""

    draft: Draft
    check: str
    action: Action = Action.DROP


def run_checks(
    original: Draft, draft: Draft, checks: Sequence[Check[Draft]], context: CheckContext, fixed: tuple[str, ...]
) -> Kept[Draft] | Rejected[Draft]:
    """Run checks over a cleaned draft in their order, then look its quotes up. The first failure decides."""
    flagged = []
    for check in checks:
        if not check.fails(draft, context):
            continue
        if check.action is not Action.FLAG:
            return Rejected(original, check.name, check.action)
        flagged.append(check.name)
    located = [context.index.locate(quote.quote, quote.page) for quote in draft.quotes]
    # The same passage quoted twice proves nothing more.
    evidence = tuple(dict.fromkeys(found for found in located if isinstance(found, Evidence)))
    if not evidence:
        problem = next((found for found in located if isinstance(found, QuoteProblem)), None)
        return Rejected(original, problem.value if problem else "no_quote")
    return Kept(draft, evidence, fixed, tuple(flagged))
