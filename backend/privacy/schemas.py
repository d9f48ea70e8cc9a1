"""Request and response bodies of exports and account deletion."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from backend.core.web.http import ResponseBody
from backend.privacy.types import ExportStatus


class ExportResponse(ResponseBody):
    """An export and its status."""

    id: UUID
    status: ExportStatus
    size_bytes: int | None = Field(description="Size of the archive; null until it is ready.")
    created_at: datetime
    expires_at: datetime | None = Field(description="When it is deleted; null until it is ready.")


class ExportList(ResponseBody):
    """Your exports, newest first."""

    items: list[ExportResponse]


class ExportLink(ResponseBody):
    """A URL from which a browser can download an export."""

    url: str = Field(
        description="Navigate to it, and the browser saves the archive. Anyone with this URL can download it."
    )
    expires_at: datetime = Field(description="The link ends then, or as soon as a newer one is made.")


class TicketQuery(BaseModel):
    """The query of a link to an export."""

    ticket: str = Field("", description="The ticket from the link.")


class EraseQuery(BaseModel):
    """The confirmation that keeps an account from being deleted by accident."""

    model_config = ConfigDict(extra="forbid")

    confirm: Literal["erase-everything"] = Field(description="Must be `erase-everything`.")


class ErasureResponse(ResponseBody):
    """Your access has ended, and your data is being erased."""

    user_id: UUID
    status: Literal["erasing"] = "erasing"
