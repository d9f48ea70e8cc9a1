"""No connection waits forever for a host that has vanished: each has keepalive options for the kernel."""

import os
import socket
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from apiflask import APIFlask
from sqlalchemy.engine import make_url

from backend.core.database.database import LOST_HOST, db, engine_url
from backend.operations.monitoring.health import check_health
from backend.operations.upkeep.migrate import alembic_config
from backend.settings import Settings


@pytest.fixture
def told() -> Iterator[list[dict[str, Any]]]:
    """The arguments that libpq gets for each new connection of any engine."""
    told: list[dict[str, Any]] = []

    def note(dialect: object, record: object, arguments: object, options: dict[str, Any]) -> None:
        told.append(options)

    sa.event.listen(sa.Engine, "do_connect", note)
    yield told
    sa.event.remove(sa.Engine, "do_connect", note)


def test_the_kernel_ends_the_apps_connections_to_a_silent_host(app: APIFlask) -> None:
    with app.app_context(), db.engine.connect() as connection:
        raw = connection.connection.driver_connection
        assert raw is not None
        with socket.socket(fileno=os.dup(raw.fileno())) as wire:
            assert wire.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
            options = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT, socket.TCP_USER_TIMEOUT)
            assert [wire.getsockopt(socket.IPPROTO_TCP, name) for name in options] == [10, 5, 3, 20_000]


def test_the_health_check_uses_such_a_connection(settings: Settings, told: list[dict[str, Any]]) -> None:
    # A different URL, because the connection for the other tests' URL is already open.
    url = make_url(engine_url(settings.database_url)).update_query_dict({"application_name": "lost-host"})
    check_health(url.render_as_string(hide_password=False))
    # A shorter timeout, because the container is out of service meanwhile.
    assert told[0].items() >= {**LOST_HOST, "tcp_user_timeout": 3000}.items()


def test_migrations_use_such_a_connection(settings: Settings, told: list[dict[str, Any]]) -> None:
    command.check(alembic_config())
    assert told[0].items() >= LOST_HOST.items()
