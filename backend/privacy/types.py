"""What the room tells others."""

from enum import StrEnum


class ExportStatus(StrEnum):
    """Where an export stands. One that has expired is deleted."""

    QUEUED = "queued"
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"
    EXPIRED = "expired"
