"""Fixtures for all tests: a real PostgreSQL and Redis, the app, signed-in clients, and pending jobs.

One server of each kind serves the whole test run, also with pytest-xdist. Each xdist worker has its own database,
copied from a template that Alembic migrates once. If ``DATABASE_URL`` and ``REDIS_URL`` are set, they are used instead
of our own servers. The database named there is not touched: the tests create others beside it.
"""

import contextlib
import io
import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from apiflask import APIFlask
from flask.testing import FlaskClient
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from redis import Redis, RedisError
from werkzeug.test import TestResponse

from backend.core.database.database import Base, engine_url
from backend.core.database.transaction import transaction
from backend.core.work.jobs import Job, JobState
from backend.core.work.queue import queue
from backend.settings import Settings, get_settings
from config.local import postgres, redis
from config.local.postgres import PostgresServer
from tests.patience import patient_s
from tests.triggers import disabled_triggers

# How long an example takes says nothing about the code.
hypothesis_settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
hypothesis_settings.load_profile("patient")

CHECKOUT = Path(__file__).resolve().parents[1]
SECRETS = {
    "JWT_SECRET": "test-jwt-secret-0123456789-abcdefghij",
    "FLASK_SECRET_KEY": "test-flask-secret-9876543210-jihgfedcba",
    "METRICS_TOKEN": "test-metrics-token-1234567890-klmnopqr",
}

_MAX_ROUNDS = 200

# These tables refuse to be emptied; only their owner can disable the triggers. Referencing tables come first.
APPEND_ONLY = ("admin_actions", "credit_entries", "credit_lots", "payments", "price_lists")

# A sequence keeps counting even if the transaction is rolled back.
_CRASH = """
CREATE SEQUENCE crashes;
CREATE FUNCTION crash() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF nextval('crashes') <= {times} THEN
        RAISE EXCEPTION 'nobody expected this';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER crash BEFORE INSERT ON {table} FOR EACH STATEMENT EXECUTE FUNCTION crash();
"""


class Servers:
    """The servers of one test run and the migrated template, started on first use."""

    def __init__(self) -> None:
        self._run = secrets.token_hex(4)
        self._made: list[str] = []
        self._postgres: PostgresServer | None = None
        self._redis: redis.GivenRedis | redis.LocalRedis | None = None
        self.template = f"hackthestudy_test_{self._run}"

    def start(self) -> dict[str, str]:
        """Start the servers if they are not running. Returns the URLs and the template's name."""
        if self._postgres is None or self._redis is None:
            self._postgres, self._redis = postgres.server(), redis.server()
            self._postgres.start()
            self._redis.start()
            migrate(self.create(self.template, template="template0"))
        return {"postgres": self._postgres.url, "redis": self._redis.url, "template": self.template}

    def create(self, name: str, *, template: str) -> str:
        """Create a database that is dropped at the end of the run. Returns its URL."""
        assert self._postgres is not None
        self._made.append(name)
        return self._postgres.create_database(name, template=template)

    def close(self) -> None:
        """Drop the databases and stop the servers."""
        if self._postgres is not None:
            for name in self._made:
                self._postgres.drop_database(name)
            self._postgres.close()
        if self._redis is not None:
            self._redis.close()


