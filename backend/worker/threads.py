"""Celery's pool of threads, which stops in time."""

from concurrent.futures import Future, wait
from typing import Any

from celery.concurrency.thread import ApplyResult, TaskPool


class Threads(TaskPool):
    """Gives calls some seconds to end when the program stops. Celery's pool waits for all of them, however long."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._open: set[Future[Any]] = set()

    def on_apply(self, *arguments: Any, **options: Any) -> ApplyResult:
        result = super().on_apply(*arguments, **options)
        self._open.add(result.f)
        result.f.add_done_callback(self._open.discard)
        return result

    def on_stop(self) -> None:
        self.executor.shutdown(wait=False, cancel_futures=True)
        wait(list(self._open), self.app.conf.worker_soft_shutdown_timeout)
