"""No word is lost: documents of the usual producers, and of Debian, against the text that Poppler reads."""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.library.recall.lectures import LECTURES
from tests.library.recall.producers import ProgramMissing, pdftotext

MIN_RECALL = 0.97

_WORD = re.compile(r"[^\W\d_]{2,}")
_MARK = re.compile(r"[\^_]\{")
_LINE_END = re.compile(r"(?<=\w)-\n(?=\w)")
_DEBIANS = sorted(path for path in Path("/usr/share/doc").glob("*/*.pdf") if path.is_file())


def words(text: str) -> Counter[str]:
    plain = unicodedata.normalize("NFKC", _LINE_END.sub("", text)).casefold().replace("\N{SOFT HYPHEN}", "")
    return Counter(_WORD.findall(plain.replace("-", "")))


def recall(ours: str, theirs: str) -> float:
    """Return the share of their words that are ours too, each as often as it occurs."""
    wanted = words(theirs)
    return (wanted & words(ours)).total() / wanted.total()


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
    low, high = lecture.marks
    assert low <= len(_MARK.findall(text)) <= high


@pytest.mark.parametrize("pdf", _DEBIANS, ids=lambda path: path.name)
def test_no_word_of_debians_documents_is_lost(pdf: Path, read: Callable[..., Any]) -> None:
    try:
        theirs = pdftotext(pdf)
    except ProgramMissing as missing:
        pytest.skip(f"{missing} is not installed, and only root can install it")
    pages, _ = read(pdf)
    assert recall("\n".join(page.text for page in pages), theirs) >= MIN_RECALL
