"""The containers log no secret, token, personal address or document text, no matter what fails.

They log at the DEBUG level here, so that libraries' lines are included.
"""

import http.client
import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote, urlsplit
from uuid import UUID

import psycopg2
import pytest
from flask import Flask

from backend.accounts import service as accounts
from backend.accounts.sessions.tokens import configure_tokens, issue_access_token
from backend.core.database.database import configure_database
from backend.core.database.transaction import transaction
from backend.settings import Settings
from config.local.client import ApiClient, ApiProblem
from config.local.postgres import LocalPostgres
from tests.conftest import migrate
from tests.faults.container_process import SECRETS, ContainerProcess, check_lines
from tests.faults.work import Work
from tests.generation.conftest import notes
from tests.patience import HANG_S, patient_s, wait_for
from tests.stand_ins.openai_server import OpenAIStandIn

pytestmark = pytest.mark.faults

API_KEY = "sk-test-canary-of-openai-0123456789"
EMAIL = "canary.student@mail.example"
# In every sentence and the name of the document, and in other parts of requests.
TEXT, BODY, QUERY, HEADER, BEARER = "kanarienwort", "canarybody77", "canaryquery77", "canaryheader77", "canarybearer77"

# The error message quotes the row, like PostgreSQL's own messages.
_CRASH = """
CREATE SEQUENCE crashes_{table};
CREATE FUNCTION crash_{table}() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF nextval('crashes_{table}') = 1 THEN
        RAISE EXCEPTION 'nobody expected this: %', {quoted};
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER crash BEFORE INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION crash_{table}();
"""

# How the model misbehaves, call by call; some responses quote the prompt.
MISBEHAVIOUR = [
    {"do": "server_error", "on": [1], "message": f"Cannot process: {TEXT}"},
    {"do": "refusal", "on": [2]},
    {"do": "cut_silently", "on": [3]},
    {"do": "cut", "on": [4]},
    {"do": "invalid_json", "on": [5]},
    {"do": "bad_request", "on": [6], "message": f"Bad prompt: {TEXT}"},
    {"do": "reset", "on": [7]},
    {"do": "rate_limit", "on": [8], "retry_after": "0"},
    {"do": "unauthorized", "on": [9]},
]


@pytest.fixture
def database(tmp_path: Path) -> Iterator[str]:
    """A database whose URL has a unique password. Yields the URL."""
    with LocalPostgres(log=tmp_path / "postgres.log") as server:
        migrate(server.url)
        yield server.url


def sign_in(api: ContainerProcess, environment: str) -> str:
    """Return a student's token. Production has no developer sign-in, so the token is made here."""
    if environment != "production":
        client = ApiClient(f"http://127.0.0.1:{api.port}/api/v1")
        return str(client.post("/auth/dev-login", {"email": EMAIL})["access_token"])
    settings = Settings(database_url=api.env["DATABASE_URL"], jwt_secret=SECRETS["JWT_SECRET"], environment="test")
    app = Flask("hackthestudy-tests")
    configure_database(app, settings)
    configure_tokens(app, settings)
    with app.app_context():
        with transaction():
            user: UUID = accounts.sign_in_for_development(EMAIL)
            session = accounts.begin_session(user, provider=accounts.DEVELOPMENT_PROVIDER, is_fresh=True, user_agent="")
            session_id: UUID = session.id
        return issue_access_token(user, session_id, life=timedelta(hours=1))


def crash_once(database: str, table: str, *, quoting: bool) -> None:
    """Make the next insert into a table fail with an unexpected error, which may quote the row."""
    with psycopg2.connect(database) as connection, connection.cursor() as cursor:
        cursor.execute(_CRASH.format(table=table, quoted="NEW::text" if quoting else "'sorry'"))


