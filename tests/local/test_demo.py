"""``make demo`` with unusable input: refused immediately, in one line, leaving nothing behind."""

import subprocess
from pathlib import Path

import pytest

from backend.library.extraction.formats import FORMAT_BY_EXTENSION
from config.local import demo
from config.local.client import ApiClient, ApiProblem
from config.local.folders import CHECKOUT, free_port
from tests.patience import HANG_S


def test_it_takes_what_the_library_reads() -> None:
    assert set(demo.ENDINGS) == set(FORMAT_BY_EXTENSION)


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("missing.pdf", "does not exist"),
        ("folder.pdf", "is a folder"),
        ("empty.pdf", "is empty"),
        ("notes.xlsx", "this file type is not supported. Supported types: .pdf .docx"),
        ("notes", "this file type is not supported"),
    ],
)
def test_unusable_files_are_refused(name: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "folder.pdf").mkdir()
    (tmp_path / "empty.pdf").touch()
    (tmp_path / "notes.xlsx").write_text("x")
    (tmp_path / "notes").write_text("x")
    with pytest.raises(demo.DemoFailed, match=said):
        demo.check_file(tmp_path / name)


def test_endings_are_case_insensitive(tmp_path: Path) -> None:
    file = tmp_path / "Notes.MD"
    file.write_text("# Cells")
    demo.check_file(file)


def test_out_must_be_a_folder_or_not_exist(tmp_path: Path) -> None:
    demo.check_out(tmp_path / "new" / "kit")
    assert not (tmp_path / "new").exists()
    (tmp_path / "taken").touch()
    for out in (tmp_path / "taken", tmp_path / "taken" / "kit"):
        with pytest.raises(demo.DemoFailed, match="taken is not a folder"):
            demo.check_out(out)


def test_a_failed_demo_leaves_no_earlier_kit(tmp_path: Path) -> None:
    (tmp_path / "kit.json").write_text("{}")
    (tmp_path / "my-own.txt").write_text("mine")
    notes = tmp_path / "notes.md"
    notes.write_text("# Cells")
    # The server is never started, so the first request fails.
    with pytest.raises(ApiProblem, match="did not answer"):
        demo.make_kit(ApiClient(f"http://127.0.0.1:{free_port()}/api/v1"), notes, tmp_path, lambda: None)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["my-own.txt", "notes.md"]


@pytest.mark.parametrize("name", ["$(touch ran)x.pdf", "$$(touch ran)x.pdf", "`touch ran`'\"x$y.pdf"])
def test_make_treats_a_name_as_text(name: str, tmp_path: Path) -> None:
    command = ["make", "-C", str(CHECKOUT), "demo", f"FILE={tmp_path}/{name}", f"OUT={tmp_path}/out"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=HANG_S)
    assert f"{tmp_path}/{name} does not exist." in done.stderr
    assert not (CHECKOUT / "ran").exists()
    assert not (tmp_path / "out").exists()
