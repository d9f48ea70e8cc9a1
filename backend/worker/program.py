"""What the worker's two programs share: configuration, heartbeats, and an end in time."""

import atexit
import faulthandler
import os
import signal
import threading
import time
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

from celery import Celery
from celery.bootsteps import StartStopStep
from celery.signals import celeryd_after_setup, setup_logging, worker_init
from flask import Flask
from sqlalchemy.orm import configure_mappers

from backend.core.database.database import PoolSize, configure_database
from backend.core.manifest import add_tasks, open_rooms
from backend.core.process.logging import configure_logging, get_logger
from backend.core.work.jobs import WORKER_NAME, hand_back
from backend.core.work.programs import Program, own_program, set_own_program
from backend.core.work.queue import canary_queue, configure_queue, queue
from backend.operations.monitoring.sentry import configure_sentry
from backend.operations.watchdog.heartbeat import MAIN, period_s, state_folder, write
from backend.operations.watchdog.processes import STACKS_SIGNAL, list_children, send_signal
from backend.rooms import ROOMS
from backend.settings import get_settings

log = get_logger(__name__)

# Above worker_soft_shutdown_timeout, and under supervisor's stopwaitsecs.
MAX_SHUTDOWN_S = 11.0

_STANDARD_ERROR = 2

Signs = Callable[[], Mapping[str, Any]]
"""Returns what a program adds to the heartbeat of its main process."""

settings = get_settings()
flask_app = Flask("hackthestudy-worker")
_signs: list[Signs] = []


def open_program(program: Program, *, pool: str, places: int, connections: PoolSize, signs: Signs = dict) -> Celery:
    """Make this process one of the two programs. Returns its Celery app."""
    set_own_program(program)
    configure_logging(settings)
    configure_sentry(settings, "worker")
    configure_database(flask_app, settings, connections)
    configure_queue(settings)
    queue.conf.update(worker_pool=pool, worker_concurrency=places)
    open_rooms(ROOMS)
    add_tasks(flask_app)
    _signs[:] = [signs]
    if settings.worker_state_folder is not None:
        queue.steps["consumer"].add(MainHeartbeat)
    return queue


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
    write(state_folder(settings), MAIN, name=WORKER_NAME, places=places, **_signs[0]())


@setup_logging.connect
def keep_our_logging(**_: Any) -> None:
    """Keep Celery from installing its own log handlers: it does so only if this signal has no receiver."""


@celeryd_after_setup.connect
def choose_queues(instance: Any, **_: Any) -> None:
    """Consume the program's queue, and the private queue of this process's canaries.

    Without a choice, Celery also consumes each queue that this process sends to, once it has reconnected.
    """
    queues = instance.app.amqp.queues
    queues.select([own_program().queue])
    if settings.worker_state_folder is not None:
        queues.select_add(canary_queue(WORKER_NAME))


@worker_init.connect
def prepare_main_process(sender: Any, **_: Any) -> None:
    # Not sys.stderr, which Celery replaces by an object without a file descriptor. The children inherit this handler.
    faulthandler.register(STACKS_SIGNAL, file=_STANDARD_ERROR, all_threads=True)
    write_main_heartbeat(sender.concurrency)
    configure_mappers()
    # Celery does not send its shutdown signal on a cold shutdown, which is how SIGTERM ends a worker with long steps.
    atexit.register(hand_back_at_exit, os.getpid())


def limit_the_end(stop: Any) -> None:
    """Bound the shutdown after SIGTERM: a worker that loses its broker while it stops would wait for it forever.

    ``stop`` is the handler that begins the shutdown.
    """
    if getattr(signal.getsignal(signal.SIGTERM), "__name__", "") == "stop_in_time":
        # Installed before: a worker is ready again after each loss of its broker.
        return

    def stop_in_time(number: int, frame: FrameType | None) -> None:
        threading.Thread(target=end_in_time, name="end", daemon=True).start()
        if callable(stop):
            stop(number, frame)

    signal.signal(signal.SIGTERM, stop_in_time)


def end_in_time() -> None:
    """Force the worker to end if it has not ended in time, and hand back its rows."""
    time.sleep(MAX_SHUTDOWN_S)
    log.warning("worker.end_forced", after_s=MAX_SHUTDOWN_S)
    for child in list_children(os.getpid()):
        send_signal(child, signal.SIGKILL)
    end_now(0)


def end_now(code: int) -> None:
    """Hand back the rows and end without waiting for any thread."""
    try:
        hand_back_at_exit(os.getpid())
    finally:
        os._exit(code)


def hand_back_at_exit(main_pid: int) -> None:
    """Queue the rows that this worker still holds again, immediately. Its pool works on none of them any more."""
    if os.getpid() != main_pid:
        return
    with flask_app.app_context():
        count = hand_back()
    log.info("worker.stopped", handed_back=count)
