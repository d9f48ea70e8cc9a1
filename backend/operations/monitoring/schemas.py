"""Response bodies of the health routes."""

from typing import Literal

from pydantic import Field

from backend.core.web.http import ResponseBody


class HealthResponse(ResponseBody):
    """The state of the system. ``degraded``: requests are served, but jobs start late."""

    status: Literal["ok", "degraded", "unavailable"]
    database: Literal["ok", "down"]
    broker: Literal["ok", "full", "down"] = Field(description="`full`: queued messages are kept, new ones are refused.")
    queued_messages: int | None = Field(description="Messages in the broker; null if it is down.")
    queues: dict[str, int] | None = Field(description="Messages in each of the broker's queues; null if it is down.")
    version: str


class LiveResponse(ResponseBody):
    """The process is alive."""

    status: Literal["ok"] = "ok"
