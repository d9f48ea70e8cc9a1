"""The Celery app. Messages carry only row ids, so the queue can be lost at any time (rule 4 in docs/rules.md)."""

import time
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, Literal, NamedTuple

import redis
from celery import Celery, Task
from flask import Flask
from kombu.entity import Queue

from backend.core.process.logging import get_logger
from backend.core.work.programs import Program
from backend.core.work.transport import install_transport
from backend.settings import Settings

log = get_logger(__name__)

# The queue of tasks that name no program.
QUEUE_NAME = Program.COMPUTING.queue

_CONNECT_TIMEOUT_S = 1.0
# A worker waits for messages on its socket. A request must not wait that long.
_WORKER_TIMEOUT_S = 10.0
_REQUEST_TIMEOUT_S = 0.3
_LOOK_TIMEOUT_S = 0.5
_PAUSE_AFTER_FAILURE_S = 2.0
_VISIBILITY_TIMEOUT_S = 3600

# Written by the health check, to see whether the broker has room for a message.
_ROOM_KEY = "hackthestudy:room"
_ROOM_KEY_LIFE_S = 10


class AppTask(Task):
    """A task that runs in the context of the Flask app, which scopes the database session."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        with _flask_app[0].app_context():
            return self.run(*args, **kwargs)


queue = Celery("hackthestudy", set_as_current=True, task_cls=AppTask)

# The worker's Flask app; set by ``add_task``.
_flask_app: list[Flask] = []

# By broker URL: the time (monotonic) before which nothing is sent, after a failed send.
_not_before: dict[str, float] = {}


def configure_queue(settings: Settings, *, answers_requests: bool = False) -> None:
    """Set the broker and the worker's behaviour. Reasons and measurements: docs/decisions/0003-celery-5.6.md.

    A process that ``answers_requests`` waits at most 0.3 s at a time for a frozen broker.
    """
    install_transport()
    queue.conf.update(
        broker_url=settings.broker_url,
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        # A full broker refuses even acknowledgements. Without this option, that would end the worker.
        broker_channel_error_retry=True,
        broker_transport_options={
            "socket_timeout": _REQUEST_TIMEOUT_S if answers_requests else _WORKER_TIMEOUT_S,
            "socket_connect_timeout": _CONNECT_TIMEOUT_S,
            "socket_keepalive": True,
            "visibility_timeout": _VISIBILITY_TIMEOUT_S,
            "unacked_restore_interval": 5,
            "unacked_restore_throttle": 1,
        },
        task_default_queue=QUEUE_NAME,
        task_ignore_result=True,
        task_acks_late=True,
        # A task that kills its process would be redelivered forever. The row counts attempts, and the sweep sends it
        # again.
        task_reject_on_worker_lost=False,
        task_serializer="json",
        accept_content=["json"],
        worker_prefetch_multiplier=1,
        task_time_limit=settings.max_work_s,
        worker_max_tasks_per_child=500,
        worker_soft_shutdown_timeout=5.0,
        worker_enable_soft_shutdown_on_idle=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        worker_hijack_root_logger=False,
        worker_send_task_events=False,
        enable_utc=True,
    )


def route_tasks(programs: Mapping[str, Program]) -> None:
    """Set which program works on which tasks, by the tasks' names. Others go to ``QUEUE_NAME``."""
    queue.conf.update(task_routes={task: {"queue": program.queue} for task, program in programs.items()})


def add_task(name: str, run: Callable[[str], None], flask_app: Flask) -> None:
    """Register a Celery task: ``run`` is called with the id in the message."""
    _flask_app[:] = [flask_app]

    def work(row_id: str) -> None:
        run(row_id)

    queue.task(name=name)(work)


@lru_cache(maxsize=4)
def _broker(url: str) -> redis.Redis:
    return redis.Redis.from_url(url, socket_timeout=_LOOK_TIMEOUT_S, socket_connect_timeout=_LOOK_TIMEOUT_S, retry=None)


def connect_to_broker(url: str, *, timeout_s: float) -> redis.ConnectionPool:
    """Return a pool of connections to the broker for purposes other than messages, without retries."""
    return redis.ConnectionPool.from_url(url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s, retry=None)


Messages = dict[Program, int]
"""The number of messages in each program's queue."""


def count_messages() -> Messages | None:
    """Return the numbers of messages, or None if the broker does not answer within half a second."""
    try:
        with _broker(str(queue.conf.broker_url)).pipeline(transaction=False) as look:
            for program in Program:
                look.llen(program.queue)
            return dict(zip(Program, look.execute(), strict=True))
    except redis.RedisError as error:
        log.warning("core.queue.broker_down", error=type(error).__name__)
        return None


def canary_queue(worker: str) -> Queue:
    """Return the private queue that carries a worker's canary messages."""
    # Declaring it would leave an entry in the broker for every worker that ever existed.
    return Queue(f"canary.{worker}", no_declare=True)


def send_canary(task: str, worker: str, canary_id: str, *, life_s: float) -> bool:
    """Send a canary to one worker, replacing one that is still waiting. Returns whether the broker accepted it.

    The queue expires after ``life_s``, in case its worker has ended.
    """
    broker = _broker(str(queue.conf.broker_url))
    own = canary_queue(worker)
    try:
        broker.delete(own.name)
        if not send(task, canary_id, to=own):
            return False
        broker.expire(own.name, int(life_s) + 1)
    except redis.RedisError:
        return False
    return True


class BrokerLook(NamedTuple):
    """The broker's state, and the numbers of queued messages (None if it is down)."""

    state: Literal["ok", "full", "down"]
    messages: Messages | None


def broker_address() -> str:
    """Return the broker's URL, including the password."""
    return str(queue.conf.broker_url)


def look_at_broker(url: str) -> BrokerLook:
    """Check whether the broker answers within half a second and would accept a message. Never raises."""
    try:
        # A full broker still answers reads, so the check must write.
        with _broker(url).pipeline(transaction=False) as look:
            for program in Program:
                look.llen(program.queue)
            look.set(_ROOM_KEY, 1, ex=_ROOM_KEY_LIFE_S)
            *counts, written = look.execute(raise_on_error=False)
    except redis.RedisError as error:
        log.warning("core.queue.broker_down", error=type(error).__name__)
        return BrokerLook("down", None)
    refused = next((count for count in counts if isinstance(count, Exception)), None)
    if refused is not None:
        log.warning("core.queue.broker_down", error=type(refused).__name__)
        return BrokerLook("down", None)
    messages = dict(zip(Program, counts, strict=True))
    if isinstance(written, Exception):
        log.warning("core.queue.broker_full", error=type(written).__name__)
        return BrokerLook("full", messages)
    return BrokerLook("ok", messages)


def send(task: str, row_id: str, *, delay_s: float = 0.0, to: Queue | None = None) -> bool:
    """Publish one message. If the broker does not accept it, logs and returns False; the sweep sends it later.

    After a failure, nothing is sent for two seconds, so that a request with twenty rows does not wait twenty times.
    """
    broker = str(queue.conf.broker_url)
    if time.monotonic() < _not_before.get(broker, 0.0):
        return False
    try:
        queue.send_task(
            task,
            args=[row_id],
            countdown=delay_s or None,
            queue=to,
            retry=True,
            retry_policy={"max_retries": 0},
        )
    except Exception as error:
        _not_before[broker] = time.monotonic() + _PAUSE_AFTER_FAILURE_S
        log.warning("core.queue.send_failed", task=task, row_id=row_id, error=type(error).__name__)
        return False
    return True
