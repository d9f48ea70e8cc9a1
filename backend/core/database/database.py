"""PostgreSQL: the declarative base, the session and the limits of every connection."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import sqlalchemy as sa
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.engine import make_url
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, registry

from backend.core.errors import DomainError
from backend.core.ids import new_id
from backend.core.process.logging import get_logger
from backend.settings import Settings

log = get_logger(__name__)

_NAMING = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

_CONNECT_TIMEOUT_S = 3
# A host that vanishes, or a network that splits, does not close the connection. Without these options we would wait as
# long as the kernel does: a quarter of an hour, or forever. They act on the client's socket, so they also work with a
# connection pool between us and PostgreSQL.
LOST_HOST = {
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
LIMITS = {
    "statement_timeout": "15s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "60s",
}
# Migrations may take as long as they need, even if the server's defaults have limits.
NO_LIMITS = dict.fromkeys(LIMITS, "0")
# PgBouncer's error when a connection sets limits at its start. Newer releases also name the limit.
_REFUSED_AT_START = "unsupported startup parameter"
POOL_REMEDY = "DATABASE_URL names a pool in transaction mode, such as PgBouncer's: set DATABASE_POOLED=true."


LEASES = "leases"
"""Key of the engine in ``db.engines`` whose connections are opened and closed by their user, outside every pool."""


class PoolSize(NamedTuple):
    """How many connections all threads of a process share, and how many more it opens for a moment.

    Sums: docs/operations.md. A thread that finds no free connection waits for one, and then PoolTimeout is raised.
    """

    kept: int
    extra: int = 0


# A process that works on one job at a time.
COMPUTING_POOL = PoolSize(1)
# Threads that mostly wait for a vendor, and need a connection for some milliseconds before and after.
CALLING_POOL = PoolSize(4)
# A sweep holds one for its lock. It shares the others with the watchdog's checks and the mover of files.
UPKEEP_POOL = PoolSize(3)
_POOL_TIMEOUT_S = 5


class Base(DeclarativeBase):
    """Base of every table. Times are timezone-aware, ids are UUIDs."""

    # Flask-SQLAlchemy builds its own class from this one's attributes. SQLAlchemy rejects that class if the type map is
    # an attribute of its own instead of a part of the registry.
    registry = registry(
        metadata=sa.MetaData(naming_convention=_NAMING),
        type_annotation_map={
            datetime: sa.DateTime(timezone=True),
            UUID: sa.Uuid(as_uuid=True),
            str: sa.Text(),
        },
    )


class Identified:
    """Mixin for tables with an id and a creation time."""

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    created_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())


# Without autobegin, the session raises outside `transaction()`. So no statement runs in a transaction that nobody ends.
db = SQLAlchemy(
    model_class=Base,
    session_options={"autobegin": False, "expire_on_commit": False},
    disable_autonaming=True,
)


def engine_url(database_url: str) -> str:
    """Return the URL with our driver. Managed databases provide plain ``postgres://`` URLs."""
    url = make_url(database_url.replace("postgres://", "postgresql://", 1))
    return url.set(drivername="postgresql+psycopg2").render_as_string(hide_password=False)


def configure_database(app: Flask, settings: Settings, pool: PoolSize | None = None) -> None:
    """Bind the session to PostgreSQL, with limits so that one slow statement does not block all others.

    Without ``pool``, there is a connection for each thread that answers requests.
    """
    kept, extra = pool or PoolSize(settings.gunicorn_threads, 2)
    app.config["SQLALCHEMY_DATABASE_URI"] = engine_url(settings.database_url)
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {
        **_engine_options(settings, app.name),
        "pool_pre_ping": True,
        "pool_size": kept,
        "max_overflow": extra,
        "pool_timeout": _POOL_TIMEOUT_S,
    }
    app.config["SQLALCHEMY_BINDS"] = {
        LEASES: {
            **_engine_options(settings, f"{app.name}-{LEASES}"),
            "url": engine_url(settings.database_url),
            "poolclass": sa.NullPool,
        }
    }
    db.init_app(app)
    with app.app_context():
        for engine in db.engines.values():
            set_limits(engine, settings, LIMITS)


def _engine_options(settings: Settings, name: str) -> dict[str, Any]:
    """``name`` appears in PostgreSQL's views and logs, unless DATABASE_URL has a name of its own."""
    return {
        # Errors are logged, and their texts would quote users' data.
        "hide_parameters": True,
        "connect_args": {
            "connect_timeout": _CONNECT_TIMEOUT_S,
            "fallback_application_name": name,
            **LOST_HOST,
            **start_arguments(settings, LIMITS),
        },
    }


def start_arguments(settings: Settings, limits: Mapping[str, str]) -> dict[str, Any]:
    """Return the arguments that set the limits when a connection starts, which costs no statement.

    Empty for a pool in transaction mode: it rejects them because its clients share connections.
    """
    if settings.database_pooled:
        return {}
    return {"options": " ".join(f"-c {name}={value}" for name, value in limits.items())}


def set_limits(engine: sa.Engine, settings: Settings, limits: Mapping[str, str]) -> None:
    """If ``DATABASE_POOLED``, set the limits at the start of each transaction. Otherwise, explain a pool's refusal.

    The limits end with the transaction, so they do not affect the pool's next client.
    """
    # The function form of SET LOCAL, so that one statement sets them all.
    calls = ", ".join(f"set_config('{name}', '{value}', true)" for name, value in limits.items())

    def begin(connection: sa.Connection) -> None:
        connection.exec_driver_sql(f"SELECT {calls}")

    def explain(context: sa.engine.ExceptionContext) -> None:
        if refuses_limits(context.original_exception):
            log.error("core.database.limits_refused", remedy=POOL_REMEDY)

    if settings.database_pooled:
        sa.event.listen(engine, "begin", begin)
    else:
        sa.event.listen(engine, "handle_error", explain)


def refuses_limits(error: BaseException) -> bool:
    """Tell whether a pool refused the connection because ``DATABASE_POOLED`` is not set."""
    return _REFUSED_AT_START in str(error)


def dispose_engines() -> None:
    """Drop inherited connections after a fork, without closing the parent's sockets."""
    for engine in db.engines.values():
        engine.dispose(close=False)


# SQLSTATEs for a lock, a timeout, a restart or too many connections. They are not bugs.
_PASSING_STATES = frozenset({"55P03", "57014", "40P01", "40001", "57P01", "57P02", "57P03", "53300"})


def is_passing(error: BaseException) -> bool:
    """Tell whether this is an error of the database after which the same statement may succeed shortly."""
    if isinstance(error, PoolTimeout):
        return True
    if not isinstance(error, sa.exc.DBAPIError):
        return False
    state = getattr(error.orig, "pgcode", None)
    if state is None:
        # The connection broke before the server could send a state.
        return isinstance(error, (sa.exc.OperationalError, sa.exc.InterfaceError))
    return state in _PASSING_STATES or state.startswith("08")


# Errors of rooms by the SQLSTATE that one of our triggers raises.
_refusals: dict[str, type[DomainError]] = {}


def register_refusal(sqlstate: str, error: type[DomainError]) -> None:
    """Map an SQLSTATE that a trigger raises to a room's error."""
    _refusals[sqlstate] = error


def find_refusal(error: sa.exc.DBAPIError) -> DomainError | None:
    """Return the room's error for this database error, or None if no trigger of ours raised it."""
    refusal = _refusals.get(getattr(error.orig, "pgcode", None) or "")
    return refusal() if refusal is not None else None
