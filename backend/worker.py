"""The Celery app: ``celery -A backend.worker worker``."""

import atexit
import faulthandler
import gc
import os
import signal
import threading
import time
from types import FrameType
from typing import Any

from celery.bootsteps import StartStopStep
from celery.signals import (
    celeryd_after_setup,
    setup_logging,
    task_postrun,
    task_prerun,
    worker_before_create_process,
    worker_init,
    worker_process_init,
    worker_process_shutdown,
    worker_ready,
)
from flask import Flask
from sqlalchemy.orm import configure_mappers

from backend.core.database.database import COMPUTING_POOL, configure_database, dispose_engines
from backend.core.manifest import add_tasks, open_rooms
from backend.core.process.logging import configure_logging, get_logger
from backend.core.work.jobs import WORKER_NAME, hand_back
from backend.core.work.queue import canary_queue, configure_queue, queue
from backend.operations.monitoring.sentry import configure_sentry, flush_reports
from backend.operations.watchdog.heartbeat import MAIN, PoolHeartbeat, period_s, write
from backend.operations.watchdog.processes import STACKS_SIGNAL, list_children, send_signal
from backend.rooms import ROOMS
from backend.settings import get_settings

log = get_logger(__name__)

# Above worker_soft_shutdown_timeout, and under supervisor's stopwaitsecs.
MAX_SHUTDOWN_S = 11.0

settings = get_settings()
flask_app = Flask("hackthestudy-worker")
configure_logging(settings)
configure_sentry(settings, "worker")
configure_database(flask_app, settings, COMPUTING_POOL)
configure_queue(settings)

# The celery command looks for this name.
app = queue

open_rooms(ROOMS)
add_tasks(flask_app)


_STANDARD_ERROR = 2

# Each process of the pool gets its own copy when it is forked.
pool_heartbeat = PoolHeartbeat()


class MainHeartbeat(StartStopStep):
    """Written from the main process's event loop, so it stops if the loop hangs or the broker is unreachable."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)
        self._timer: Any = None

    def start(self, consumer: Any) -> None:
        places = (consumer.controller.concurrency,)
        self._timer = consumer.timer.call_repeatedly(period_s(settings), write_main_heartbeat, places)

    def stop(self, consumer: Any) -> None:
        """Called when the loop ends, for instance when the broker is lost. The next loop has another timer."""
        if self._timer is not None:
            self._timer.cancel()


def write_main_heartbeat(places: int) -> None:
    write(settings.worker_state_folder, MAIN, name=WORKER_NAME, places=places)


if settings.worker_state_folder is not None:
    queue.steps["consumer"].add(MainHeartbeat)


@setup_logging.connect
def keep_our_logging(**_: Any) -> None:
    """Keep Celery from installing its own log handlers: it does so only if this signal has no receiver."""


@celeryd_after_setup.connect
def take_canaries(instance: Any, **_: Any) -> None:
    """Consume this worker's private canary queue too."""
    if settings.worker_state_folder is not None:
        instance.app.amqp.queues.select_add(canary_queue(WORKER_NAME))


@worker_init.connect
def before_forking(sender: Any, **_: Any) -> None:
    """Load data that steps need, so that the child processes share it."""
    # Not sys.stderr, which Celery replaces by an object without a file descriptor. The children inherit this handler.
    faulthandler.register(STACKS_SIGNAL, file=_STANDARD_ERROR, all_threads=True)
    write_main_heartbeat(sender.concurrency or settings.celery_concurrency)
    for room in ROOMS:
        for load in room.preload:
            load()
    configure_mappers()
    # Celery does not send its shutdown signal on a cold shutdown, which is how SIGTERM ends a worker with long steps.
    atexit.register(hand_back_at_exit, os.getpid())


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
def limit_the_end(**_: Any) -> None:
    """Bound the shutdown after SIGTERM: a worker that loses its broker while it stops would wait for it forever."""
    stop = signal.getsignal(signal.SIGTERM)
    if getattr(stop, "__name__", "") == "stop_in_time":
        # Installed before: a worker is ready again after each loss of its broker.
        return

    def stop_in_time(number: int, frame: FrameType | None) -> None:
        threading.Thread(target=end_in_time, name="end", daemon=True).start()
        if callable(stop):
            stop(number, frame)

    signal.signal(signal.SIGTERM, stop_in_time)


def end_in_time() -> None:
    """Force the worker to end if it has not ended in time, and hand back its steps."""
    time.sleep(MAX_SHUTDOWN_S)
    log.warning("worker.end_forced", after_s=MAX_SHUTDOWN_S)
    for child in list_children(os.getpid()):
        send_signal(child, signal.SIGKILL)
    hand_back_at_exit(os.getpid())
    os._exit(0)


def hand_back_at_exit(main_pid: int) -> None:
    """Queue the rows that this worker still holds again, immediately. Its pool has ended by now."""
    if os.getpid() != main_pid:
        return
    with flask_app.app_context():
        count = hand_back()
    log.info("worker.stopped", handed_back=count)
