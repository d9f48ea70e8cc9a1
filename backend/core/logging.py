"""Structured logs: one line an event, with a prefix, UTC time, level, event and key=value fields.

Control characters in what is logged are escaped, so that nobody writes lines of ours; a traceback follows its
event on lines of its own. Lines are cut under 2,048 bytes, which is where the platform cuts them. Values of
fields with secret-sounding names are never written.
"""

import logging
import re
import sys
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from structlog.typing import EventDict, ExcInfo, FilteringBoundLogger, WrappedLogger

from backend.settings import Settings

_LONGEST_LINE = 2_000
# C0, DEL, C1, the separators of lines and paragraphs, and half a surrogate pair, which no stream can write.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_SECRET_NAMES = ("token", "secret", "password", "authorization", "api_key", "email", "cookie")


def get_logger(name: str) -> FilteringBoundLogger:
    """Return a logger whose events are named ``room.thing.happened``."""
    logger: FilteringBoundLogger = structlog.get_logger(name)
    return logger


@contextmanager
def log_context(**fields: object) -> Iterator[None]:
    """Add fields to every line logged inside the block."""
    with structlog.contextvars.bound_contextvars(**{k: str(v) for k, v in fields.items() if v is not None}):
        yield


def current_request_id() -> str | None:
    """Return the request id that this thread's log lines carry, to be stored with work it causes."""
    value = structlog.contextvars.get_contextvars().get("request_id")
    return str(value) if value else None


def _hide_secrets(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    for key in event:
        if any(name in key.lower() for name in _SECRET_NAMES):
            event[key] = "[hidden]"
    return event


def _places(exc_info: ExcInfo) -> str:
    """Return the kinds of an exception and of its causes, and where each was raised, without their messages."""
    lines: list[str] = []
    error: BaseException | None = exc_info[1]
    while error is not None:
        lines.append(type(error).__qualname__)
        lines.extend(
            f"  {frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)
        )
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return "\n".join(lines)


def _escaped(text: str) -> str:
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


class _TextRenderer:
    """Renders an event as one line of key=value fields, and below it the lines of its traceback."""

    def __init__(self) -> None:
        self._fields = structlog.processors.KeyValueRenderer(
            key_order=["timestamp", "level", "event"], repr_native_str=False
        )

    def __call__(self, logger: WrappedLogger, method: str, event: EventDict) -> str:
        traceback_text = str(event.pop("exception", ""))
        lines = [self._fields(logger, method, event), *traceback_text.split("\n")]
        return "\n".join(_escaped(line) for line in lines).rstrip("\n")


class _OneLine(logging.Formatter):
    """Renders a record by structlog and keeps every printed line under the platform's limit and prefixed."""

    def __init__(self, prefix: str, renderer: logging.Formatter) -> None:
        super().__init__()
        self._prefix = f"{prefix} " if prefix else ""
        self._renderer = renderer

    def format(self, record: logging.LogRecord) -> str:
        text = self._renderer.format(record)
        return "\n".join(self._prefix + _cut(line) for line in text.splitlines() or [""])


def _cut(line: str) -> str:
    data = line.encode()
    return line if len(data) <= _LONGEST_LINE else data[:_LONGEST_LINE].decode(errors="ignore") + " …"


def configure_logging(settings: Settings) -> None:
    """Send structlog and the standard library's loggers to standard error, in the configured format."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _hide_secrets,
    ]
    # Messages of libraries may quote what a user wrote, so in production they are left out.
    exceptions = structlog.processors.format_exc_info
    if settings.environment == "production":
        exceptions = structlog.processors.ExceptionRenderer(_places)
    if settings.log_format == "json":
        final: list[structlog.typing.Processor] = [
            exceptions,
            structlog.processors.JSONRenderer(sort_keys=True),
        ]
    else:
        final = [
            exceptions,
            _TextRenderer(),
        ]
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
    renderer = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *final],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine(settings.log_prefix, renderer))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    # HTTP clients log every address they call, Celery each message's arguments, both at INFO; the SDK of buckets
    # logs whole requests with their signatures at DEBUG.
    celery = ("celery.worker.strategy", "celery.app.trace")
    for noisy in ("httpx", "httpx2", "httpcore", "httpcore2", "openai", "boto3", "botocore", "urllib3", *celery):
        logging.getLogger(noisy).setLevel(logging.WARNING)
