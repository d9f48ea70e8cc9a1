"""The Celery app: ``celery -A backend.worker worker``."""

import atexit
import gc
import os
from typing import Any

from celery import Task
from celery.signals import (
    setup_logging,
    worker_before_create_process,
    worker_init,
    worker_process_init,
    worker_process_shutdown,
)
from flask import Flask
from sqlalchemy.orm import configure_mappers

from backend.accounts import models as accounts_models
from backend.core import idempotency, workers
from backend.core.database import configure_database, dispose_engines
from backend.core.jobs import hand_back
from backend.core.logging import configure_logging, get_logger
from backend.core.queue import configure_queue, queue
from backend.generation import tasks as generation_tasks
from backend.generation.choice import load_models
from backend.library import tasks as library_tasks
from backend.operations.sentry import configure_sentry, flush_reports
from backend.settings import get_settings

log = get_logger(__name__)

settings = get_settings()
flask_app = Flask("hackthestudy-worker")
configure_logging(settings)
configure_sentry(settings, "worker")
configure_database(flask_app, settings)
configure_queue(settings)

# The name under which the celery command looks for its app.
app = queue

# Importing the tasks registers them; the tables of other rooms are the targets of foreign keys.
TASKS = (library_tasks, generation_tasks)
TABLES = (accounts_models, idempotency, workers)


class InAppContext(Task):
    """Runs each task inside the Flask app's context, which scopes the database session."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the task."""
        with flask_app.app_context():
            return self.run(*args, **kwargs)


for task in queue.tasks.values():
    if not task.name.startswith("celery."):
        task.__class__.__call__ = InAppContext.__call__


@setup_logging.connect
def keep_our_logging(**_: Any) -> None:
    """Keep Celery from installing log handlers of its own."""


@worker_init.connect
def before_forking(**_: Any) -> None:
    """Load what steps need: children share it, and need not load it one by one."""
    load_models()
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


@worker_process_shutdown.connect
def before_ending(**_: Any) -> None:
    """Send what a child has yet to report: it ends without running what is registered for the exit."""
    flush_reports()


def hand_back_at_exit(main_pid: int) -> None:
    """Queue again at once what this worker still holds when it ends, its pool being gone by then."""
    if os.getpid() != main_pid:
        return
    with flask_app.app_context():
        count = hand_back()
    log.info("worker.stopped", handed_back=count)
