"""Makes PDFs with the programs that students' lecturers use: LaTeX, LibreOffice, Chromium, reportlab.

As root the programs are installed from Debian's packages.
"""

import os
import shutil
import subprocess
from functools import lru_cache
from pathlib import Path

from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import getSampleStyleSheet
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import Paragraph, SimpleDocTemplate, Spacer

from config.local import debian

_PACKAGES = {
    "pdftotext": ("poppler-utils",),
    "pdflatex": (
        "texlive-latex-base",
        "texlive-latex-recommended",
        "texlive-fonts-recommended",
        "texlive-pictures",
        "lmodern",
    ),
    "chromium": ("chromium",),
    "soffice": ("libreoffice-writer-nogui", "libreoffice-impress-nogui"),
}
_TIMEOUT_S = 240
_DEJAVU = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")


class ProgramMissing(Exception):
    """A program is not there and cannot be installed."""


def _is_complete(program: str) -> bool:
    """Whether a program is there, with what it needs: LaTeX may be there without what draws slides."""
    if shutil.which(program) is None:
        return False
    asked = ["kpsewhich", "pgf.sty", "lmodern.sty"]
    return program != "pdflatex" or len(subprocess.run(asked, capture_output=True, check=False).stdout.split()) == 2


@lru_cache
def find(program: str) -> str:
    """Return the path of a program, installed if need be. Raises ProgramMissing."""
    if not _is_complete(program) and program in _PACKAGES and debian.can_install():
        debian.install(*_PACKAGES[program])
    path = shutil.which(program)
    if path is None:
        raise ProgramMissing(program)
    return path


def installed_document(package: str, name: str) -> Path:
    """Return a document of a Debian package, installed if need be. Raises ProgramMissing."""
    path = Path("/usr/share/doc") / package / name
    if not path.exists() and debian.can_install():
        debian.install(package)
    if not path.exists():
        raise ProgramMissing(f"{package} with {name}")
    return path


def pdftotext(pdf: Path) -> str:
    """Return the text of a PDF as Poppler reads it."""
    done = _run([find("pdftotext"), "-enc", "UTF-8", str(pdf), "-"], pdf.parent)
    return done.stdout.decode("utf-8", "replace")


def latex(source: str, folder: Path) -> Path:
    """Typeset a document with pdfTeX."""
    (folder / "document.tex").write_text(source, encoding="utf-8")
    for _ in range(2):
        _run([find("pdflatex"), "-interaction=batchmode", "-halt-on-error", "document.tex"], folder)
    return folder / "document.pdf"


def libreoffice(html: str, folder: Path, export: str = "pdf:writer_web_pdf_Export") -> Path:
    """Convert a web page with LibreOffice Writer."""
    (folder / "document.html").write_text(html, encoding="utf-8")
    profile = f"-env:UserInstallation=file://{folder}/profile"
    _run([find("soffice"), profile, "--headless", "--convert-to", export, "document.html"], folder)
    return folder / "document.pdf"


def chromium(html: str, folder: Path) -> Path:
    """Print a web page with Chromium."""
    (folder / "document.html").write_text(html, encoding="utf-8")
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--no-pdf-header-footer",
        f"--user-data-dir={folder}/data",
    ]
    _run([find("chromium"), *options, "--print-to-pdf=document.pdf", f"file://{folder}/document.html"], folder)
    return folder / "document.pdf"


def reportlab(paragraphs: list[str], folder: Path, font: str = "Helvetica") -> Path:
    """Set paragraphs with reportlab; ``DejaVuSans`` is embedded as a subset."""
    if font == _DEJAVU.stem:
        pdfmetrics.registerFont(TTFont(font, str(_DEJAVU)))
    style = getSampleStyleSheet()["Normal"]
    style.fontName = font
    parts = [part for text in paragraphs for part in (Paragraph(text, style), Spacer(1, 6))]
    SimpleDocTemplate(str(folder / "document.pdf"), pagesize=A4).build(parts)
    return folder / "document.pdf"


def _run(command: list[str], folder: Path) -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(
        command,
        cwd=folder,
        check=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=_TIMEOUT_S,
        env={**os.environ, "HOME": str(folder), "SOURCE_DATE_EPOCH": "0"},
    )
