"""A new kind of question needs one module and a migration: tested in a copy of the code without other changes."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.architecture.source_tree import CHECKOUT

ADDED = Path("tests/study/further_kind")
MIGRATION = """
from alembic import op
revision = '9000'
down_revision = '{newest}'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_constraint(op.f('ck_questions_kind_known'), 'questions', type_='check')
    op.create_check_constraint('kind_known', 'questions', "kind IN ('single_choice', 'open')")
    op.create_check_constraint(
        'open_has_solution', 'questions', "kind <> 'open' OR btrim(data ->> 'solution') <> ''"
    )


def downgrade() -> None:
    raise NotImplementedError
"""


def copy_with_kind(folder: Path) -> None:
    """Copy the code, and add the kind."""
    for name in ("backend", "config", "tests"):
        shutil.copytree(CHECKOUT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CHECKOUT / "pyproject.toml", folder)
    shutil.copy(CHECKOUT / ADDED / "open_question.py", folder / "backend/study/items/kinds")
    versions = folder / "backend/migrations/versions"
    newest = max(file.name[:4] for file in versions.glob("[0-9]*.py"))
    (versions / "9000_open_questions.py").write_text(MIGRATION.format(newest=newest))


def test_a_further_kind_is_one_module_and_a_migration(servers: dict[str, str], tmp_path: Path) -> None:
    copy_with_kind(tmp_path)
    # Its own Redis: other tests use and flush the databases of this process meanwhile.
    environment = {**os.environ, "DATABASE_URL": servers["postgres"]}
    environment.pop("REDIS_URL", None)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(ADDED / "in_a_copy.py")]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
