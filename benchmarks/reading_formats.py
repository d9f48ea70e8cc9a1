"""Time and memory of reading files, compared with other readers of the same files."""

import resource
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from statistics import median

from backend.library.extraction.formats import detect_kind
from backend.library.extraction.reader import ReadLimits, read_document
from benchmarks.documents import sentences, write_pdf
from benchmarks.figures import Measurement
from benchmarks.oracle.corpus import fetch_pandoc
from tests.library.recall import producers

_REPEATS = 5
_BOOK_PAGES = 276
_MEMORY_PAGES = 300
_WORD_CHARS = 670_000
_PARAGRAPH_SENTENCES = 6
_PLAIN_READING = Path(__file__).with_name("plain_reading.py")
_WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_MAIN_TYPE = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"


def measure_latex_book(folder: Path) -> Measurement:
    """Measure the reading of a book set with LaTeX ÷ a complete script that reads it with pypdfium2 alone."""
    file = producers.latex(_book_source(), folder)
    ratio, ours_s, plain_s = _compare(
        lambda: _read(file), lambda: _run([sys.executable, str(_PLAIN_READING), str(file)])
    )
    return Measurement(ratio, {"reading_s": ours_s, "pypdfium2_s": plain_s})


def measure_word(folder: Path) -> Measurement:
    """Measure the reading of a long Word file ÷ its conversion to plain text with pandoc."""
    file = write_word(folder / "thesis.docx", _WORD_CHARS)
    pandoc = str(fetch_pandoc())
    ratio, ours_s, pandoc_s = _compare(lambda: _read(file), lambda: _run([pandoc, "-t", "plain", str(file)]))
    return Measurement(ratio, {"reading_s": ours_s, "pandoc_s": pandoc_s, "characters": _WORD_CHARS})


def measure_memory(folder: Path) -> Measurement:
    """Measure the peak memory of the child that reads a PDF, in a process that has no other children."""
    file = write_pdf(folder / "book.pdf", _MEMORY_PAGES)
    script = f"from benchmarks.reading_formats import print_peak; print_peak({str(file)!r})"
    done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    megabytes = int(done.stdout) / 1e6
    return Measurement(megabytes, {"pages": _MEMORY_PAGES})


def print_peak(file: str) -> None:
    """Read a file and print the largest resident size of a child so far, in bytes."""
    _read(Path(file))
    print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)


def write_word(file: Path, characters: int, *, seed: int = 1) -> Path:
    """Write a Word file with paragraphs of about ``characters`` characters in all, and return it."""
    written = sentences(seed)
    parts, size = [], 0
    while size < characters:
        text = " ".join(islice(written, _PARAGRAPH_SENTENCES))
        size += len(text)
        parts.append(f'<w:p><w:r><w:t xml:space="preserve">{text}</w:t></w:r></w:p>')
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="xml" ContentType="application/xml"/>'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/word/document.xml" ContentType="{_MAIN_TYPE}"/></Types>',
        )
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="rId1" Type="{_OFFICE}/officeDocument" '
            'Target="word/document.xml"/></Relationships>',
        )
        archive.writestr(
            "word/document.xml", f'<w:document xmlns:w="{_WORD}"><w:body>{"".join(parts)}</w:body></w:document>'
        )
    return file


def _book_source() -> str:
    """Return the source of a book with a formula in every paragraph."""
    written = sentences(seed=4)
    parts = []
    for at in range(_BOOK_PAGES * 7):
        if at % 50 == 0:
            parts.append(f"\\chapter{{Chapter {at // 50 + 1}}}")
        text = " ".join(islice(written, _PARAGRAPH_SENTENCES - 1))
        parts.append(f"{text} The value of $x_{{{at}}}^{{2}}$ is about $10^{{{at % 30}}}$.")
    body = "\n\n".join(parts)
    return f"\\documentclass[a4paper]{{book}}\\usepackage[utf8]{{inputenc}}\\begin{{document}}{body}\\end{{document}}"


def _read(file: Path) -> None:
    read_document(file, detect_kind(file.name, file), ReadLimits(), lambda _page: None)


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _compare(ours: Callable[[], None], theirs: Callable[[], None]) -> tuple[float, float, float]:
    """Return the median of the ratios and of both times, measured in turns after a first round that does not count."""
    pairs = [(_time_s(ours), _time_s(theirs)) for _ in range(_REPEATS + 1)][1:]
    ratio = median(our / their for our, their in pairs)
    return ratio, round(median(our for our, _ in pairs), 3), round(median(their for _, their in pairs), 3)


def _time_s(call: Callable[[], None]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started
