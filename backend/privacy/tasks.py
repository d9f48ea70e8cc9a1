"""Celery tasks of privacy."""

from uuid import UUID

from backend.core.work.queue import queue
from backend.privacy import erasing
from backend.privacy.exports import making as exporting
from backend.privacy.models import DataExport, Erasure


@queue.task(name=DataExport.task)
def make_export_task(export_id: str) -> None:
    """Make one export."""
    exporting.make_export(UUID(export_id))


@queue.task(name=Erasure.task)
def erase_user_task(erasure_id: str) -> None:
    """Erase one user who has left."""
    erasing.erase_user(UUID(erasure_id))
