"""Types that other rooms may use."""

from enum import StrEnum


class ExportStatus(StrEnum):
    """The status of an export. The archive of an expired one is deleted."""

    QUEUED = "queued"
    RUNNING = "running"
    READY = "ready"
    FAILED = "failed"
    EXPIRED = "expired"
