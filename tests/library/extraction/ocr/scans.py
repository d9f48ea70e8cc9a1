"""Makes pictures of pages, and PDFs of them."""

import io
import os
from collections.abc import Sequence
from difflib import SequenceMatcher
from pathlib import Path
from random import Random
from typing import Final

import pytest
import reportlab
from PIL import Image, ImageDraw, ImageFont
from reportlab.lib.pagesizes import A4
from reportlab.lib.utils import ImageReader
from reportlab.pdfgen.canvas import Canvas

# A font with accents, which Pillow's own does not have.
FONT: Final = Path(reportlab.__file__).parent / "fonts" / "Vera.ttf"
PARAGRAPH: Final = "The cell membrane is a thin layer of lipids and proteins."
LINES: Final = (
    "The cell membrane is a thin layer of lipids",
    "and proteins. It separates the cell from its",
    "surroundings and lets only some substances pass.",
)
PAGE: Final = (1240, 1754)


def page_picture(lines: Sequence[str] = LINES, size: tuple[int, int] = PAGE, letter_size: int = 34) -> Image.Image:
    """Return a picture in grey with lines of text, which begin at its upper left."""
    picture = Image.new("L", size, 255)
    draw = ImageDraw.Draw(picture)
    font = ImageFont.truetype(FONT, size=letter_size)
    for number, line in enumerate(lines):
        draw.text((letter_size * 3, letter_size * (3 + 2 * number)), line, fill=0, font=font)
    return picture


def is_read(text: str, wanted: str) -> bool:
    """Whether the letters were read in their order, but for few: versions differ in what looks alike."""
    return SequenceMatcher(None, " ".join(text.split()), wanted, autojunk=False).ratio() > 0.95


def noise_picture() -> Image.Image:
    """Return a picture of stains, in which there are no letters."""
    noise = Random(7).randbytes(400 * 560)
    return Image.frombytes("L", (400, 560), noise).resize(PAGE, Image.Resampling.BICUBIC)


def encode(picture: Image.Image, file_format: str = "PNG", **options: object) -> bytes:
    """Return the picture as a file."""
    content = io.BytesIO()
    picture.save(content, file_format, **options)
    return content.getvalue()


def write_program(folder: Path, reading: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a program in Tesseract's place that knows English and reads with these lines of a shell's."""
    program = folder / "program" / "tesseract"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\n[ "$1" = --list-langs ] && echo eng && exit\n{reading}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")


def write_scan(path: Path, pictures: Sequence[Image.Image], stamps: Sequence[str] = (), hidden: str = "") -> Path:
    """Write a PDF whose pages are pictures, with lines of a stamp as visible text and ``hidden`` as invisible one."""
    canvas = Canvas(str(path))
    for picture in pictures:
        size = A4 if picture.height >= picture.width else A4[::-1]
        canvas.setPageSize(size)
        canvas.drawImage(ImageReader(io.BytesIO(encode(picture))), 0, 0, *size)
        for number, stamp in enumerate(stamps):
            canvas.drawString(72, 40 - 12 * number, stamp)
        if hidden:
            text = canvas.beginText(72, 700)
            text.setTextRenderMode(3)
            text.textLine(hidden)
            canvas.drawText(text)
        canvas.showPage()
    canvas.save()
    return path
