"""The operator's command that grants and revokes the admin role."""

import subprocess
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from backend.cli import main
from backend.settings import get_settings
from tests.conftest import CHECKOUT
from tests.operations.admin.conftest import ADMIN
from tests.patience import HANG_S


def run(*arguments: str) -> Result:
    # Only the command: its group would send the log to the streams of this call, which are closed afterwards.
    return CliRunner().invoke(main.commands["admin"], arguments)


def test_the_admin_role_is_granted_and_revoked_by_verified_address(client, describe, logged) -> None:
    describe(client, "anna@example.org", "Anna")
    assert client.get(f"{ADMIN}/users").status_code == 403
    done = run("Anna@Example.org")
    assert (done.exit_code, done.output) == (0, f"{client.user_id} is now an admin\n"), done.output
    # The same session: permissions are read on each request.
    assert client.get(f"{ADMIN}/users").status_code == 200
    back = run("anna@example.org", "--revoke")
    assert (back.exit_code, back.output) == (0, f"{client.user_id} is now a student\n"), back.output
    assert client.get(f"{ADMIN}/users").status_code == 403
    by_operator = [row for row in logged() if row.actor_kind == "operator"]
    assert [(row.action, row.actor_id, row.subject_user_id, row.data) for row in by_operator] == [
        ("role.granted", None, client.user_id, {"changed": True}),
        ("role.revoked", None, client.user_id, {"changed": True}),
    ]


def test_an_unverified_address_matches_no_user(client, describe, logged) -> None:
    describe(client, "anna@example.org", verified=False)
    done = run("anna@example.org")
    assert done.exit_code == 1
    assert "Nothing changed" in done.output
    assert "anna" not in done.output
    assert (client.get(f"{ADMIN}/users").status_code, logged()) == (403, [])
    by_id = run(str(client.user_id))
    assert by_id.exit_code == 0, by_id.output
    assert client.get(f"{ADMIN}/users").status_code == 200


def test_revoking_warns_about_an_address_in_admin_emails(client, describe, monkeypatch: pytest.MonkeyPatch) -> None:
    describe(client, "anna@example.org")
    monkeypatch.setenv("ADMIN_EMAILS", "anna@example.org")
    get_settings.cache_clear()
    try:
        done = run(str(client.user_id), "--revoke")
    finally:
        monkeypatch.undo()
        get_settings.cache_clear()
    assert done.exit_code == 1
    assert done.output.startswith(f"{client.user_id} already was a student\n")
    assert "ADMIN_EMAILS" in done.output


def test_a_deleted_user_gets_no_role(client, engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE users SET erasing_at = now()"))
    done = run(str(client.user_id))
    assert done.exit_code == 1
    assert "has been deleted" in done.output


@pytest.mark.parametrize("value", ["$(touch made)", "'; touch made; '", "--revoke", "-x", "", "a b@c"])
def test_make_passes_the_value_on_unchanged(app, tmp_path: Path, value: str) -> None:
    # A Makefile beside a stand-in for Python that records its arguments.
    (tmp_path / ".venv/bin").mkdir(parents=True)
    python = tmp_path / ".venv/bin/python"
    python.write_text('#!/bin/sh\nprintf "%s\\n" "$@" > called\n')
    python.chmod(0o755)
    (tmp_path / "config/local").mkdir(parents=True)
    setup = tmp_path / "config/local/setup.sh"
    setup.write_text("#!/bin/sh\n")
    setup.chmod(0o755)
    (tmp_path / "Makefile").write_text((CHECKOUT / "Makefile").read_text())
    subprocess.run(["make", "admin", f"EMAIL={value}"], cwd=tmp_path, check=False, capture_output=True, timeout=HANG_S)
    assert (tmp_path / "called").read_text().splitlines() == ["-m", "config.local.admin", "--", value]
    assert not (tmp_path / "made").exists()
