"""All kinds of item, and the two collections in which they are listed and counted."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pkgutil import iter_modules
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONPATH
from sqlalchemy.orm import InstrumentedAttribute

from backend.study.items import kinds
from backend.study.items.kind import Kind
from backend.study.models import EvidenceRow, FlashcardRow, QuestionRow
from backend.study.types import SINGLE_CHOICE, FlashcardKind


def _find_kinds() -> Iterator[Kind[Any]]:
    for module in iter_modules(kinds.__path__):
        kind = import_module(f"{kinds.__name__}.{module.name}").KIND
        if not isinstance(kind, Kind):
            raise TypeError(f"KIND of {module.name} is not a Kind.")
        yield kind


KINDS: Mapping[str, Kind[Any]] = {kind.name: kind for kind in _find_kinds()}
"""By name. To register a new kind, add a module to ``kinds``."""


@dataclass(frozen=True)
class Collection:
    """Items that share a path of the API and a table.

    ``front`` is the question of an item, ``searched`` its texts, and ``content`` the columns that hold them.
    """

    name: str
    noun: str
    table: type[FlashcardRow | QuestionRow]
    evidence: InstrumentedAttribute[UUID | None]
    front: InstrumentedAttribute[str]
    searched: Sequence[sa.ColumnElement[str] | InstrumentedAttribute[str]]
    content: Sequence[InstrumentedAttribute[Any]]
    default_kind: str

    @cached_property
    def columns(self) -> tuple[str, ...]:
        return tuple(self.table.__table__.columns.keys())

    @cached_property
    def kinds(self) -> tuple[Kind[Any], ...]:
        """Its kinds; the default kind, which old clients expect, comes first."""
        own = [kind for kind in KINDS.values() if kind.collection == self.name]
        return tuple(sorted(own, key=lambda kind: kind.name != self.default_kind))

    @cached_property
    def is_known(self) -> sa.ColumnElement[bool]:
        """Excludes kinds that only the next release knows; during a deployment both releases run."""
        return self.table.kind.in_([kind.name for kind in self.kinds])


def _texts_in(column: InstrumentedAttribute[Any], path: str) -> sa.ColumnElement[str]:
    """Return the texts at a path of a JSON column, one per line."""
    found = sa.func.jsonb_path_query(column, sa.cast(path, JSONPATH)).column_valued("found")
    text = sa.func.string_agg(found.op("#>>")(sa.text("'{}'")), "\n", type_=sa.Text)
    return sa.select(text).scalar_subquery()


FLASHCARDS = Collection(
    name="flashcards",
    noun="flashcard",
    table=FlashcardRow,
    evidence=EvidenceRow.flashcard_id,
    front=FlashcardRow.front,
    searched=(FlashcardRow.front, FlashcardRow.back),
    content=(FlashcardRow.front, FlashcardRow.back),
    default_kind=FlashcardKind.BASIC,
)
QUESTIONS = Collection(
    name="questions",
    noun="question",
    table=QuestionRow,
    evidence=EvidenceRow.question_id,
    front=QuestionRow.stem,
    searched=(
        QuestionRow.stem,
        QuestionRow.explanation,
        _texts_in(QuestionRow.options, "$[*].text"),
        _texts_in(QuestionRow.data, '$.** ? (@.type() == "string")'),
    ),
    content=(QuestionRow.stem, QuestionRow.explanation, QuestionRow.options, QuestionRow.data),
    default_kind=SINGLE_CHOICE,
)
COLLECTIONS = (FLASHCARDS, QUESTIONS)
