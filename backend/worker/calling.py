"""The calling program, whose places are threads: ``celery -A backend.worker.calling worker``.

It waits for the language model and computes nothing: one thread that computes holds up all others. Threads have no time
limit; the watchdog ends this program if one of them takes too long.
"""

import threading
from typing import Any

from celery.signals import task_postrun, task_prerun, worker_ready, worker_shutdown
from celery.worker import state

from backend.core.database.database import CALLING_POOL
from backend.core.process.stopping import begin_stopping
from backend.core.work.programs import Program
from backend.operations.monitoring.sentry import flush_reports
from backend.operations.watchdog.heartbeat import ThreadPlaces
from backend.worker.program import end_now, limit_the_end, open_program, settings

places = ThreadPlaces()

# The celery command looks for this name.
app = open_program(
    Program.CALLING,
    pool="backend.worker.threads:Threads",
    places=settings.model_calls_at_once,
    connections=CALLING_POOL,
    signs=places.describe,
)


@task_prerun.connect
def at_work(**_: Any) -> None:
    places.take()


@task_postrun.connect
def at_rest(**_: Any) -> None:
    places.leave()


@worker_ready.connect
def stop_in_time(sender: Any, **_: Any) -> None:
    def begin(*_: object) -> None:
        # Nobody waits for a permit any more.
        begin_stopping()
        # Celery's warm shutdown, with REMAP_SIGTERM too: the cold one ends processes of a pool, and there are none.
        state.should_stop = 0
        # Only another thread wakes the loop, which may sleep for seconds.
        threading.Thread(target=sender.hub.call_soon, args=(_wake,), name="wake", daemon=True).start()

    limit_the_end(begin)


def _wake() -> None:
    pass


@worker_shutdown.connect
def end(sender: Any, **_: Any) -> None:
    """End now: Python would first wait for all threads, and a call may take minutes."""
    flush_reports()
    end_now(sender.exitcode or 0)
