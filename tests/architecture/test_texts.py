"""Every text for users exists in every language of the API.

Three checks cover each other's gaps: the source is searched for tables (``text_rules``), error classes are asked for
their texts at run time, and every code that the API can return is looked up.
"""

import ast
import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

import pytest

from backend.core.errors import DomainError
from backend.core.web import problem_messages
from backend.generation.checks.flashcards import FLASHCARD_CHECKS
from backend.generation.checks.questions import QUESTION_CHECKS
from backend.generation.checks.section import MORE_THAN_ASKED, NOT_WRITTEN, SCHEMA_INVALID, reason_text
from backend.generation.errors import SENTENCES
from backend.generation.runs.stages import STAGES, WAITING
from backend.generation.types import RunState
from backend.library.errors import DOCUMENT_SENTENCES, FileRefused
from backend.library.extraction.errors import CODES
from backend.library.extraction.messages import MESSAGES
from backend.study.errors import QuoteRefused
from backend.study.evidence import QuoteProblem
from backend.text.languages import LANGUAGES
from tests.architecture import text_rules
from tests.architecture.source_tree import CHECKOUT, modules

Rule = Callable[[Path], Iterator[str]]

# Errors whose code and texts are chosen when they are raised, and the tables they come from.
BY_CODE: Mapping[type[DomainError], Mapping[str, Mapping[str, str]]] = {
    FileRefused: MESSAGES,
    QuoteRefused: {problem.value: texts for problem, texts in QuoteRefused.TEXTS.items()},
}
# Calls that store a code in a row that a user may see, and the position of the code.
GIVING = {
    "ModelError": 0,
    "JobFailed": 0,
    "UnreadableFile": 0,
    "fail": 2,
    "fail_step": 1,
    "give_up": 1,
    "stop_run": 2,
    "_skip": 3,
}
_CONSTANTS = {"_BY_STATUS", "OVER_BUDGET", "_NOTHING_SUITABLE"}

FULL = '"en": "Words.", "de": "Wörter.", "fr": "Des mots.", "it": "Parole."'
# Each seed: the text to add to a backend module, and words of the report.
SEEDS = [
    ('A = {"en": "Words.", "de": "Wörter."}', "lacks fr, it"),
    ('A = {"x": {"fr": "Des mots."}}', "lacks en, de, it"),
    ('def f(language):\n    return {"en": 1, "de": 2, "fr": 3}[language]', "lacks it"),
    ('A = dict(en="Words.", de="Wörter.", it="Parole.")', "lacks fr"),
    ('class A:\n    texts = Texts(en="Words.", de="Wörter.")', "lacks fr, it"),
    (f"A = {{{FULL}}}".replace("Parole.", " "), "lacks it"),
    (f"A = {{{FULL}}}".replace("Des mots.", "Words."), "is English in fr"),
    (f"A = {{{FULL}}}".replace("Wörter.", "{count} Wörter."), "different placeholders in de"),
    (f"A = {{{FULL}}}".replace('"Wörter', 'f"Wörter {1 + 1}'), "different placeholders in de"),
    (f"A = {{{FULL}}}".replace("Wörter", "Grüße"), "no Swiss spelling"),
    (f"A = {{{FULL}}}".replace("Des mots.", "Des mots : un, deux."), "no non-breaking space"),
    (f"A = {{{FULL}}}".replace("Parole", "L'altra"), "apostrophe"),
    ('BUSY_IN_GERMAN = "Zu viel zu tun."', "is for one language"),
    ('def f(language):\n    return "Ja" if language == "de" else "Yes"', "chooses by language"),
    ('def f(language):\n    return language in ("de", "fr")', "chooses by language"),
]


@pytest.mark.parametrize(
    "rule",
    [text_rules.half_translated, text_rules.needless_exceptions, text_rules.problems_by_hand],
    ids=lambda rule: rule.__name__,
)
def test_the_checkout_keeps_the_rule(rule: Rule) -> None:
    assert list(rule(CHECKOUT)) == []


@pytest.mark.parametrize(("source", "report"), SEEDS)
def test_an_incomplete_table_is_reported(tmp_path: Path, source: str, report: str) -> None:
    (found,) = text_rules.half_translated(write(tmp_path, source))
    assert found.startswith("backend/billing/money.py:")
    assert report in found


@pytest.mark.parametrize(
    "source",
    [f"A = {{{FULL}}}", 'A = {"a": 1}', 'A = {**B, "x": C}', "f(a=1)", 'A = {"en": B, "de": C, "fr": D, "it": E}'],
)
def test_complete_tables_and_other_values_are_accepted(tmp_path: Path, source: str) -> None:
    assert list(text_rules.half_translated(write(tmp_path, source))) == []


def test_a_problem_rendered_by_hand_is_reported(tmp_path: Path) -> None:
    root = write(tmp_path, 'def f():\n    return http.problem(400, "odd", "Odd.")')
    assert list(text_rules.problems_by_hand(root)) == [
        "backend/billing/money.py:2 renders a problem by hand: raise a DomainError"
    ]


def test_a_needless_exception_is_reported(tmp_path: Path) -> None:
    found = set(text_rules.needless_exceptions(write(tmp_path, "")))
    assert len(found) == len(text_rules.NOT_THE_APIS_WORDS)


def write(root: Path, source: str) -> Path:
    """Write a backend with one module; return its checkout."""
    file = root / "backend" / "billing" / "money.py"
    file.parent.mkdir(parents=True)
    file.write_text(f"{source}\n")
    return root


