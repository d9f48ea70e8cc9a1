"""Requests and responses of topics, concept maps and exports; those of items are in ``items.bodies``."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from backend.core.web.http import RequestBody, ResponseBody
from backend.study.exports.downloads import DownloadFormat


class TopicResponse(ResponseBody):
    """A topic and how many items it has."""

    id: UUID
    name: str
    summary: str
    parent_id: UUID | None
    flashcards: int
    questions: int


class TopicPage(ResponseBody):
    """A page of topics, oldest first."""

    items: list[TopicResponse]
    next_cursor: str | None


class TopicLinkResponse(ResponseBody):
    """A labelled, directed link between two topics."""

    source_id: UUID
    target_id: UUID
    label: str


class ConceptMapQuery(RequestBody):
    format: Literal["json", "svg"] | None = Field(None, description="Overrides the Accept header.")


class ConceptMapResponse(ResponseBody):
    """Topics and links of a study set."""

    topics: list[TopicResponse]
    links: list[TopicLinkResponse]


class ExportQuery(RequestBody):
    format: DownloadFormat