def migrate(url: str) -> None:
    """Migrate a database to the newest schema with the operators' own command."""
    environment = {**os.environ, **SECRETS, "ENVIRONMENT": "test", "DATABASE_URL": url}
    command = [sys.executable, "-m", "backend.cli", "migrate"]
    done = subprocess.run(command, cwd=CHECKOUT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


SERVERS = pytest.StashKey[Servers]()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Prepare the servers and the time limit in the controlling process, and make every process react to Ctrl-C."""
    # A shell makes its background jobs ignore SIGINT, and processes started by a test would inherit that.
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if not hasattr(config, "workerinput"):
        config.stash[SERVERS] = Servers()
        # For pytest-timeout, in this process and in the xdist workers.
        os.environ.setdefault("PYTEST_TIMEOUT", str(patient_s(float(config.getini("timeout")))))


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell an xdist worker the servers' URLs."""
    node.workerinput["servers"] = node.config.stash[SERVERS].start()


def pytest_unconfigure(config: pytest.Config) -> None:
    if SERVERS in config.stash:
        config.stash[SERVERS].close()


@pytest.fixture(scope="session")
def servers(request: pytest.FixtureRequest) -> dict[str, str]:
    """URLs of the running servers and the name of the migrated template."""
    given = getattr(request.config, "workerinput", None)
    return given["servers"] if given else request.config.stash[SERVERS].start()


@pytest.fixture(scope="session")
def new_database(servers: dict[str, str]) -> Iterator[Callable[[], str]]:
    """Create a migrated, empty database, which is dropped at the end. Returns its URL."""
    server = postgres.GivenPostgres(servers["postgres"])
    made: list[str] = []

    def make() -> str:
        made.append(f"{servers['template']}_{secrets.token_hex(4)}")
        return server.create_database(made[-1], template=servers["template"])

    yield make
    for name in made:
        server.drop_database(name)


@pytest.fixture(scope="session")
def settings(servers: dict[str, str], new_database: Callable[[], str], request: pytest.FixtureRequest) -> Settings:
    """The settings of this process. The developer's environment is ignored."""
    for name in Settings.model_fields:
        os.environ.pop(name.upper(), None)
    worker = getattr(request.config, "workerinput", {}).get("workerid", "gw0")
    # Each process has its own Redis database, so that it never sees another's messages.
    broker = servers["redis"].rsplit("/", 1)[0] + f"/{int(worker.removeprefix('gw')) % 16}"
    os.environ.update(SECRETS, ENVIRONMENT="test", DATABASE_URL=new_database(), REDIS_URL=broker)
    os.environ["LOG_LEVEL"] = "WARNING"
    get_settings.cache_clear()
    _settled.append(get_settings())
    return get_settings()


_settled: list[Settings] = []


@pytest.fixture(autouse=True)
def settings_stay() -> Iterator[None]:
    """Fail a test that leaves the environment or the settings changed for those after it."""
    names = [name.upper() for name in Settings.model_fields]
    before = {name: os.environ.get(name) for name in names} if _settled else None
    yield
    if before is not None:
        left = [name for name in names if os.environ.get(name) != before[name]]
        assert left == [], "the test leaves these variables changed"
        assert get_settings() == _settled[0], "the test leaves the settings changed: call get_settings.cache_clear()"


@pytest.fixture(scope="session")
def engine(settings: Settings) -> Iterator[sa.Engine]:
    """Connections to this process's database, separate from the app's, to inspect and interfere."""
    engine = sa.create_engine(engine_url(settings.database_url), pool_pre_ping=True)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def built_app(settings: Settings) -> APIFlask:
    """The app, built once; tests use ``app``. Imported here so that tests that do not need it start faster."""
    from backend.app import create_app
    from backend.core.manifest import add_tasks

    app = create_app(settings)
    # Tests also work on the jobs they queue, so the tasks are added as in a worker.
    add_tasks(app)
    app.test_client_class = Client
    return app


@pytest.fixture
def app(built_app: APIFlask, engine: sa.Engine) -> APIFlask:
    """The app on empty tables. No context is pushed, because a request must not share one with the test."""
    with engine.begin() as connection:
        # A test that left a transaction open must fail, not hang.
        connection.execute(sa.text("SET LOCAL lock_timeout = '5s'"))
        _empty_tables(connection)
    # Messages from other tests could match rows of this one.
    with contextlib.suppress(RedisError), Redis.from_url(get_settings().redis_url) as broker:
        broker.flushdb()
    return built_app


def _empty_tables(connection: sa.Connection) -> None:
    """Delete every row. For a few rows this takes a fifth of the time of TRUNCATE."""
    names = [f'"{table.name}"' for table in Base.metadata.sorted_tables if table.name not in APPEND_ONLY]
    _empty_append_only(connection)
    if connection.scalar(sa.text("SHOW is_superuser")) != "on":
        connection.execute(sa.text(f"TRUNCATE {', '.join(names)} CASCADE"))
        return
    looks = (f"SELECT '{name}' WHERE EXISTS (SELECT FROM {name})" for name in names)
    filled = connection.scalars(sa.text(" UNION ALL ".join(looks))).all()
    # Otherwise triggers and foreign keys would require an order, add rows elsewhere, or refuse.
    connection.execute(sa.text("SET LOCAL session_replication_role = replica"))
    for name in filled:
        connection.execute(sa.text(f"DELETE FROM {name}"))


def _empty_append_only(connection: sa.Connection) -> None:
    looks = " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT FROM {name})" for name in APPEND_ONLY)
    if not connection.scalars(sa.text(looks)).all():
        return
    with disabled_triggers(connection, *APPEND_ONLY):
        tables = ", ".join(APPEND_ONLY)
        connection.exec_driver_sql(f"TRUNCATE {tables}, checkouts, credit_holds, refunds, disputes")


