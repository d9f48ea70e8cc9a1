"""Rules for texts that users read: each is in a table with all languages of the API, and the versions agree.

A table is found by its shape, wherever it is and whatever its name: a dict literal with a language code as a key, or a
call with one as a keyword. So a new table cannot be overlooked.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from string import Formatter

from backend.text.languages import LANGUAGES
from tests.architecture.source_tree import Module, modules

# Files with other languages of their own, and why: none holds the API's texts.
NOT_THE_APIS_WORDS = {
    "backend/generation/language_models/builtin/": "grammar: the built-in model reads and writes German and English",
    "backend/generation/checks/wording.py": "patterns of what models write",
    "backend/generation/language_models/openai/prompts.py": "names of languages in an English prompt",
    "backend/text/stop_words.py": "words of the documents",
}
# Only these put a body of a problem together, and they take the sentences from tables.
MAY_RENDER_PROBLEMS = {"backend/core/web/http.py", "backend/operations/web/bare_responses.py"}

_OF_ONE_LANGUAGE = re.compile(r"(?:^|_)(?:EN|DE|FR|IT|ENGLISH|GERMAN|FRENCH|ITALIAN)$", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]{2,}")
# French needs a non-breaking space before these marks.
_FRENCH_SPACING = re.compile(r"(?<![\u00a0\u202f])[:;!?»](?=\s|$)|«(?![\u00a0\u202f])")
_CODE_SPAN = re.compile(r"`[^`]*`")


def half_translated(root: Path) -> Iterator[str]:
    """Each text of the API exists in every language."""
    for module in modules(root, "backend"):
        if any(module.path.startswith(path) for path in NOT_THE_APIS_WORDS):
            continue
        yield from _findings(module)


def needless_exceptions(root: Path) -> Iterator[str]:
    """Every listed exception is needed."""
    for path in NOT_THE_APIS_WORDS:
        excused = [module for module in modules(root, "backend") if module.path.startswith(path)]
        if not any(finding for module in excused for finding in _findings(module)):
            yield f"{path} is an exception that is not needed"


def problems_by_hand(root: Path) -> Iterator[str]:
    """Problems are rendered in the one place that chooses their language and states it."""
    for module in modules(root, "backend"):
        for node in ast.walk(module.tree):
            if (
                isinstance(node, ast.Call)
                and ast.unparse(node.func).rpartition(".")[2] in ("problem", "Problem")
                and module.path not in MAY_RENDER_PROBLEMS
            ):
                yield f"{module.at(node)} renders a problem by hand: raise a DomainError"


def compare_texts(texts: Mapping[str, str]) -> Iterator[str]:
    """Yield the faults of one text, given by language: a missing language, placeholders, typography."""
    if missing := [language for language in LANGUAGES if not texts.get(language, "").strip()]:
        yield "lacks " + ", ".join(missing)
        return
    if unknown := sorted(set(texts) - set(LANGUAGES)):
        yield "has " + ", ".join(unknown)
    english = texts["en"]
    for language in LANGUAGES[1:]:
        text = texts[language]
        if text == english and _WORD.search(re.sub(r"\{.*?\}", "", text)):
            yield f"is English in {language}"
        if placeholders(text) != placeholders(english):
            yield f"has different placeholders in {language}"
    if "ß" in texts["de"]:
        yield "has no Swiss spelling in de"
    if _FRENCH_SPACING.search(_CODE_SPAN.sub("", texts["fr"])):
        yield "has no non-breaking space before a mark in fr"
    if any(re.search(r"\w'\w", texts[language]) for language in ("fr", "it")):
        yield "has a straight apostrophe in fr or it"


def placeholders(text: str) -> list[str]:
    """Return a text's placeholder names, sorted."""
    return sorted(name for _, name, _, _ in Formatter().parse(text) if name is not None)


def _findings(module: Module) -> Iterator[str]:
    for node in ast.walk(module.tree):
        table = _table(node)
        if table is not None and (missing := [language for language in LANGUAGES if language not in table]):
            yield f"{module.at(node)} lacks {', '.join(missing)}"
        elif table is not None:
            texts = {language: _text(value) for language, value in table.items()}
            # Values that are not text, such as patterns, only need to exist.
            plain = {language: text for language, text in texts.items() if text is not None}
            if plain.keys() == texts.keys():
                yield from (f"{module.at(node)} {wrong}" for wrong in compare_texts(plain))
        elif isinstance(node, ast.Compare) and any(_is_language(side) for side in (node.left, *node.comparators)):
            yield f"{module.at(node)} chooses by language: put the texts into a table"
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                if isinstance(target, ast.Name) and _OF_ONE_LANGUAGE.search(target.id):
                    yield f"{module.at(node)} {target.id} is for one language: put the texts into a table"


def _table(node: ast.AST) -> dict[str, ast.expr] | None:
    """Return a table's values by language, or None if the node is not a table."""
    if isinstance(node, ast.Dict):
        pairs = [(key.value, value) for key, value in zip(node.keys, node.values, strict=True) if _is_text(key)]
    elif isinstance(node, ast.Call):
        pairs = [(keyword.arg, keyword.value) for keyword in node.keywords if keyword.arg]
    else:
        return None
    found = {str(name): value for name, value in pairs}
    return found if found.keys() & set(LANGUAGES) else None


def _is_text(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _is_language(node: ast.expr) -> bool:
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        return any(map(_is_language, node.elts))
    return isinstance(node, ast.Constant) and node.value in LANGUAGES


def _text(node: ast.expr) -> str | None:
    """Return a text with ``{…}`` for its placeholders, or None if the node is not text."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if not isinstance(node, ast.JoinedStr):
        return None
    parts = (_text(part) if isinstance(part, ast.Constant) else f"{{{_name(part)}}}" for part in node.values)
    return "".join(part or "" for part in parts)


def _name(node: ast.expr) -> str:
    # A name that Formatter accepts, whatever the expression is.
    return re.sub(r"\W", "_", ast.unparse(node))
