"""PostgreSQL: the declarative base, the session and the limits of every connection."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import sqlalchemy as sa
from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy.engine import make_url
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
# A host that vanishes, or a network that splits, sends no end of the connection: without these, whoever waits for
# an answer waits for as long as the kernel does, which is a quarter of an hour or for ever. They are the client's
# own, so a pool between us and PostgreSQL takes them too.
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
# A migration takes as long as it takes, whatever the server's own defaults are.
NO_LIMITS = dict.fromkeys(LIMITS, "0")
# What PgBouncer says to limits given at the start; newer releases name the limit.
_REFUSED_AT_START = "unsupported startup parameter"
POOL_REMEDY = "DATABASE_URL names a pool in transaction mode, such as PgBouncer's: set DATABASE_POOLED=true."


class Base(DeclarativeBase):
    """Base of every table. Times are aware, identifiers are UUIDs."""

    # Flask-SQLAlchemy makes a class of its own from this one's attributes, which SQLAlchemy refuses when the
    # map of types stands beside the registry instead of in it.
    registry = registry(
        metadata=sa.MetaData(naming_convention=_NAMING),
        type_annotation_map={
            datetime: sa.DateTime(timezone=True),
            UUID: sa.Uuid(as_uuid=True),
            str: sa.Text(),
        },
    )


class Identified:
    """Mixin of tables whose rows have an id of their own and a time of creation."""

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    created_at: Mapped[datetime] = mapped_column(server_default=sa.func.now())


# Without autobegin the session refuses to work outside `transaction()`, so that no statement
# can run in a transaction that nobody opened and nobody ends.
db = SQLAlchemy(
    model_class=Base,
    session_options={"autobegin": False, "expire_on_commit": False},
    disable_autonaming=True,
)


def engine_url(database_url: str) -> str:
    """Return the URL with the driver this project uses; managed databases hand out plain ``postgres://``."""
    url = make_url(database_url.replace("postgres://", "postgresql://", 1))
    return url.set(drivername="postgresql+psycopg2").render_as_string(hide_password=False)


def configure_database(app: Flask, settings: Settings) -> None:
    """Bind the session to PostgreSQL, with limits that keep one slow statement from holding the rest."""
    app.config["SQLALCHEMY_DATABASE_URI"] = engine_url(settings.database_url)
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = {
        "pool_pre_ping": True,
        # An error's text would else quote what a student wrote, and errors are logged.
        "hide_parameters": True,
        "pool_size": settings.gunicorn_threads,
        "max_overflow": 2,
        "pool_timeout": 5,
        "connect_args": {"connect_timeout": _CONNECT_TIMEOUT_S, **LOST_HOST, **start_arguments(settings, LIMITS)},
    }
    db.init_app(app)
    with app.app_context():
        set_limits(db.engine, settings, LIMITS)


def start_arguments(settings: Settings, limits: Mapping[str, str]) -> dict[str, Any]:
    """Return how a new connection is told the limits: at its start, which costs no statement.

    A pool in transaction mode refuses that, since whose transaction comes next on a connection is not known then.
    """
    if settings.database_pooled:
        return {}
    return {"options": " ".join(f"-c {name}={value}" for name, value in limits.items())}


def set_limits(engine: sa.Engine, settings: Settings, limits: Mapping[str, str]) -> None:
    """Set the limits in each transaction of the engine, where connections are pooled; explain a refusal elsewhere.

    The limits end with the transaction, so the pool's next client does not find them.
    """
    # The function form of SET LOCAL, of which one statement sets them all.
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
    """Tell whether a connection was refused because a pool in transaction mode was taken for PostgreSQL itself."""
    return _REFUSED_AT_START in str(error)


def dispose_engines() -> None:
    """Forget inherited connections after a fork, without closing the parent's sockets."""
    for engine in db.engines.values():
        engine.dispose(close=False)


# SQLSTATEs that mean "somebody else holds it, it took too long, or we are restarting", not "this is wrong".
_PASSING_STATES = frozenset({"55P03", "57014", "40P01", "40001", "57P01", "57P02", "57P03", "53300"})


def is_passing(error: sa.exc.DBAPIError) -> bool:
    """Tell whether the same statement may succeed a little later."""
    state = getattr(error.orig, "pgcode", None)
    if state is None:
        # The connection broke: the server sent no state any more.
        return isinstance(error, (sa.exc.OperationalError, sa.exc.InterfaceError))
    return state in _PASSING_STATES or state.startswith("08")


# What the database itself refuses, by the SQLSTATE that a trigger of ours raises: rooms name their errors for it.
_refusals: dict[str, type[DomainError]] = {}


def register_refusal(sqlstate: str, error: type[DomainError]) -> None:
    """Have a SQLSTATE that a trigger raises answered with an error of a room's."""
    _refusals[sqlstate] = error


def find_refusal(error: sa.exc.DBAPIError) -> DomainError | None:
    """Return the error that a room has named for what a trigger raised, if that is what this is."""
    refusal = _refusals.get(getattr(error.orig, "pgcode", None) or "")
    return refusal() if refusal is not None else None
