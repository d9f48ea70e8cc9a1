"""The two Celery programs of a worker: one computes, the other waits for the language model."""

from enum import StrEnum

from backend.settings import Settings


class Program(StrEnum):
    """A Celery program. Each has its own queue, processes and places."""

    COMPUTING = "computing"
    CALLING = "calling"

    @property
    def queue(self) -> str:
        """The name of the queue that only this program consumes."""
        # "steps" is older than the second program: messages of the previous release are in it.
        return "steps" if self is Program.COMPUTING else "calls"

    def max_job_s(self, settings: Settings) -> float:
        """Return how long one of its jobs may take. Its lease is not renewed for longer."""
        # A call needs no time for reading, but may wait for the vendor's limits for a minute.
        return settings.max_work_s if self is Program.COMPUTING else 2 * settings.openai_timeout_s + 120


_own = [Program.COMPUTING]


def set_own_program(program: Program) -> None:
    """Set the program that this process belongs to. Called only when a worker starts."""
    _own[:] = [program]


def own_program() -> Program:
    return _own[0]
