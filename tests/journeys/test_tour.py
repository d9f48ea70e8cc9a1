"""The README's tour, run as printed: with curl, in production, with an API key."""

import os
import re
import shutil
import subprocess
import zipfile
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest

from backend.accounts.api_keys.key_format import make_key, prefix_of
from backend.accounts.callers import hash_secret
from config.local.folders import CHECKOUT
from config.local.postgres import LocalPostgres
from config.local.redis import LocalRedis
from config.local.stack import LocalStack
from tests.patience import HANG_S

PRODUCTION = {
    "ENVIRONMENT": "production",
    "JWT_SECRET": "tour-jwt-secret-0123456789-abcdefghij",
    "FLASK_SECRET_KEY": "tour-flask-secret-9876543210-jihgfedcba",
    "PUBLIC_URL": "https://api.example.org",
    "FRONTEND_URL": "https://app.example.org",
    "TRUSTED_PROXY_HEADER": "none",
    "ALLOWED_HOSTS": "127.0.0.1",
    "GUNICORN_WORKERS": "1",
    # The built-in language model.
    "OPENAI_API_KEY": None,
}
OWNER = "INSERT INTO users (id, email, email_verified) VALUES (gen_random_uuid(), 'ada@example.org', true) RETURNING id"
KEY = (
    "INSERT INTO api_keys (id, user_id, name, prefix, key_hash, scopes, expires_at)"
    " VALUES (gen_random_uuid(), %s, 'tour', %s, %s, '{read,write}', now() + interval '1 day')"
)


def blocks() -> list[str]:
    """Return the tour's commands from the README: the start in development, the start in production, and the rest."""
    section = re.search(r"^## A tour with curl$(.*?)^## ", (CHECKOUT / "README.md").read_text(), re.M | re.S)
    assert section, "README.md has no tour with curl."
    return re.findall(r"^```sh\n(.*?)^```$", section[1], re.M | re.S)


@pytest.fixture
def production(tmp_path: Path) -> Iterator[LocalStack]:
    """The system with production settings."""
    with LocalStack(env=PRODUCTION, logs=tmp_path / "logs", postgres=LocalPostgres(), redis=LocalRedis()) as stack:
        yield stack


def make_api_key(stack: LocalStack) -> str:
    """Return the key that a user would have created in the browser app."""
    key = make_key()
    with psycopg2.connect(stack.postgres.url) as connection, connection.cursor() as cursor:
        cursor.execute(OWNER)
        (owner,) = cursor.fetchone()
        cursor.execute(KEY, (owner, prefix_of(key), hash_secret(key)))
    return key


@pytest.mark.skipif(shutil.which("curl") is None, reason="the tour needs curl")
def test_the_tour_with_an_api_key(production: LocalStack, tmp_path: Path) -> None:
    development, begin, tour = blocks()
    assert "dev-login" in development
    begin = begin.replace("https://api.example.org/api/v1", production.api_url)
    begin = begin.replace("hts_…", make_api_key(production))
    assert "example.org" not in begin
    assert "…" not in begin
    # Downloads are stored beside the file that is uploaded from the checkout. An API error ends curl.
    (tmp_path / "config").symlink_to(CHECKOUT / "config")
    (tmp_path / ".curlrc").write_text("fail-with-body\n")
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", begin + tour],
        cwd=tmp_path,
        env={**os.environ, "CURL_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=HANG_S,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "event: run.done" in done.stdout
    assert '"quote"' in done.stdout
    assert (tmp_path / "map.svg").read_bytes().startswith(b"<svg")
    assert zipfile.is_zipfile(tmp_path / "deck.apkg")
