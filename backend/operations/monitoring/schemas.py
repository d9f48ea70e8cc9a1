"""Bodies of the health routes."""

from typing import Literal

from pydantic import Field

from backend.core.web.http import ResponseBody


class HealthResponse(ResponseBody):
    """How the parts are doing. ``degraded``: requests are answered, but work starts late."""

    status: Literal["ok", "degraded", "unavailable"]
    database: Literal["ok", "down"]
    broker: Literal["ok", "full", "down"] = Field(description="`full`: what waits is kept, nothing more is taken.")
    queued_messages: int | None = Field(description="Messages waiting in the broker; null when it is down.")
    version: str


class LiveResponse(ResponseBody):
    """The process answers."""

    status: Literal["ok"] = "ok"
