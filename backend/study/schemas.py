"""Bodies of the study room's routes; those of items are in ``items``."""

from typing import Literal
from uuid import UUID

from pydantic import Field

from backend.core.web.http import Answer, Body
from backend.study.exports.downloads import DownloadFormat


class TopicAnswer(Answer):
    """A topic with the numbers of its items."""

    id: UUID
    name: str
    summary: str
    parent_id: UUID | None
    flashcards: int
    questions: int


class TopicPage(Answer):
    """A page of topics, oldest first."""

    items: list[TopicAnswer]
    next_cursor: str | None


class TopicLinkAnswer(Answer):
    """A labelled, directed link between two topics."""

    source_id: UUID
    target_id: UUID
    label: str


class ConceptMapQuery(Body):
    """In which form the concept map is wanted."""

    format: Literal["json", "svg"] | None = Field(None, description="Goes before the Accept header.")


class ConceptMapAnswer(Answer):
    """Topics and links of a study set."""

    topics: list[TopicAnswer]
    links: list[TopicLinkAnswer]


class ExportQuery(Body):
    """In which form the kit is wanted."""

    format: DownloadFormat
