"""A room is declared once: in its ``room.py`` and by one line of ``backend/rooms.py``."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from pkgutil import resolve_name

import pytest
from flask import Flask

from backend.core.database.database import Base
from backend.core.manifest import merge
from backend.rooms import ROOMS
from backend.settings import Settings
from tests.architecture.source_tree import CHECKOUT

HERE = Path(__file__).parent


def test_a_room_is_one_file_and_one_line(tmp_path: Path, settings: Settings, new_database: Callable[[], str]) -> None:
    shutil.copytree(CHECKOUT / "backend", tmp_path / "backend", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(CHECKOUT / "config/prices", tmp_path / "config/prices")
    (tmp_path / "backend/toy").mkdir()
    shutil.copy(HERE / "toy_room.py", tmp_path / "backend/toy/room.py")
    manifest = tmp_path / "backend/rooms.py"
    manifest.write_text(manifest.read_text().replace('    "library",\n', '    "library",\n    "toy",\n'))
    done = subprocess.run(
        [sys.executable, str(HERE / "toy_journey.py")],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path), "DATABASE_URL": new_database()},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(done.stdout.splitlines()) == 9


def test_every_table_belongs_to_one_room() -> None:
    declared = [table.__tablename__ for room in ROOMS for table in room.tables]
    assert sorted(declared) == sorted(Base.metadata.tables)


def test_every_blueprint_of_the_manifest_is_registered(app: Flask, settings: Settings) -> None:
    named = {resolve_name(routes.blueprint).name for room in ROOMS for routes in room.routes if routes.when(settings)}
    assert named <= set(app.blueprints)
    assert set(app.blueprints) - named <= {"openapi"}


def test_a_room_is_named_after_its_package() -> None:
    packages = {path.parent.name for path in (CHECKOUT / "backend").glob("*/room.py")}
    assert [room.name for room in ROOMS if room.name not in packages] == []
    assert packages == {room.name for room in ROOMS}


def test_no_two_rooms_declare_the_same_endpoint() -> None:
    with pytest.raises(ValueError, match="Two rooms"):
        merge([*ROOMS, ROOMS[0]], "unlimited")
