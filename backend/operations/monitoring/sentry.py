"""Error reports to Sentry: what crashed, where, and for which request or step, but nothing that a user wrote.

Unexpected errors are logged with their traceback where they are caught, so reporting is a log handler. The SDK builds
and sends the report; `before_send` then keeps only the keys that are known to be harmless. Messages of exceptions go,
because libraries quote their input in them. The SDK's background thread sends reports and drops those that Sentry
does not accept, so nothing waits for Sentry.
"""

import logging
import os
import sys
import time
from collections import OrderedDict
from collections.abc import Collection, Mapping
from pathlib import PurePath
from traceback import walk_tb
from typing import Any, cast

from flask import has_request_context, request
from sentry_sdk import Client
from sentry_sdk.types import Event, Hint
from sentry_sdk.utils import BadDsn, event_from_exception

from backend.core.database.database import is_passing
from backend.core.process.logging import get_logger
from backend.settings import Settings, SettingsRefused

log = get_logger(__name__)

# Per place in the code: a fault that repeats must not use up Sentry's quota or hide other errors.
MAX_PER_PERIOD = 5
PERIOD_S = 60.0

_FLUSH_S = 1.0
_REPORTED = "_reported"
_MAX_PLACES = 1000
_MAX_EXCEPTIONS = 10
_MAX_FRAMES = 100
# The loggers that sending itself uses: reporting a failed report would fail again.
_OWN_LOGGERS = ("sentry_sdk", "urllib3", __name__)
_TAGS = ("request_id", "run_id", "step_id", "document_id", "row_id", "attempt", "task")
_SENT = frozenset(
    {"event_id", "timestamp", "level", "platform", "logger", "release", "environment", "exception", "tags", "sdk"}
)
_SENT_OF_EXCEPTION = frozenset({"type", "module", "mechanism", "stacktrace"})
_SENT_OF_MECHANISM = frozenset({"type", "handled", "source", "exception_id", "parent_id", "is_exception_group"})
_SENT_OF_FRAME = frozenset({"module", "filename", "function", "lineno", "in_app"})

Place = tuple[str, ...]


class _Limiter:
    """Admits `MAX_PER_PERIOD` reports per place and period."""

    def __init__(self) -> None:
        self._seen: OrderedDict[Place, tuple[float, int]] = OrderedDict()

    def admits(self, place: Place, now_s: float) -> bool:
        since, count = self._seen.get(place, (now_s, 0))
        if now_s - since >= PERIOD_S:
            since, count = now_s, 0
        if count >= MAX_PER_PERIOD:
            return False
        self._seen[place] = (since, count + 1)
        self._seen.move_to_end(place)
        if len(self._seen) > _MAX_PLACES:
            self._seen.popitem(last=False)
        return True


