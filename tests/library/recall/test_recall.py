"""No word is lost: documents of the usual producers, and of Debian, against the text that Poppler reads."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.library.recall.lectures import LECTURES
from tests.library.recall.producers import ProgramMissing, installed_document, pdftotext

MIN_RECALL = 0.97

_WORD = re.compile(r"[^\W\d_]{2,}")
_LINE_END = re.compile(r"(?<=\w)-\n(?=\w)")
_RAISED = re.compile(r"[\^_]\{")
_HEADING = re.compile(r"^#{1,6} ", re.MULTILINE)
_RARE = ("$", "[^", "```", "\n| ---")
# A few more headings or raised signs than the source has are not a fault of the kind that is looked for here.
_TOLERANCE = 1 / 3
# Documents of a texinfo and of a DocBook toolchain, and of LaTeX.
_DEBIANS = {
    "libtasn1.pdf": "libtasn1-doc",
    "shared-mime-info-spec.pdf": "shared-mime-info",
    "preview.pdf": "preview-latex-style",
}
_MAX_RAISED_PER_PAGE = 2
_MAX_HEADINGS_PER_PAGE = 6


def words(text: str) -> Counter[str]:
    plain = unicodedata.normalize("NFKC", _LINE_END.sub("", text)).casefold().replace("\N{SOFT HYPHEN}", "")
    return Counter(_WORD.findall(plain.replace("-", "")))


def recall(ours: str, theirs: str) -> float:
    """Return the share of their words that are ours too, each as often as it occurs."""
    wanted = words(theirs)
    return (wanted & words(ours)).total() / wanted.total()


def assert_about(found: int, meant: int) -> None:
    assert abs(found - meant) <= meant * _TOLERANCE


@pytest.mark.parametrize("name", LECTURES)
def test_no_word_of_a_lecture_is_lost(name: str, tmp_path: Path, read: Callable[..., Any]) -> None:
    lecture = LECTURES[name]
    try:
        pdf = lecture.make(tmp_path)
        theirs = pdftotext(pdf)
    except ProgramMissing as missing:
        pytest.skip(f"{missing} is not installed, and only root can install it")
    pages, report = read(pdf)
    text = "\n".join(page.text for page in pages)
    assert report.warnings == ()
    assert recall(text, theirs) >= MIN_RECALL
    assert_about(len(_RAISED.findall(text)), lecture.raised)
    assert_about(len(_HEADING.findall(text)), lecture.headings)
    assert [mark for mark in _RARE if mark in text] == []


@pytest.mark.parametrize("name", _DEBIANS)
def test_no_word_of_debians_documents_is_lost(name: str, read: Callable[..., Any]) -> None:
    try:
        pdf = installed_document(_DEBIANS[name], name)
        theirs = pdftotext(pdf)
    except ProgramMissing as missing:
        pytest.skip(f"{missing} is not installed, and only root can install it")
    pages, _ = read(pdf)
    text = "\n".join(page.text for page in pages)
    assert recall(text, theirs) >= MIN_RECALL
    assert len(_RAISED.findall(text)) <= _MAX_RAISED_PER_PAGE * len(pages)
    assert len(_HEADING.findall(text)) <= _MAX_HEADINGS_PER_PAGE * len(pages)
