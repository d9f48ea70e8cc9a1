"""Bodies of the privacy routes."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from backend.core.http import Answer
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


class EraseQuery(BaseModel):
    """What must be said so that an account is not deleted by accident."""

    model_config = ConfigDict(extra="forbid")

    confirm: Literal["erase-everything"] = Field(description="Must be `erase-everything`.")


class ErasureAnswer(Answer):
    """Your access has ended; what is yours is being erased."""

    user_id: UUID
    status: Literal["erasing"] = "erasing"