def ask(port: int, method: str, path: str, body: object = None, **headers: str) -> int:
    """Send a malformed request. Returns the response's status."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=HANG_S)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    data = body if isinstance(body, str) else json.dumps(body) if body is not None else None
    try:
        connection.request(method, path, data, {"Content-Type": "application/json", **named})
        return connection.getresponse().status
    finally:
        connection.close()


def make_mistakes(port: int, token: str) -> set[int]:
    """Send requests that are refused, each with a canary. Returns the statuses."""
    mine = {"Authorization": f"Bearer {token}"}
    sets = "/api/v1/study-sets"
    return {
        ask(port, "GET", sets, Authorization=f"Bearer {BEARER}.{BEARER}.{BEARER}"),
        ask(port, "GET", sets, Authorization=f"Bearer {token[:-4]}AAAA"),
        ask(port, "GET", f"{sets}?access_token={QUERY}&limit={QUERY}", **mine),
        ask(port, "GET", f"{sets}?cursor={QUERY}", **mine),
        ask(port, "POST", sets, {"title": BODY * 99, BODY: EMAIL}, X_Request_Id=f"{HEADER} {HEADER}", **mine),
        ask(port, "POST", sets, f'{{"title": "{BODY}', **mine),
        ask(port, "POST", sets, f"{BODY}", **{**mine, "Content_Type": f"text/{HEADER}"}),
        ask(port, "POST", "/api/v1/auth/dev-login", {"email": f"{BODY}@", "password": BODY}),
        ask(port, "GET", "/api/v1/health", Cookie=f"session={HEADER}", Referer=f"https://x/?{HEADER}"),
        ask(port, "GET", "/metrics", Authorization=f"Bearer {BEARER}"),
        ask(port, "DELETE", sets, **mine),
    }


def canaries(token: str, database: str) -> dict[str, str]:
    """Return the strings that no line may contain, by a name that a failing test may show."""
    password = urlsplit(database).password
    assert password
    found = {
        **SECRETS,
        "end of the broker's password": SECRETS["REDIS_PASSWORD"].split("/")[1],
        "broker's password, encoded": quote(SECRETS["REDIS_PASSWORD"], safe=""),
        "database's password": password,
        "token": token,
        "token's signature": token.rsplit(".", 1)[1],
        "token's claims": token.split(".")[1],
        "key of the model": API_KEY,
        "e-mail address": EMAIL,
        "document": TEXT,
        "body": BODY,
        "query": QUERY,
        "header": HEADER,
        "foreign token": BEARER,
    }
    return {name: value.casefold() for name, value in found.items()}


@pytest.fixture
def open_container(tmp_path: Path) -> Iterator[Callable[..., ContainerProcess]]:
    """Start containers with the most verbose logs."""
    opened: list[ContainerProcess] = []

    def start(name: str, **changes: str) -> ContainerProcess:
        container = ContainerProcess(name, tmp_path / name, LOG_LEVEL="DEBUG", OPENAI_API_KEY=API_KEY, **changes)
        opened.append(container)
        return container.__enter__()

    yield start
    for container in reversed(opened):
        container.process.stop()


@pytest.mark.parametrize(("environment", "log_format"), [("production", "text"), ("development", "json")])
def test_no_log_line_has_a_secret_or_user_content(
    open_container, database: str, tmp_path: Path, environment: str, log_format: str
) -> None:
    with OpenAIStandIn(script=MISBEHAVIOUR) as model:
        common = {
            "ENVIRONMENT": environment,
            "LOG_FORMAT": log_format,
            "DATABASE_URL": database,
            "OPENAI_BASE_URL": model.url,
            "OPENAI_TIMEOUT_S": str(patient_s(20)),
            "SECTION_CHARS": "1500",
            "SWEEP_INTERVAL_S": "0.5",
        }
        api = open_container("api", **common)
        worker = open_container("worker", **common, REDIS_URL=f"redis://127.0.0.1:{api.redis_port}/0")
        wait_for("health", lambda: api.health() == "ok")
        token = sign_in(api, environment)
        statuses = make_mistakes(api.port, token)
        assert {401, 422, 400, 415, 405} <= statuses, statuses

        # Development logs an error's message, so the error must not quote the row there.
        crash_once(database, "study_sets", quoting=environment == "production")
        crash_once(database, "flashcards", quoting=environment == "production")
        client = ApiClient(f"http://127.0.0.1:{api.port}/api/v1", token)
        with pytest.raises(ApiProblem) as crashed:
            client.post("/study-sets", {"title": f"About {TEXT}"})
        assert crashed.value.status == 500
        work = Work(client, database, model)
        study_set = str(client.post("/study-sets", {"title": f"About {TEXT}"})["id"])
        file = tmp_path / f"{TEXT}.txt"
        file.write_bytes(notes(8).replace(b"experiment", TEXT.encode()))
        client.upload(f"/study-sets/{study_set}/documents", file)
        broken = tmp_path / f"{TEXT}.pdf"
        broken.write_bytes(b"%PDF-1.7\n" + TEXT.encode() * 50)
        with pytest.raises(ApiProblem):
            client.upload(f"/study-sets/{study_set}/documents", broken)
        work.wait_until_ended(work.start_run(study_set, flashcards=16, questions=4))

        for container in (worker, api):
            container.process.ask_to_stop()
            assert container.process.wait(HANG_S) == 0
    assert {rule["do"] for rule in MISBEHAVIOUR} <= {name for call in model.calls for name in call["behaviours"]}
    for container, crash in ((api, "http.request.crashed"), (worker, "generation.step.crashed")):
        assert container.says(crash)
        lines = check_lines(container.output, container.prefix, as_json=log_format == "json")
        assert any("debug" in line for line in lines)
        leaks = {
            (name, line)
            for name, value in canaries(token, database).items()
            for line in lines
            if value in line.casefold()
        }
        assert leaks == set()
