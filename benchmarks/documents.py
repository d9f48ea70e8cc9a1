"""Test documents: PDF lecture notes of any length, reproducible byte for byte."""

import random
from collections.abc import Iterator
from pathlib import Path
from textwrap import wrap

from reportlab.lib.pagesizes import A4
from reportlab.pdfgen.canvas import Canvas

CHARS_PER_PAGE = 3100
"""Two such pages make a section of the default size."""

_SYLLABLES = [
    "ba",
    "ce",
    "di",
    "fo",
    "gu",
    "la",
    "me",
    "ni",
    "po",
    "ru",
    "sa",
    "te",
    "vi",
    "xo",
    "ka",
    "le",
    "mi",
    "no",
    "pu",
    "ra",
    "se",
    "ti",
    "vo",
    "zu",
]
_PATTERNS = (
    "The {} of the {} {} is part of every {} and was first seen in a {} {}.",
    "When a {} {} meets the {}, the {} of its {} becomes {}.",
    "Each {} has a {} {}, because the {} would be {} without the {}.",
    "In a {} the {} {} and the {} {} are the same {}.",
)
_LINE_CHARS = 95


def sentences(seed: int) -> Iterator[str]:
    """Yield English sentences with invented words, so that no two are alike."""
    chance = random.Random(seed)
    words = sorted({"".join(chance.choices(_SYLLABLES, k=chance.randint(2, 5))) for _ in range(4000)})
    while True:
        pattern = chance.choice(_PATTERNS)
        yield pattern.format(*chance.choices(words, k=pattern.count("{}")))


def write_pdf(file: Path, pages: int, *, seed: int = 1) -> Path:
    """Write a PDF with about ``CHARS_PER_PAGE`` characters per page, and return the file."""
    canvas = Canvas(str(file), pagesize=A4, invariant=True)
    written = sentences(seed)
    for _ in range(pages):
        text = ""
        while len(text) < CHARS_PER_PAGE:
            text += next(written) + " "
        block = canvas.beginText(50, 790)
        block.setFont("Helvetica", 10)
        for line in wrap(text, _LINE_CHARS):
            block.textLine(line)
        canvas.drawText(block)
        canvas.showPage()
    canvas.save()
    return file


def write_large_pdf(file: Path, size_bytes: int, *, seed: int = 1) -> Path:
    """Write a file of exactly ``size_bytes`` that begins and ends like a PDF, and return it."""
    head, tail = b"%PDF-1.7\n", b"\nstartxref\n0\n%%EOF\n"
    chance = random.Random(seed)
    left = size_bytes - len(head) - len(tail)
    with file.open("wb") as opened:
        opened.write(head)
        while left > 0:
            piece = chance.randbytes(min(left, 1_000_000))
            opened.write(piece)
            left -= len(piece)
        opened.write(tail)
    return file
