"""Errors are reported to Sentry: what crashed, where, and for which request or step. Nothing that a user wrote.

A report is built here, of what is known to be harmless: types of exceptions, places in the code, ids. No message of
an exception is sent, since libraries quote in it what they were given; no value of a variable, no header, no body, no
address. Sentry's integrations, which would collect all this, are off.

Whoever catches an unexpected error logs it with its traceback, so reporting hangs on the log, and each error is
reported once. Sending is done by a thread of the library, which drops what Sentry does not take; nobody waits for it.
"""

import atexit
import logging
import os
import sys
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import PurePath
from types import TracebackType
from typing import Any, cast

from flask import has_request_context, request
from sentry_sdk import Client
from sentry_sdk.types import Event, Hint
from sentry_sdk.utils import BadDsn
from sqlalchemy.exc import DBAPIError

from backend.core.database.database import is_passing
from backend.core.process.logging import get_logger
from backend.settings import Settings, SettingsRefused

log = get_logger(__name__)

# Of one place in the code, so that a broken part neither costs a fortune nor hides the others.
MOST_PER_PERIOD = 5
PERIOD_S = 60.0

_FLUSH_S = 1.0
_REPORTED = "_reported"
_MOST_PLACES = 1000
_MOST_FRAMES = 100
_MOST_CAUSES = 10
# Loggers of those who send reports: a report about a report that failed would fail as well.
_OWN_LOGGERS = ("sentry_sdk", "urllib3", __name__)
_TAGS = ("request_id", "run_id", "step_id", "document_id", "row_id", "attempt", "task")
_SENT = frozenset(
    {"event_id", "timestamp", "level", "platform", "logger", "release", "environment", "exception", "tags", "sdk"}
)

Place = tuple[str, ...]


class _Limiter:
    """Lets so many through of one place in a period."""

    def __init__(self) -> None:
        self._seen: OrderedDict[Place, tuple[float, int]] = OrderedDict()

    def admits(self, place: Place, now_s: float) -> bool:
        """Tell whether one more may go; counts it if so."""
        since, count = self._seen.get(place, (now_s, 0))
        if now_s - since >= PERIOD_S:
            since, count = now_s, 0
        if count >= MOST_PER_PERIOD:
            return False
        self._seen[place] = (since, count + 1)
        self._seen.move_to_end(place)
        if len(self._seen) > _MOST_PLACES:
            self._seen.popitem(last=False)
        return True


