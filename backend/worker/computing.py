"""The computing program, whose places are processes: ``celery -A backend.worker.computing worker``.

It reads, renders, checks and records. A process that hangs is ended by its time limit.
"""

import gc
import signal
from typing import Any

from celery.signals import (
    task_postrun,
    task_prerun,
    worker_before_create_process,
    worker_init,
    worker_process_init,
    worker_process_shutdown,
    worker_ready,
)

from backend.core.database.database import COMPUTING_POOL, dispose_engines
from backend.core.work.programs import Program
from backend.operations.monitoring.sentry import flush_reports
from backend.operations.watchdog.heartbeat import PoolHeartbeat
from backend.rooms import ROOMS
from backend.worker.program import flask_app, limit_the_end, open_program, settings

# The celery command looks for this name.
app = open_program(Program.COMPUTING, pool="prefork", places=settings.celery_concurrency, connections=COMPUTING_POOL)

# Each process of the pool gets its own copy when it is forked.
pool_heartbeat = PoolHeartbeat()


@worker_init.connect
def before_forking(**_: Any) -> None:
    """Load data that steps need, so that the child processes share it."""
    for room in ROOMS:
        for load in room.preload:
            load()


@worker_before_create_process.connect
def before_fork(**_: Any) -> None:
    """Hide loaded objects from the garbage collector, so that collecting in a child does not copy shared pages.

    Not earlier, because Celery keeps loading modules until the first fork.
    """
    gc.collect()
    gc.freeze()


@worker_process_init.connect
def after_fork(**_: Any) -> None:
    """Let each child open its own database connections."""
    with flask_app.app_context():
        dispose_engines()
    if settings.worker_state_folder is not None:
        pool_heartbeat.start()


@task_prerun.connect
def at_work(**_: Any) -> None:
    """Mark this pool process as busy in its heartbeat."""
    pool_heartbeat.busy = True


@task_postrun.connect
def at_rest(**_: Any) -> None:
    """Mark this pool process as idle in its heartbeat."""
    pool_heartbeat.busy = False


@worker_process_shutdown.connect
def before_ending(**_: Any) -> None:
    """Send a child's pending error reports. It ends without running exit handlers."""
    flush_reports()


@worker_ready.connect
def stop_in_time(**_: Any) -> None:
    # With REMAP_SIGTERM, Celery's handler gives steps some seconds and then ends the pool.
    limit_the_end(signal.getsignal(signal.SIGTERM))
