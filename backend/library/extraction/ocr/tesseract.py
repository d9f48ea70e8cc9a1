"""Runs Tesseract, if it is installed."""

import os
import shutil
import subprocess
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Final

from backend.library.extraction.parent_death import die_with_parent

_START_S: Final = 10.0
_ORIENTATION: Final = "osd"


class RecognitionTimedOut(Exception):
    """Tesseract was stopped before it had read an image."""


@dataclass(frozen=True, slots=True)
class Tesseract:
    """Tesseract with those of the languages wanted that are installed, joined by ``+``; empty if there are none.

    ``finds_orientation``: it has the data to tell a turned page.
    """

    languages: str
    finds_orientation: bool

    @classmethod
    def find(cls, languages: str) -> "Tesseract":
        """Look for what is installed. ``languages`` are joined by ``+``."""
        try:
            listed = _run(["--list-langs"], _START_S).split() if shutil.which("tesseract") else []
        except RecognitionTimedOut:
            listed = []
        installed = "+".join(name for name in languages.split("+") if name in listed)
        return cls(installed, _ORIENTATION in listed)

    def read(self, image: Path, dpi: int, timeout_s: float, *, find_orientation: bool) -> str:
        """Return the table of words (TSV) of an image; empty if there are none. Raises RecognitionTimedOut.

        The resolution is passed on because Tesseract's guess of it doubles its errors on small print.
        """
        layout = "1" if find_orientation and self.finds_orientation else "3"
        table = ["-c", "tessedit_create_tsv=1"]
        words = [str(image), "stdout", "--dpi", str(dpi), "--psm", layout, "-l", self.languages, *table]
        return _run(words, timeout_s)


def _run(arguments: list[str], timeout_s: float) -> str:
    try:
        done = subprocess.run(
            ["tesseract", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=timeout_s,
            check=True,
            preexec_fn=partial(die_with_parent, os.getpid()),
        )
    except subprocess.TimeoutExpired:
        raise RecognitionTimedOut from None
    except (subprocess.SubprocessError, OSError):
        return ""
    return done.stdout.decode("utf-8", "replace")
