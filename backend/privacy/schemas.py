"""Bodies of the privacy routes."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from backend.core.web.http import Answer
from backend.privacy.types import ExportStatus


class ExportAnswer(Answer):
    """An export and how far it is."""

    id: UUID
    status: ExportStatus
    size_bytes: int | None = Field(description="Size of the archive; null until it is ready.")
    created_at: datetime
    expires_at: datetime | None = Field(description="When it is deleted; null until it is ready.")


class ExportList(Answer):
    """Your exports, newest first."""

    items: list[ExportAnswer]


class ExportLink(Answer):
    """Where a browser downloads an export."""

    url: str = Field(description="Navigate to it: the browser saves the archive. Whoever has it can do the same.")
    expires_at: datetime = Field(description="After that, and once there is a newer link, it leads nowhere.")


class TicketQuery(BaseModel):
    """What a link to an export has in its address."""

    ticket: str = Field("", description="From the link; nobody makes one up.")


class EraseQuery(BaseModel):
    """What must be said so that an account is not deleted by accident."""

    model_config = ConfigDict(extra="forbid")

    confirm: Literal["erase-everything"] = Field(description="Must be `erase-everything`.")


class ErasureAnswer(Answer):
    """Your access has ended; what is yours is being erased."""

    user_id: UUID
    status: Literal["erasing"] = "erasing"