class _Reporter(logging.Handler):
    """Reports each error that is logged with its traceback, once."""

    def __init__(self, settings: Settings, component: str) -> None:
        super().__init__(logging.ERROR)
        self._settings = settings
        self._component = component
        self._limiter = _Limiter()
        self._client: Client | None = None
        self._pid = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Never raises."""
        if record.name.startswith(_OWN_LOGGERS):
            return
        try:
            error = _find_error(record)
            if error is None or not self._is_news(error):
                return
            client = self.client()
            event, hint = event_from_exception(error, client.options, {"type": "logging", "handled": True})
            fields = record.msg if isinstance(record.msg, Mapping) else {}
            # Our events are constants; the text of a library's line may quote user input.
            event["logger"] = str(fields.get("event", record.name))
            event["tags"] = self._tags(fields)
            client.capture_event(event, hint)
        except Exception as failure:
            log.warning("operations.sentry.report_failed", error=type(failure).__name__)

    def client(self) -> Client:
        """Return this process's client. Raises BadDsn.

        A client does not survive a fork: the child would share its connection, send its queue again, and might
        inherit a lock that another thread holds.
        """
        if self._client is None or self._pid != os.getpid():
            self._client, self._pid = self._make_client(), os.getpid()
        return self._client

    def flush(self) -> None:
        """Wait up to `_FLUSH_S` for reports still to be sent. `logging` calls this when the interpreter exits."""
        if self._client is not None and self._pid == os.getpid():
            self._client.flush(timeout=_FLUSH_S)

    def _is_news(self, error: BaseException) -> bool:
        if is_passing(error):
            # Transient database outage, not a bug.
            return False
        if _REPORTED in vars(error):
            # Logged before, closer to where it was raised.
            return False
        vars(error)[_REPORTED] = True
        return self._limiter.admits(_place(error), time.monotonic())

    def _make_client(self) -> Client:
        dsn = self._settings.sentry_dsn
        return Client(
            dsn=dsn.get_secret_value() if dsn is not None else None,
            release=self._settings.app_version,
            environment=self._settings.environment,
            before_send=_keep_harmless,
            in_app_include=["backend"],
            include_local_variables=False,
            include_source_context=False,
            default_integrations=False,
            auto_enabling_integrations=False,
            send_client_reports=False,
            # Left out, these two come from the environment: SENTRY_DEBUG and SENTRY_SPOTLIGHT, a second receiver.
            debug=False,
            spotlight=False,
        )

    def _tags(self, fields: Mapping[str, object]) -> dict[str, str]:
        tags = {name: str(fields[name]) for name in _TAGS if fields.get(name) is not None}
        tags["component"] = self._component
        if has_request_context():
            tags["method"] = request.method
            tags["route"] = request.url_rule.rule if request.url_rule is not None else "other"
        return tags


def _find_error(record: logging.LogRecord) -> BaseException | None:
    # structlog keeps exc_info among the event's fields until the line is rendered.
    given = record.msg.get("exc_info") if isinstance(record.msg, Mapping) else record.exc_info
    if given is True:
        return sys.exception()
    return given[1] if isinstance(given, tuple) else given or None


def _keep_harmless(event: Event, _hint: Hint) -> Event:
    """Reduce a report to an allowlist. The SDK's EventScrubber, a list of forbidden names, passes unknown keys."""
    kept = _only(event, _SENT)
    values = [_only(value, _SENT_OF_EXCEPTION) for value in event["exception"]["values"][-_MAX_EXCEPTIONS:]]
    for value in values:
        value["mechanism"] = _only(value["mechanism"], _SENT_OF_MECHANISM)
        frames = (value.get("stacktrace") or {}).get("frames", [])
        value["stacktrace"] = {"frames": [_keep_harmless_of_frame(frame) for frame in frames[-_MAX_FRAMES:]]}
    kept["exception"] = {"values": values}
    return cast("Event", kept)


def _keep_harmless_of_frame(frame: Mapping[str, Any]) -> dict[str, Any]:
    kept = _only(frame, _SENT_OF_FRAME)
    path = PurePath(kept.get("filename") or "")
    if path.is_absolute():
        # The SDK shortens paths only within packages that have an `__init__.py`.
        kept["filename"] = path.name
    return kept


def _only(given: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    return {name: value for name, value in given.items() if name in names}


def _place(error: BaseException) -> Place:
    """Return the error's type and its innermost line of our code, or of any code if ours is not involved."""
    lines = [f"{frame.f_globals.get('__name__')}:{line}" for frame, line in walk_tb(error.__traceback__)]
    ours = [line for line in lines if line.startswith("backend.")]
    return (type(error).__qualname__, *(ours or lines)[-1:])


def configure_sentry(settings: Settings, component: str) -> None:
    """Report errors of this program if a DSN is set. Raises SettingsRefused if the DSN is malformed.

    Call it after `configure_logging`, which removes all handlers.
    """
    if settings.sentry_dsn is None:
        return
    reporter = _Reporter(settings, component)
    try:
        reporter.client()
    except BadDsn:
        raise SettingsRefused("Refusing to start:\n  SENTRY_DSN: is not the address of a Sentry project") from None
    logging.getLogger().addHandler(reporter)
    # It logs several lines for each report that Sentry does not accept.
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)


def flush_reports() -> None:
    """Wait briefly for reports still to be sent. For processes that exit without running exit handlers."""
    for handler in logging.getLogger().handlers:
        handler.flush()