class _Reporter(logging.Handler):
    """Reports what is logged as an error with its traceback.

    The client is made by the process that uses it: a client made before a fork may have been locked by a thread that
    the child does not have. A handler of the standard library is not entered by two threads at once, and gets a new
    lock after a fork.
    """

    def __init__(self, settings: Settings, component: str) -> None:
        super().__init__(logging.ERROR)
        self._settings = settings
        self._component = component
        self._limiter = _Limiter()
        self._client: Client | None = None
        self._pid = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Report the record, if it is one to report. Never raises."""
        if record.name.startswith(_OWN_LOGGERS):
            return
        try:
            error = _error_of(record)
            if error is not None and self._is_news(error):
                self.client().capture_event(self._event(record, error))
        except Exception as failure:
            log.warning("operations.sentry.report_failed", error=type(failure).__name__)

    def client(self) -> Client:
        """Return the client of this process. Raises BadDsn."""
        if self._client is None or self._pid != os.getpid():
            self._client, self._pid = _make_client(self._settings), os.getpid()
        return self._client

    def flush(self) -> None:
        """Wait a moment for what this process still has to send."""
        if self._client is not None and self._pid == os.getpid():
            self._client.flush(timeout=_FLUSH_S)

    def _is_news(self, error: BaseException) -> bool:
        if isinstance(error, DBAPIError) and is_passing(error):
            # The database was away for a moment, which is nothing that changing the code would mend.
            return False
        if _REPORTED in vars(error):
            # It was logged further down already.
            return False
        vars(error)[_REPORTED] = True
        return self._limiter.admits(_place(error), time.monotonic())

    def _event(self, record: logging.LogRecord, error: BaseException) -> Event:
        fields = record.msg if isinstance(record.msg, Mapping) else {}
        tags = {name: str(fields[name]) for name in _TAGS if fields.get(name) is not None}
        tags["component"] = self._component
        if has_request_context():
            tags["method"] = request.method
            tags["route"] = request.url_rule.rule if request.url_rule is not None else "other"
        # A library's message may quote anything; an event of ours is a constant.
        name = str(fields.get("event", record.name))
        return {
            "level": "error",
            "logger": name,
            "tags": tags,
            "exception": {"values": [_described(each) for each in reversed(list(_with_causes(error)))]},
        }


def _make_client(settings: Settings) -> Client:
    dsn = settings.sentry_dsn.get_secret_value() if settings.sentry_dsn is not None else None
    return Client(
        dsn=dsn,
        release=settings.app_version,
        environment=settings.environment,
        before_send=_only_what_is_known,
        # What is not said here, the library takes from variables of the environment.
        server_name="",
        debug=False,
        spotlight=False,
        default_integrations=False,
        auto_enabling_integrations=False,
        include_local_variables=False,
        include_source_context=False,
        max_request_body_size="never",
        max_breadcrumbs=0,
        traces_sample_rate=0,
        auto_session_tracking=False,
        send_client_reports=False,
        enable_backpressure_handling=False,
    )


def _only_what_is_known(event: Event, _hint: Hint) -> Event:
    """Drop whatever the library has added that is not known to be harmless."""
    return cast("Event", {name: value for name, value in event.items() if name in _SENT})


def _error_of(record: logging.LogRecord) -> BaseException | None:
    # Our own records carry the exception, or the wish for the current one, in the event's fields.
    given = record.msg.get("exc_info") if isinstance(record.msg, Mapping) else record.exc_info
    if isinstance(given, BaseException):
        return given
    if isinstance(given, tuple):
        error: BaseException | None = given[1]
        return error
    return sys.exception() if given else None


def _with_causes(error: BaseException) -> Iterator[BaseException]:
    following: BaseException | None = error
    for _ in range(_MOST_CAUSES):
        if following is None:
            return
        yield following
        following = following.__cause__ or (None if following.__suppress_context__ else following.__context__)


def _described(error: BaseException) -> dict[str, Any]:
    return {
        "type": type(error).__qualname__,
        "module": type(error).__module__,
        "mechanism": {"type": "logging", "handled": True},
        "stacktrace": {"frames": list(_frames(error.__traceback__))},
    }


def _frames(traceback: TracebackType | None) -> Iterator[dict[str, Any]]:
    for _ in range(_MOST_FRAMES):
        if traceback is None:
            return
        code = traceback.tb_frame.f_code
        module = str(traceback.tb_frame.f_globals.get("__name__", ""))
        yield {
            "module": module,
            "filename": _relative(code.co_filename, module),
            "function": code.co_qualname,
            "lineno": traceback.tb_lineno,
            "in_app": module.split(".", maxsplit=1)[0] == "backend",
        }
        traceback = traceback.tb_next


def _relative(path: str, module: str) -> str:
    """Return the part of a path that the module's name says too: where the server keeps its code is its own affair."""
    parts = PurePath(path).parts
    return "/".join(parts[-module.count(".") - 1 :])


def _place(error: BaseException) -> Place:
    """Return where an error came from: its type, and the last line of ours that it passed, or else of anybody."""
    frames = list(_frames(error.__traceback__))
    last = next((frame for frame in reversed(frames) if frame["in_app"]), frames[-1] if frames else {})
    return (type(error).__qualname__, str(last.get("filename")), str(last.get("lineno")))


def configure_sentry(settings: Settings, component: str) -> None:
    """Report errors of this program, when a DSN is set. Call it after ``configure_logging``, which takes it off again.

    Raises SettingsRefused when the DSN is not one.
    """
    if settings.sentry_dsn is None:
        return
    reporter = _Reporter(settings, component)
    try:
        reporter.client()
    except BadDsn:
        raise SettingsRefused("Refusing to start:\n  SENTRY_DSN: is not the address of a project at Sentry") from None
    logging.getLogger().addHandler(reporter)
    # It would write several lines for each report that Sentry did not take.
    logging.getLogger("urllib3.connectionpool").setLevel(logging.ERROR)
    atexit.register(flush_reports)


def flush_reports() -> None:
    """Wait a moment for what this process still has to report; for processes that end without saying goodbye."""
    for handler in logging.getLogger().handlers:
        if isinstance(handler, _Reporter):
            handler.flush()
