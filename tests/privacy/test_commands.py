"""Operators' commands that export and erase a user."""

import os
import stat
import subprocess
import sys
import zipfile
from pathlib import Path

from tests.conftest import CHECKOUT
from tests.privacy.conftest import Student, read

NOBODY = "018f0000-0000-7000-8000-000000000000"


def command(*arguments: str, answer: str = "") -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "backend.cli", *arguments],
        cwd=CHECKOUT,
        input=answer,
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_operator_exports_and_erases(owner: Student, run_pending_jobs, tmp_path: Path, query) -> None:
    path, user_id = tmp_path / "export.zip", str(owner.user_id)
    done = command("export-user", user_id, str(path))
    assert done.returncode == 0, done.stderr
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    with zipfile.ZipFile(path) as archive:
        assert [row["id"] for row in read(archive, "documents")] == [owner.document]
    assert command("erase-user", user_id, answer="n\n").returncode != 0
    assert owner.client.get("/api/v1/study-sets").status_code == 200
    assert command("erase-user", user_id, answer="y\n").returncode == 0
    assert owner.client.get("/api/v1/study-sets").status_code == 401
    run_pending_jobs()
    assert query("SELECT count(*) FROM users WHERE erased_at IS NOT NULL") == [(1,)]
    told = query("SELECT action, actor_kind FROM admin_actions WHERE subject_user_id = :u ORDER BY id", u=user_id)
    assert told == [("user.exported", "operator"), ("user.erased", "operator")]


def test_an_unknown_user_is_neither_exported_nor_erased(app, tmp_path: Path) -> None:
    for arguments in (["erase-user", NOBODY, "--yes"], ["export-user", NOBODY, str(tmp_path / "nobody.zip")]):
        done = command(*arguments)
        assert (done.returncode, done.stderr.strip().splitlines()[-1:]) == (1, ["User not found."])
    assert list(tmp_path.iterdir()) == []
