"""Reads the text of a page's image with Tesseract, if it is installed."""

import os
import shutil
import subprocess
from functools import partial
from pathlib import Path

from backend.library.extraction.parent_death import die_with_parent

_START_S = 10.0


class OcrReader:
    """Reads at most ``max_pages`` images in those of ``languages`` (joined by ``+``) that are installed."""

    def __init__(self, languages: str, max_pages: int, page_s: float) -> None:
        self._wanted = languages.split("+")
        self._pages_left = max_pages
        self._page_s = page_s
        self._languages: str | None = None

    @property
    def has_pages_left(self) -> bool:
        """Whether another page can be read: Tesseract has a language, and the limit is not reached."""
        return self._pages_left > 0 and bool(self._installed_languages())

    def read(self, image: Path, dpi: int) -> str:
        """Return the text of ``image``; empty if there is none or reading it took too long.

        The resolution is passed on because Tesseract's guess of it doubles its errors on small print.
        """
        self._pages_left -= 1
        # The rest of the allowance is for rendering the page.
        return _run(
            [str(image), "stdout", "--dpi", str(dpi), "--psm", "1", "-l", self._installed_languages()],
            self._page_s * 0.8,
        )

    def _installed_languages(self) -> str:
        if self._languages is None:
            listed = _run(["--list-langs"], _START_S).split() if shutil.which("tesseract") else []
            self._languages = "+".join(name for name in self._wanted if name in listed)
        return self._languages


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
    except (subprocess.SubprocessError, OSError):
        return ""
    return done.stdout.decode("utf-8", "replace")