def find_untranslated(errors: Iterable[type[DomainError]]) -> Iterator[str]:
    """Yield the errors without a code of their own or without a text."""
    for error in errors:
        tables = BY_CODE.get(error) or {error.code: error.texts}
        for code, texts in tables.items():
            if code == DomainError.code:
                yield f"{error.__name__} has no code"
            yield from (f"{error.__name__} ({code}) {wrong}" for wrong in text_rules.compare_texts(texts))


def modules_with_errors(root: Path) -> dict[str, str]:
    """Return the modules that define classes derived from DomainError, by class name; others need no import."""
    classes = [
        (node.name, module.dotted, {ast.unparse(base).rpartition(".")[2] for base in node.bases})
        for module in modules(root, "backend")
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef)
    ]
    found: dict[str, str] = {}
    while derived := {
        name: module for name, module, bases in classes if name not in found and bases & {"DomainError", *found}
    }:
        found |= derived
    return found


def all_errors() -> set[type[DomainError]]:
    """Return every error class of the backend."""
    for module in set(modules_with_errors(CHECKOUT).values()):
        importlib.import_module(module)
    found: set[type[DomainError]] = set()
    waiting: list[type[DomainError]] = [DomainError]
    while waiting:
        derived = set(waiting.pop().__subclasses__()) - found
        found |= derived
        waiting += derived
    return {error for error in found if error.__module__.startswith("backend.")}


def test_every_error_has_every_language() -> None:
    errors = all_errors()
    names = {error.__name__ for error in errors}
    assert names >= {"NotFound", "NotSignedIn", "ObjectRefused", "MetricsTokenWrong"}
    assert names == set(modules_with_errors(CHECKOUT))
    assert list(find_untranslated(errors)) == []


def test_an_untranslated_error_is_reported() -> None:
    class Silent(DomainError):
        code = "silent"

    class Nameless(DomainError):
        texts = MESSAGES["empty"]

    class Half(DomainError):
        code = "half"
        texts = {"en": "You need {credits} credits.", "de": "Du brauchst {money} Credits.", "fr": "", "it": "x"}

    assert set(find_untranslated([Silent, Nameless, Half])) == {
        "Silent (silent) lacks en, de, fr, it",
        "Nameless has no code",
        "Half (half) lacks fr",
    }


def tables() -> dict[str, Mapping[str, Mapping[str, str]]]:
    """Return the tables by code, as the routes read them."""
    return {
        "http": problem_messages.SENTENCES,
        "documents": DOCUMENT_SENTENCES,
        "runs": SENTENCES,
        "stages": {state.value: texts for state, texts in STAGES.items()} | WAITING,
    }


def test_every_table_is_complete_at_run_time() -> None:
    wrong = [
        f"{table}: {code} {found}"
        for table, by_code in tables().items()
        for code, texts in by_code.items()
        for found in text_rules.compare_texts(texts)
    ]
    assert wrong == []


def test_every_status_has_a_text() -> None:
    codes = {problem_messages.code_of(status) for status in range(400, 600)} - {problem_messages.ANY_CODE}
    assert codes | {"invalid_json"} == set(problem_messages.SENTENCES)


def test_every_state_of_a_run_has_a_name() -> None:
    assert set(STAGES) == set(RunState)


def test_every_check_has_a_reason() -> None:
    checks = {check.name for check in (*FLASHCARD_CHECKS, *QUESTION_CHECKS)} | set(QuoteProblem)
    checks |= {"no_quote", "wrong_language", "invisible_characters", SCHEMA_INVALID, MORE_THAN_ASKED, NOT_WRITTEN}
    for language in LANGUAGES:
        assert reason_text("renamed_since", language) not in {reason_text(check, language) for check in checks}


def codes_given(tree: ast.AST) -> Iterator[str]:
    """Yield the literal codes that a module gives to a document, a page, a step or a run."""
    for node in ast.walk(tree):
        given: list[ast.expr] = []
        if isinstance(node, ast.Call):
            name = ast.unparse(node.func).rpartition(".")[2]
            given = node.args[GIVING[name] : GIVING[name] + 1] if name in GIVING else []
            given += [keyword.value for keyword in node.keywords if keyword.arg in ("error_code", "skipped")]
        elif isinstance(node, ast.FunctionDef) and node.name == "reason_to_skip":
            given = [each.value for each in ast.walk(node) if isinstance(each, ast.Return) and each.value is not None]
        elif isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) in _CONSTANTS:
            given = [node.value]
        for value in given:
            # A code that is compared or looked up is not given.
            asides = [part for part in ast.walk(value) if isinstance(part, ast.Compare | ast.Subscript)]
            aside = {id(each) for part in asides for each in ast.walk(part)}
            for each in ast.walk(value):
                if isinstance(each, ast.Constant) and isinstance(each.value, str) and id(each) not in aside:
                    yield each.value


def test_every_stored_code_has_a_text() -> None:
    given = {code for module in modules(CHECKOUT, "backend") for code in codes_given(module.tree)}
    assert given >= {"rate_limited", "truncated", "refused", "worker_lost", "blank", "not_readable", "references"}
    assert given >= {"unreadable_document", "over_budget", "internal_error", "no_text", "damaged"}
    assert given | CODES <= set(SENTENCES) | set(DOCUMENT_SENTENCES)


def test_a_code_without_a_text_is_reported() -> None:
    source = 'raise ModelError("odd", "the message", retryable=before == "no")'
    assert list(codes_given(ast.parse(source))) == ["odd"]
