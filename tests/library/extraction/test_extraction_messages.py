"""Every code has a text in every language, and every text belongs to a code that is used."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from backend.library import errors as library_errors
from backend.library import room
from backend.library.extraction import errors, messages
from backend.text.languages import LANGUAGES

_LIBRARY = Path(room.__file__).parent
_TEXTS = frozenset({_LIBRARY / "extraction" / name for name in ("messages.py", "warning_messages.py", "errors.py")})


@pytest.fixture(scope="module")
def nodes() -> list[ast.AST]:
    """Return the library's code, without the texts and the list of codes."""
    sources = (path.read_text(encoding="utf-8") for path in _LIBRARY.rglob("*.py") if path not in _TEXTS)
    return [node for source in sources for node in ast.walk(ast.parse(source))]


def _strings(node: ast.AST) -> Iterator[str]:
    """Yield the strings that an expression may be; those that only name a key are left out."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif not isinstance(node, ast.Subscript):
        for child in ast.iter_child_nodes(node):
            yield from _strings(child)


def _codes(nodes: list[ast.AST], *functions: str) -> set[str]:
    """Return the codes that these functions are called with."""
    calls = (node for node in nodes if isinstance(node, ast.Call))
    named = (call for call in calls if ast.unparse(call.func).rpartition(".")[2].lstrip("_") in functions)
    return {code for call in named for argument in call.args for code in _strings(argument)}


def _mentioned(nodes: list[ast.AST]) -> set[str]:
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def test_the_codes_of_warnings_are_those_with_a_text(nodes: list[ast.AST]) -> None:
    warned = _codes(nodes, "warn", "warn_of_rest", "warn_of_hidden", "ReadWarning")
    # A few are passed on by other functions.
    assert warned | (_mentioned(nodes) & set(messages.WARNINGS)) == set(messages.WARNINGS)
    assert len(warned) > 15


def test_the_codes_of_errors_are_those_with_a_text(nodes: list[ast.AST]) -> None:
    raised = _codes(nodes, "UnreadableFile")
    assert raised | (_mentioned(nodes) & errors.CODES) == errors.CODES == set(messages.ERRORS)


def test_every_code_of_a_document_or_a_rereading_has_a_sentence_in_each_language() -> None:
    for code, sentences in library_errors.DOCUMENT_SENTENCES.items():
        assert set(sentences) == set(LANGUAGES), code
        assert all(len(sentence) > 40 and sentence.endswith(".") for sentence in sentences.values()), code


def test_each_code_that_a_reading_fails_with_is_one_of_a_document(nodes: list[ast.AST]) -> None:
    failed = _codes(nodes, "JobFailed") | {"worker_lost", "internal_error"}
    assert failed | errors.CODES <= set(library_errors.DOCUMENT_SENTENCES)
    named = {library_errors.FileExpired.code, library_errors.StorageQuotaExceeded.code}
    assert named <= set(library_errors.DOCUMENT_SENTENCES)


@pytest.mark.parametrize(
    ("language", "limits"),
    [
        ("en", ("50 million pixels", "65\u202f000 pixels wide or high")),
        ("de", ("50 Millionen Pixel", "65\u202f000 Pixel Breite oder Höhe")),
        ("fr", ("50 millions de pixels", "65\u202f000\u00a0pixels de largeur ou de hauteur")),
        ("it", ("50 milioni di pixel", "65\u202f000 pixel di larghezza o di altezza")),
    ],
)
def test_a_picture_that_is_too_large_names_the_limits(language: str, limits: tuple[str, ...]) -> None:
    text = library_errors.find_problem_text("image_too_large", language)
    assert text is not None
    assert [limit for limit in limits if limit not in text] == [], text


def test_every_sentence_has_its_limits() -> None:
    for code in library_errors.DOCUMENT_SENTENCES:
        for language in LANGUAGES:
            assert "{" not in (library_errors.find_problem_text(code, language) or "{"), code
