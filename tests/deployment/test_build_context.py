"""``.dockerignore`` is read as the engines read it."""

from pathlib import Path

import pytest

from tests.deployment.build_context import Patterns, context_files
from tests.deployment.dockerfile import instructions
from tests.deployment.small_tree import make_small_tree

CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("text", "kept_out", "kept"),
    [
        ("notes", ["notes", "notes/a.txt", "notes/b/c.txt"], ["notes.txt", "a/notes"]),
        ("/notes/", ["notes/a.txt"], ["a/notes/b"]),
        ("*", ["a", "a/b", ".git/config"], []),
        ("*.log", ["a.log"], ["a/b.log", "a.logs"]),
        ("**/*.log", ["a.log", "a/b.log", "a/b/c.log"], ["a.log.py"]),
        ("**/.*", [".env", "a/.env", "a/.cache/b.py"], ["a.py", "a/b.c"]),
        ("a/**", ["a/b", "a/b/c"], ["b/a"]),
        ("temp?", ["temp1", "temps/a"], ["temp", "temp12"]),
        ("# notes\n\n  notes  \n", ["notes"], ["# notes"]),
        ("*\n!a\n", ["b", "b/a"], ["a", "a/b"]),
        ("*\n!a\na/b\n", ["a/b/c"], ["a/c"]),
        ("a/b\n!a\n", [], ["a/b"]),
        ("*\n!a/b/c.py\n", ["a/b/d.py"], ["a/b/c.py"]),
    ],
)
def test_the_last_matching_pattern_decides(text: str, kept_out: list[str], kept: list[str]) -> None:
    patterns = Patterns(text)
    assert [path for path in kept_out if not patterns.exclude(path)] == []
    assert [path for path in kept if patterns.exclude(path)] == []


@pytest.mark.parametrize("text", ["a[bc]", "!", "a\\b", "../a", "a/./b"])
def test_an_unsupported_pattern_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not understood"):
        Patterns(text)


def test_the_context_holds_only_what_the_images_need(tmp_path: Path) -> None:
    make_small_tree(tmp_path, CHECKOUT / ".dockerignore")
    assert context_files(tmp_path) == [
        "backend/app.py",
        "backend/cli.py",
        "backend/core/work/queue.py",
        "backend/migrations/script.py.mako",
        "backend/operations/container/__main__.py",
        "backend/worker/computing.py",
        "config/gunicorn.conf.py",
        "config/redis.conf",
        "config/supervisor-api.conf",
        "config/supervisor-worker.conf",
        "requirements.txt",
    ]


def test_a_dockerfile_is_read_in_both_forms(tmp_path: Path) -> None:
    file = tmp_path / "Dockerfile"
    file.write_text(
        '# note\nARG A=1\nFROM x AS one\nRUN a \\\n  # note\n  && b\n\ncopy --from=one --chown=me ["c d", "e"]\n'
    )
    found = [(line.stage, line.name, line.words) for line in instructions(file)]
    assert found == [
        (-1, "ARG", ["A=1"]),
        (0, "FROM", ["x", "AS", "one"]),
        (0, "RUN", ["a", "&&", "b"]),
        (0, "COPY", ["c d", "e"]),
    ]
    assert instructions(file)[-1].flags == {"from": "one", "chown": "me"}


def test_a_here_document_is_refused(tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM x\nCOPY <<END /a\nb\nEND\n")
    with pytest.raises(ValueError, match="not supported"):
        instructions(tmp_path / "Dockerfile")
