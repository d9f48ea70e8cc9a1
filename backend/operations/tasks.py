"""Celery tasks of operations."""

from backend.core.work.queue import queue
from backend.operations.watchdog.heartbeat import CANARY, write
from backend.settings import get_settings


@queue.task(name="operations.canary")
def canary_task(canary_id: str) -> None:
    """Prove that the worker takes messages and works on them. The id only tells messages apart."""
    write(get_settings().worker_state_folder, CANARY)
