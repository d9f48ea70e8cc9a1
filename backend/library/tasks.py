"""Celery tasks of the library."""

from uuid import UUID

from backend.core.work.queue import queue
from backend.library.models import Document
from backend.library.reading import read_document


@queue.task(name=Document.task)
def read_document_task(document_id: str) -> None:
    read_document(UUID(document_id))
