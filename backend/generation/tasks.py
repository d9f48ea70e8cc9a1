"""Celery tasks of generation."""

from uuid import UUID

from backend.core.work.queue import queue
from backend.generation.models import Step
from backend.generation.runs.steps import work_step


@queue.task(name=Step.task)
def work_step_task(step_id: str) -> None:
    """Work on one step of a run."""
    work_step(UUID(step_id))
