"""This checkout keeps the rules, and each rule reports a violation."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.architecture import clock_rules, rules
from tests.architecture.room_doors import doors, published
from tests.architecture.source_tree import CHECKOUT, FOLDERS

Rule = Callable[[Path], Iterator[str]]

# Each seed: the rule, the file to write, the text to add to it (None empties the file), and words of the report.
SEEDS = [
    (rules.committers, "backend/library/service.py", "def f() -> None:\n    db.session.commit()\n", "calls commit"),
    (rules.committers, "backend/study/service.py", "def f() -> None:\n    db.session.rollback()\n", "calls rollback"),
    (rules.committers, "backend/library/x.py", "with db.engine.begin() as c:\n    pass\n", "calls begin"),
    (
        rules.openers,
        "backend/administration/service.py",
        "def f() -> None:\n    with transaction():\n        g()\n",
        "opens a transaction",
    ),
    (rules.openers, "backend/study/service.py", "def f() -> None:\n    with t.transaction():\n        g()\n", "opens"),
    (rules.long_files, "backend/library/long.py", "A = 1\n" * 401, "has 401 lines"),
    (rules.long_files, "tests/library/test_long.py", "A = 1\n" * 401, "has 401 lines"),
    (rules.long_files, "benchmarks/long.py", "A = 1\n" * 401, "has 401 lines"),
    (rules.long_files, "config/local/long.py", "A = 1\n" * 401, "has 401 lines"),
    (rules.stray_names, "backend/library/utils.py", "", "home for strays"),
    (rules.stray_names, "backend/helpers/text.py", "", "home for strays"),
    (rules.stray_names, "tests/common.py", "", "home for strays"),
    (rules.code_in_packages, "backend/library/__init__.py", "A = 1\n", "code in an __init__.py"),
    (rules.code_in_packages, "backend/study/games/__init__.py", "", "no docstring"),
    (rules.tasks, "backend/library/tasks.py", "@queue.task\ndef t(row_id: str) -> None:\n    pass\n", "declare a job"),
    (
        rules.foreign_relationships,
        "backend/study/models.py",
        'class Late:\n    study_set: Mapped["StudySet"] = relationship()\n',
        "relationship to StudySet",
    ),
    (
        rules.foreign_relationships,
        "backend/study/models.py",
        'class Late:\n    owner: Mapped[object] = relationship("User")\n',
        "relationship to User",
    ),
    (rules.late_imports, "backend/library/service.py", "def f() -> None:\n    import json\n", "imports json"),
    (rules.mocks, "tests/library/test_seed.py", "from unittest.mock import patch\n", "unittest.mock"),
    (rules.mocks, "tests/library/test_seed.py", "from unittest import mock\n", "imports unittest"),
    (
        rules.mocks,
        "tests/library/test_seed.py",
        'from backend.core import clock\n\ndef f(m):\n    m.setattr(clock, "now", None)\n',
        "replaces clock",
    ),
    (rules.mocks, "tests/library/test_seed.py", 'def f(m):\n    m.setattr("backend.core.clock.now", 1)\n', "replaces"),
    (clock_rules.clocks, "tests/library/test_seed.py", "import time\n\ntime.sleep(3)\n", "reads a clock"),
    (clock_rules.clocks, "tests/library/test_seed.py", "from time import monotonic\n", "reads a clock"),
    (clock_rules.needless_clocks, "tests/stand_ins/sign_in_server.py", None, "may read clocks but does not"),
    (clock_rules.bare_deadlines, "tests/library/test_seed.py", "thread.join(30)\n", "a bare number"),
    (clock_rules.bare_deadlines, "tests/library/test_seed.py", "run(command, timeout=60)\n", "a bare number"),
    (
        clock_rules.bare_deadlines,
        "tests/library/test_seed.py",
        "@pytest.mark.timeout(60)\ndef f():\n    pass\n",
        "a bare number",
    ),
    (clock_rules.judged_stopwatches, "tests/library/test_seed.py", "assert watch.took_s < 5\n", "limits how long"),
    (clock_rules.judged_stopwatches, "tests/library/test_seed.py", "assert 5 > took_s\n", "limits how long"),
    (
        published,
        "backend/study/evidence.py",
        "from backend.core.database.database import db\n",
        "backend.core.database.database",
    ),
    (published, "backend/study/evidence.py", "from backend.study.models import Topic\n", "backend.study.models"),
    (
        doors,
        "backend/study/service.py",
        "from backend.library.models import Document\n",
        "enters library through models",
    ),
    (
        doors,
        "backend/study/service.py",
        "from backend.library.files import objects\n",
        "enters library through files.objects",
    ),
    (doors, "backend/generation/service.py", "import backend.study.routes\n", "enters study through routes"),
    (doors, "backend/app.py", "from backend.library.models import Document\n", "enters library through models"),
    (doors, "backend/worker/program.py", "from backend.library import reading\n", "enters library through reading"),
    (
        doors,
        "backend/operations/monitoring/health.py",
        "from backend import library\n",
        "enters library through its package",
    ),
]


@pytest.mark.parametrize("rule", [*rules.RULES, *clock_rules.RULES, doors, published], ids=lambda rule: rule.__name__)
def test_the_checkout_keeps_the_rule(rule: Rule) -> None:
    assert list(rule(CHECKOUT)) == []


@pytest.mark.parametrize(("rule", "path", "added", "report"), SEEDS)
def test_a_violation_is_reported(tmp_path: Path, rule: Rule, path: str, added: str | None, report: str) -> None:
    for folder in FOLDERS:
        shutil.copytree(CHECKOUT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    file = tmp_path / path
    file.parent.mkdir(parents=True, exist_ok=True)
    text = file.read_text() if file.exists() and added is not None else ""
    added = added or ""
    file.write_text(f"{text}\n{added}" if text else added)
    assert any(report in line for line in set(rule(tmp_path)) - set(rule(CHECKOUT))), f"{rule.__name__} missed it"


def test_every_rule_is_seeded() -> None:
    assert {rule for rule, *_ in SEEDS} == {*rules.RULES, *clock_rules.RULES, doors, published}