class Client(FlaskClient):
    """A client that sends its token with every request once it is signed in."""

    user_id: UUID | None = None
    token: str | None = None

    def sign_in(self, email: str) -> "Client":
        """Sign in as a developer does."""
        answer = self.post("/api/v1/auth/dev-login", json={"email": email})
        assert answer.status_code == 200, answer.text
        self.user_id, self.token = UUID(answer.json["user_id"]), answer.json["access_token"]
        return self

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        if self.token is not None:
            kwargs["headers"] = {"Authorization": f"Bearer {self.token}", **dict(kwargs.get("headers") or {})}
        return super().open(*args, **kwargs)

    def make_study_set(self, title: str = "Cell biology") -> str:
        """Create a study set. Returns its id."""
        answer = self.post("/api/v1/study-sets", json={"title": title})
        assert answer.status_code == 201, answer.text
        return answer.json["id"]

    def upload(
        self, study_set_id: str, *files: tuple[str, bytes], purpose: str | None = None, **headers: str
    ) -> TestResponse:
        """Upload files, each a name and its bytes; underscores in a header's name stand for hyphens."""
        form = {} if purpose is None else {"purpose": purpose}
        return self.post(
            f"/api/v1/study-sets/{study_set_id}/documents",
            data={**form, "files": [(io.BytesIO(content), name) for name, content in files]},
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        )


@pytest.fixture
def anonymous(app: APIFlask) -> Client:
    """A client that is not signed in."""
    return app.test_client()


@pytest.fixture
def client(app: APIFlask) -> Client:
    """A client signed in as a student."""
    return app.test_client().sign_in("student@example.org")


@pytest.fixture
def other_client(app: APIFlask) -> Client:
    """A client signed in as another student."""
    return app.test_client().sign_in("other@example.org")


@pytest.fixture
def run_pending_jobs(app: APIFlask) -> Callable[[], int]:
    """Run all queued and due jobs, and the jobs they create, in this process. Returns the number of rows.

    The real tasks run with real claims, as in a worker. Messages in Redis are left alone.
    """

    def run() -> int:
        for done in range(_MAX_ROUNDS):
            due = _find_due(app)
            if due is None:
                return done
            run_task(app, *due)
        raise AssertionError(f"There is still work after {_MAX_ROUNDS} rows: does a task leave its row queued?")

    return run


def run_task(app: APIFlask, task: str, row_id: UUID) -> None:
    """Run a task of a row in this process. It forgets what was learned of a vendor's limits, so that nothing waits."""
    with contextlib.suppress(RedisError), Redis.from_url(get_settings().redis_url) as broker:
        for key in broker.scan_iter("hackthestudy:calls:*"):
            broker.delete(key)
    with app.app_context():
        queue.tasks[task].run(str(row_id))


def _find_due(app: APIFlask) -> tuple[str, UUID] | None:
    with app.app_context(), transaction() as session:
        for model in Job.__subclasses__():
            due = sa.select(model.id).where(
                model.state == JobState.QUEUED, model.available_at <= sa.func.clock_timestamp()
            )
            row_id = session.scalar(due.order_by(model.created_at, model.id).limit(1))
            if row_id is not None:
                return model.task, row_id
    return None


@pytest.fixture
def crash_on(engine: sa.Engine) -> Iterator[Callable[..., None]]:
    """Make the next inserts into a table fail with an error that does not look transient."""

    def install(table: str, *, times: int) -> None:
        with engine.begin() as connection:
            connection.exec_driver_sql(_CRASH.format(table=table, times=times))

    yield install
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP FUNCTION IF EXISTS crash CASCADE; DROP SEQUENCE IF EXISTS crashes")
