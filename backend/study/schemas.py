"""Bodies of the study room's routes; those of items are in ``items``."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from backend.core.web.http import RequestBody, ResponseBody
from backend.study.exports.downloads import DownloadFormat


class TopicResponse(ResponseBody):
    """A topic with the numbers of its items."""

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
    """In which form the concept map is wanted."""

    format: Literal["json", "svg"] | None = Field(None, description="Goes before the Accept header.")


class ConceptMapResponse(ResponseBody):
    """Topics and links of a study set."""

    topics: list[TopicResponse]
    links: list[TopicLinkResponse]


class ExportQuery(RequestBody):
    """In which form the kit is wanted."""

    format: DownloadFormat
