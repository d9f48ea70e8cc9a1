"""Celery tasks of operations."""

from uuid import UUID

from backend.core.work.queue import queue
from backend.operations.heartbeat import note_canary


@queue.task(name="operations.canary")
def canary_task(canary_id: str) -> None:
    """Come back: what this writes proves that the worker takes messages and works on them."""
    note_canary(str(UUID(canary_id)))
