"""Structured logs: one line per event, with a prefix, UTC time, level, event and fields.

`log_lines` formats the lines. Fields with secret-sounding names are hidden, and so are the values of secrets in the
environment. In production, messages of exceptions are left out too, because libraries quote user input in them.
"""

import logging
import os
import sys
import threading
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import TextIO

import structlog
from structlog.typing import EventDict, ExcInfo, FilteringBoundLogger, WrappedLogger

from backend.core.process.log_lines import find_secrets, render
from backend.settings import Settings

_SECRET_NAMES = ("token", "secret", "password", "authorization", "api_key", "email", "cookie")
# At INFO, HTTP clients log every URL, Celery the arguments of each message, and Alembic its plugins.
_NOISY = (
    *("httpx", "httpx2", "httpcore", "httpcore2", "openai"),
    *("celery.worker.strategy", "celery.app.trace"),
    "alembic.runtime.plugins",
    # At DEBUG, the S3 client logs whole requests with their signatures.
    *("boto3", "botocore", "urllib3"),
)


def get_logger(name: str) -> FilteringBoundLogger:
    """Name its events ``room.thing.happened``."""
    logger: FilteringBoundLogger = structlog.get_logger(name)
    return logger


@contextmanager
def log_context(**fields: object) -> Iterator[None]:
    """Add fields to every line logged inside the block. Its end also removes what ``add_to_log`` added inside."""
    before = structlog.contextvars.get_contextvars()
    structlog.contextvars.bind_contextvars(**{k: str(v) for k, v in fields.items() if v is not None})
    try:
        yield
    finally:
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(**before)


def begin_log_context(**fields: object) -> None:
    """Begin a request's log context: remove the fields of this thread's previous request, then add these."""
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(**{name: str(value) for name, value in fields.items()})


def add_to_log(**fields: object) -> None:
    """Add fields to every line logged until the request or job ends."""
    structlog.contextvars.bind_contextvars(**{name: str(value) for name, value in fields.items()})


def current_request_id() -> str | None:
    """Return the request id of this thread's log lines, to be stored with the work that the request causes."""
    value = structlog.contextvars.get_contextvars().get("request_id")
    return str(value) if value else None


def _hide_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    for key in event:
        if any(name in key.lower() for name in _SECRET_NAMES):
            event[key] = "[hidden]"
    return event


def _places(exc_info: ExcInfo) -> str:
    """Format an exception and its causes as types and places, without their messages."""
    lines: list[str] = []
    error: BaseException | None = exc_info[1]
    while error is not None:
        lines.append(type(error).__qualname__)
        lines.extend(
            f"  {frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)
        )
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n".join(lines)


class _Renderer:
    """The last processor: formats an event with `log_lines.render`."""

    def __init__(self, settings: Settings) -> None:
        self._prefix = settings.log_prefix
        self._as_json = settings.log_format == "json"
        self._secrets = find_secrets(os.environ)

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> str:
        trace = str(event.pop("exception", ""))
        lines = render(event, prefix=self._prefix, as_json=self._as_json, secrets=self._secrets, trace=trace)
        return "\n".join(lines)


class _LineHandler(logging.StreamHandler[TextIO]):
    """Writes line by line: the kernel does not interleave writes this short to a pipe that several processes share."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            for line in self.format(record).split("\n"):
                self.stream.write(line + "\n")
            self.flush()
        except Exception:
            self.handleError(record)


def _hide_exception_text(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Replace a library's message about an exception, which may quote it, by the exception's type."""
    if event.get("exc_info"):
        event["message"] = str(event["exc_info"][0].__qualname__)
    return event


def configure_logging(settings: Settings) -> None:
    """Write the records of structlog and of the standard library to standard error, in the configured format.

    Removes all other handlers of the root logger.
    """
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _hide_secrets,
    ]
    exceptions = structlog.processors.format_exc_info
    # A library's line has its logger's name as the event, and its text as the field "message".
    foreign: list[structlog.typing.Processor] = [
        structlog.stdlib.add_logger_name,
        structlog.processors.EventRenamer("message", replace_by="logger"),
    ]
    if settings.environment == "production":
        exceptions = structlog.processors.ExceptionRenderer(_places)
        foreign.append(_hide_exception_text)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(settings.log_level)),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = _LineHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, *foreign],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                exceptions,
                _Renderer(settings),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    for noisy in _NOISY:
        logging.getLogger(noisy).setLevel(logging.WARNING)
    logging.captureWarnings(True)
    sys.excepthook = _log_crash
    threading.excepthook = _log_crash_of_thread


def _log_crash(kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    get_logger(__name__).error("core.process.crashed", error=kind.__name__, exc_info=error)


def _log_crash_of_thread(crash: threading.ExceptHookArgs) -> None:
    if crash.exc_value is not None and not issubclass(crash.exc_type, SystemExit):
        _log_crash(crash.exc_type, crash.exc_value, crash.exc_traceback)
