"""The files that an image build may copy: those that ``.dockerignore`` does not exclude.

Docker, Podman and App Platform agree on the format: one pattern per line, relative to the context's root; a pattern
that matches a folder matches everything in it; ``!`` reverses a pattern; the last matching pattern decides; ``*`` and
``?`` stop at a slash, ``**`` does not.
"""

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

IGNORE_FILE = ".dockerignore"
# If one of these exists, an engine reads it instead of .dockerignore.
RIVALS = (".containerignore", "{dockerfile}.dockerignore")


class Patterns:
    """The patterns of one ``.dockerignore``. Raises ValueError for an unsupported form."""

    def __init__(self, text: str) -> None:
        """Parse the text."""
        self._patterns = list(_parse(text))

    def exclude(self, path: str) -> bool:
        """Tell whether a path, relative to the context and with slashes, is excluded."""
        kept_out = False
        # The path and the folders above it, because a pattern for a folder covers its contents.
        ways = [path, *(str(parent) for parent in PurePosixPath(path).parents if str(parent) != ".")]
        for is_exception, expression in self._patterns:
            if any(expression.fullmatch(way) for way in ways):
                kept_out = not is_exception
        return kept_out


def _parse(text: str) -> Iterator[tuple[bool, re.Pattern[str]]]:
    for line in text.splitlines():
        pattern = line.strip()
        if not pattern or line.startswith("#"):
            continue
        is_exception = pattern.startswith("!")
        pattern = pattern.removeprefix("!").strip().strip("/")
        if not pattern or re.search(r"[\[\]\\]|(^|/)\.\.?(/|$)", pattern):
            raise ValueError(f"the pattern {line!r} is not understood")
        yield is_exception, re.compile(_expression(pattern))


def _expression(pattern: str) -> str:
    expression = re.escape(pattern).replace(r"\*\*/", "(?:.*/)?").replace(r"\*\*", ".*")
    return expression.replace(r"\*", "[^/]*").replace(r"\?", "[^/]")


def context_files(root: Path) -> list[str]:
    """Return the files that a build in ``root`` may copy, relative to it."""
    ignore = root / IGNORE_FILE
    patterns = Patterns(ignore.read_text() if ignore.is_file() else "")
    return sorted(path for path in _files(root) if not patterns.exclude(path))


def _files(root: Path) -> Iterator[str]:
    for path in root.rglob("*"):
        # A link counts as a file, wherever it points.
        if path.is_symlink() or path.is_file():
            yield path.relative_to(root).as_posix()
