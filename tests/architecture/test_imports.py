"""import-linter's contracts hold, and each of them breaks when violated."""

import configparser
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source_tree import CHECKOUT
from tests.patience import HANG_S

LINT_IMPORTS = Path(sys.executable).with_name("lint-imports")

# The contract that must break, the module, and the forbidden import.
SEEDS = [
    ("floors", "backend/library/service.py", "from backend.study import service"),
    ("floors", "backend/core/errors.py", "from backend.accounts import service"),
    ("floors", "backend/settings.py", "from backend.core import clock"),
    ("floors", "backend/accounts/service.py", "from backend.library import service"),
    ("floors", "backend/generation/service.py", "from backend.app import create_app"),
    ("floors", "backend/worker/program.py", "from backend.app import create_app"),
    ("floors", "backend/billing/service.py", "from backend.library import service"),
    ("floors", "backend/library/service.py", "from backend.billing import service"),
    ("floors", "backend/stray.py", "import json"),
    ("migrations", "backend/operations/monitoring/health.py", "from backend.migrations import env"),
    ("study", "backend/study/items/items.py", "from backend.study.exports import downloads"),
    ("study", "backend/study/markup/plain_text.py", "from backend.study.concept_map import tree"),
    ("vendors", "backend/generation/service.py", "import openai"),
    ("vendors", "backend/library/files/objects.py", "import boto3"),
    ("libraries", "backend/library/routes.py", "import pypdfium2"),
    ("libraries", "backend/library/service.py", "from redis import Redis"),
    ("libraries", "backend/core/work/jobs.py", "import celery"),
    ("libraries", "backend/operations/monitoring/health.py", "from gunicorn import util"),
    ("libraries", "backend/accounts/routes.py", "from flask_jwt_extended import jwt_required"),
    ("accounts-folders", "backend/accounts/sessions/sessions.py", "from backend.accounts.sign_in import identities"),
    ("gateway", "backend/accounts/providers/oauth.py", "from flask import request"),
    ("core-folders", "backend/core/work/jobs.py", "from backend.core.web import http"),
    ("generation-folders", "backend/generation/checks/section.py", "from backend.generation.runs import steps"),
    ("library-folders", "backend/library/files/objects.py", "from backend.library import reading"),
    ("billing-folders", "backend/billing/prices/price_list.py", "from backend.billing.ledger import holds"),
    ("privacy-folders", "backend/privacy/user_tables.py", "from backend.privacy import erasing"),
    (
        "operations-folders",
        "backend/operations/upkeep/sweep_loop.py",
        "from backend.operations.watchdog import verdict",
    ),
]


def contracts() -> dict[str, str]:
    """Return the name of each contract by its id."""
    config = configparser.ConfigParser()
    config.read(CHECKOUT / ".importlinter")
    prefix = "importlinter:contract:"
    return {section.removeprefix(prefix): config[section]["name"] for section in config if section.startswith(prefix)}


@pytest.fixture(scope="session")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """import-linter's cache for unchanged files; a copy keeps their times."""
    return tmp_path_factory.mktemp("import-linter")


def lint_imports(root: Path, cache: Path) -> subprocess.CompletedProcess[str]:
    """Run import-linter on the checkout at ``root``."""
    command = [LINT_IMPORTS, "--cache-dir", cache, "--no-logo"]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=HANG_S, check=False)


def test_the_contracts_are_kept(cache: Path) -> None:
    done = lint_imports(CHECKOUT, cache)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("contract", "path", "added"), SEEDS)
def test_a_violation_breaks_the_contract(tmp_path: Path, cache: Path, contract: str, path: str, added: str) -> None:
    shutil.copytree(CHECKOUT / "backend", tmp_path / "backend", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(CHECKOUT / ".importlinter", tmp_path)
    file = tmp_path / path
    file.write_text((file.read_text() if file.exists() else "") + f"\n{added}\n")
    done = lint_imports(tmp_path, cache)
    assert done.returncode == 1, done.stdout + done.stderr
    assert f"{contracts()[contract]} BROKEN" in done.stdout or "not listed as layers" in done.stdout


def test_every_contract_is_seeded() -> None:
    assert {contract for contract, *_ in SEEDS} == set(contracts())
