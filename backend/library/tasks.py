"""Celery tasks of the library."""

from uuid import UUID

from backend.core.queue import queue
from backend.library.reading import read_document


@queue.task(name="library.read_document")
def read_document_task(document_id: str) -> None:
    """Read one document."""
    read_document(UUID(document_id))
