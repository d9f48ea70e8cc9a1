"""Requests and responses shared by all kinds of item, and functions that combine those of several kinds."""

from collections.abc import Sequence
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Annotated, Any, Literal, get_args
from uuid import UUID

from pydantic import BaseModel, Field, StrictInt, StringConstraints, create_model
from pydantic.fields import FieldInfo

from backend.core.web.http import RequestBody, ResponseBody
from backend.core.web.pagination import PageQuery
from backend.core.web.visible_text import Visible
from backend.study.types import CitedQuote, Difficulty, EvidenceStatus, ItemFilter

ShortText = Annotated[str, Visible, StringConstraints(strip_whitespace=True, min_length=1, max_length=1000)]
LongText = Annotated[str, Visible, StringConstraints(strip_whitespace=True, min_length=1, max_length=4000)]
OptionalText = Annotated[str, Visible, StringConstraints(strip_whitespace=True, max_length=4000)]
SearchText = Annotated[str, Visible, StringConstraints(strip_whitespace=True, max_length=200)]

EvidenceOutcome = Literal["verified", "uncheckable", "none"]


class EvidenceRequest(RequestBody):
    """A quote given as evidence. The server looks it up on the cited page and the pages next to it."""

    document_id: UUID
    page: StrictInt = Field(ge=1, le=1_000_000)
    quote: LongText

    def cited(self) -> CitedQuote:
        return CitedQuote(self.document_id, self.page, self.quote)


class ItemRequest(RequestBody):
    """Fields of every new item; each kind adds ``kind`` and its content."""

    difficulty: Difficulty = Difficulty.MEDIUM
    topic_id: UUID | None = None
    evidence: EvidenceRequest | None = None


class EvidenceResponse(ResponseBody):
    """Where an item comes from. Offsets count code points of the page's text. Without a quote, the whole page."""

    document_id: UUID
    page: int
    quote: str | None
    start: int | None
    end: int | None
    status: EvidenceStatus
    option_id: str | None = Field(description="The option that this is evidence for; null: the whole item.")


class ItemResponse(ResponseBody):
    """Fields of every item; each kind adds ``kind`` and its content."""

    id: UUID
    study_set_id: UUID
    topic_id: UUID | None
    difficulty: Difficulty
    evidence: list[EvidenceResponse]
    evidence_status: EvidenceOutcome = Field(description="`uncheckable` if any evidence is; `none` without evidence.")
    origin: Literal["generated", "hand"]
    model: str | None
    run_id: UUID | None
    created_at: datetime
    updated_at: datetime


class ItemPage(ResponseBody):
    """A page of items, oldest first; a collection adds ``items``."""

    next_cursor: str | None


class BoxResponse(ResponseBody):
    """A rectangle in fractions of the page as it is shown, from its top left corner."""

    left: float
    top: float
    width: float
    height: float


class EvidenceContextResponse(EvidenceResponse):
    """Evidence with up to 300 characters of the page's text on each side."""

    filename: str
    text_before: str
    text_after: str
    page_text_length: int
    boxes: list[BoxResponse] | None = Field(
        description="Where the quote's words are on the page; a word whose place is unknown is left out. Null without "
        "a quote, for formats without images of pages, and while it cannot be found out."
    )


class ItemQuery(PageQuery):
    """Filters of a list of items; a collection restricts ``kind`` to its own kinds."""

    topic_id: UUID | None = None
    difficulty: Difficulty | None = None
    run_id: UUID | None = Field(None, description="Only items of this run.")
    document_id: UUID | None = Field(None, description="Only items with evidence in this document.")
    q: SearchText | None = Field(None, description="Text to search for anywhere in an item; case-insensitive.")
    kind: str | None = None

    def chosen(self) -> ItemFilter:
        return ItemFilter(
            topic_id=self.topic_id,
            kind=self.kind,
            difficulty=self.difficulty,
            run_id=self.run_id,
            document_id=self.document_id,
            text=self.q,
        )


def join_bodies(name: str, bodies: Sequence[type[BaseModel]], default_kind: str) -> type[Any]:
    """Return one model with the fields of several kinds' models; a single model is returned unchanged.

    A field that some kinds lack is optional in requests, and null in responses of those kinds.
    """
    distinct = list(dict.fromkeys(bodies))
    if len(distinct) == 1:
        return distinct[0]
    base = RequestBody if issubclass(distinct[0], RequestBody) else ResponseBody
    fields: dict[str, Any] = {}
    for field in dict.fromkeys(field for body in distinct for field in body.model_fields):
        infos = [body.model_fields[field] for body in distinct if field in body.model_fields]
        of_all = len(infos) == len(distinct)
        joined = reduce(or_, dict.fromkeys(map(_type_of, infos)))
        if of_all:
            fields[field] = (joined, infos[0])
        else:
            fields[field] = (joined, _left_out()) if base is RequestBody else (joined | None, None)
    kinds = tuple(kind for body in distinct for kind in get_args(body.model_fields["kind"].annotation))
    fields["kind"] = (Literal[kinds], default_kind if base is RequestBody else ...)
    return create_model(name, __base__=base, __doc__=" ".join(body.__doc__ or "" for body in distinct), **fields)


def body_of_changes(name: str, body: type[BaseModel], doc: str) -> type[RequestBody]:
    """Return the PATCH request for items created by ``body``: all fields optional, without kind and evidence."""
    fields: dict[str, Any] = {
        field: (_type_of(info), _left_out(info.description))
        for field, info in body.model_fields.items()
        if field not in ("kind", "evidence")
    }
    return create_model(name, __base__=RequestBody, __doc__=doc, **fields)


def _type_of(info: FieldInfo) -> Any:
    return Annotated[(info.annotation, *info.metadata)] if info.metadata else info.annotation


def _left_out(description: str | None = None) -> Any:
    # A default from a factory does not appear in the schema: the field may be left out, but not be null.
    return Field(default_factory=lambda: None, description=description)
