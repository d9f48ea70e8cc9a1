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

from backend.core.database.database import configure_database, dispose_engines
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
LONGEST_END_S = 11.0

settings = get_settings()
flask_app = Flask("hackthestudy-worker")
configure_logging(settings)
configure_sentry(settings, "worker")
configure_database(flask_app, settings)
configure_queue(settings)

# The name under which the celery command looks for its app.
app = queue

open_rooms(ROOMS)
add_tasks(flask_app)


_STANDARD_ERROR = 2

# One for each process of the pool: each gets its own copy when it is forked.
pool_heartbeat = PoolHeartbeat()


class MainHeartbeat(StartStopStep):
    """Written from the main process's event loop, to show that it moves. It stops while the broker is unreachable."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def __init__(self, consumer: Any, **options: Any) -> None:
        super().__init__(consumer, **options)
        self._timer: Any = None

    def start(self, consumer: Any) -> None:
        places = (consumer.controller.concurrency,)
        self._timer = consumer.timer.call_repeatedly(period_s(settings), write_main_heartbeat, places)

    def stop(self, consumer: Any) -> None:
        """Called when the loop is left; it is entered again with another timer."""
        if self._timer is not None:
            self._timer.cancel()


def write_main_heartbeat(places: int) -> None:
    write(settings.worker_state_folder, MAIN, name=WORKER_NAME, places=places)


if settings.worker_state_folder is not None:
    queue.steps["consumer"].add(MainHeartbeat)


@setup_logging.connect
def keep_our_logging(**_: Any) -> None:
    """Keep Celery from installing log handlers of its own."""


@celeryd_after_setup.connect
def take_canaries(instance: Any, **_: Any) -> None:
    """Take messages from the queue of this worker alone too."""
    if settings.worker_state_folder is not None:
        instance.app.amqp.queues.select_add(canary_queue(WORKER_NAME))


@worker_init.connect
def before_forking(sender: Any, **_: Any) -> None:
    """Load what steps need: children share it, and need not load it one by one."""
    # Not sys.stderr, which Celery replaces by something without a file; the children inherit this.
    faulthandler.register(STACKS_SIGNAL, file=_STANDARD_ERROR, all_threads=True)
    write_main_heartbeat(sender.concurrency or settings.celery_concurrency)
    for room in ROOMS:
        for load in room.preload:
            load()
    configure_mappers()
    # Celery's own signal at shutdown is left out of a cold one, which is how SIGTERM ends a worker with long steps.
    atexit.register(hand_back_at_exit, os.getpid())


@worker_before_create_process.connect
def before_fork(**_: Any) -> None:
    """Move all that is loaded out of the garbage collector's sight: a child that collects copies no shared page.

    Here and not earlier, because Celery itself is loaded up to the first fork.
    """
    gc.collect()
    gc.freeze()


@worker_process_init.connect
def after_fork(**_: Any) -> None:
    """Give each child its own database connections."""
    with flask_app.app_context():
        dispose_engines()
    if settings.worker_state_folder is not None:
        pool_heartbeat.start()


@task_prerun.connect
def at_work(**_: Any) -> None:
    """Show that this process of the pool is at work."""
    pool_heartbeat.busy = True


@task_postrun.connect
def at_rest(**_: Any) -> None:
    """Show that this process of the pool has a place for a message."""
    pool_heartbeat.busy = False


@worker_process_shutdown.connect
def before_ending(**_: Any) -> None:
    """Send what a child has yet to report: it ends without running what is registered for the exit."""
    flush_reports()


@worker_ready.connect
def limit_the_end(**_: Any) -> None:
    """Have SIGTERM start a clock: a worker that loses its broker while it stops would wait for it for ever."""
    stop = signal.getsignal(signal.SIGTERM)
    if getattr(stop, "__name__", "") == "stop_in_time":
        # A worker is ready again after each loss of its broker.
        return

    def stop_in_time(number: int, frame: FrameType | None) -> None:
        threading.Thread(target=end_in_time, name="end", daemon=True).start()
        if callable(stop):
            stop(number, frame)

    signal.signal(signal.SIGTERM, stop_in_time)


def end_in_time() -> None:
    """End the worker when it has not ended by itself; its steps are handed back as at any end."""
    time.sleep(LONGEST_END_S)
    log.warning("worker.end_forced", after_s=LONGEST_END_S)
    for child in list_children(os.getpid()):
        send_signal(child, signal.SIGKILL)
    hand_back_at_exit(os.getpid())
    os._exit(0)


def hand_back_at_exit(main_pid: int) -> None:
    """Queue again at once what this worker still holds when it ends, its pool being gone by then."""
    if os.getpid() != main_pid:
        return
    with flask_app.app_context():
        count = hand_back()
    log.info("worker.stopped", handed_back=count)
