"""Everything that the documents name exists, both deployment guides match, and short pages stay short."""

import itertools
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from backend.cli import main
from backend.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = [ROOT / "README.md", ROOT / "SECURITY.md", *sorted((ROOT / "docs").rglob("*.md"))]
GUIDES = (ROOT / "docs/deployment.md", ROOT / "docs/deployment.de.md")
DECISIONS = sorted((ROOT / "docs/decisions").glob("0*.md"))
MAX_README_WORDS = 1500
MAX_DECISION_WORDS = 150

_FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
_PART = re.compile(
    r"^(?P<fence>```)\w*\n.*?^```$|^(?P<heading>#+) |(?P<table>(?:^\|[^\n]*\n)+)|^(?P<item>-|\d+\.) ",
    re.MULTILINE | re.DOTALL,
)
# In a span: folders and a file, optionally with a name in that file.
_MODULE = re.compile(r"`([a-z_]+(?:/[\w.-]+)*/[\w.-]+\.(?:py|md|json|yml|conf))(?:::\w+)?`")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_SPAN = re.compile(r"`([^`\n]+)`")
_VARIABLE = re.compile(r"(?<![\w$/{.-])[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+(?![\w-])")
_TARGET = re.compile(r"^([a-z-]+):.*## ", re.MULTILINE)
# Words of App Specs, which are also in capitals, and the one variable that Celery reads from the environment.
OTHERS = frozenset(re.findall(_VARIABLE, (ROOT / "tests/deployment/app-spec.schema.json").read_text())) | {
    "REMAP_SIGTERM"
}


def prose(text: str) -> str:
    """Return a document without its code blocks."""
    return _FENCE.sub("", text)


def code(text: str) -> list[str]:
    """Return everything marked as code: blocks and spans."""
    return [block for _, block in _FENCE.findall(text)] + _SPAN.findall(prose(text))


def find_unknown_commands(text: str) -> Iterator[str]:
    for command in re.findall(r"-m backend\.cli ([a-z][a-z-]*)", text):
        if command not in main.commands:
            yield f"backend.cli {command}"
    for module in re.findall(r"python -m ([a-z_]+(?:\.[a-z_]+)+)", text):
        if find_spec(module) is None:
            yield f"python -m {module}"


def find_unknown_targets(text: str) -> Iterator[str]:
    targets = set(_TARGET.findall((ROOT / "Makefile").read_text()))
    for piece in code(text):
        for target in re.findall(r"(?:^|&& |; )make ([a-z][a-z-]*)", piece, re.MULTILINE):
            if target not in targets:
                yield f"make {target}"


def find_unknown_variables(text: str) -> Iterator[str]:
    known = {name.upper() for name in Settings.model_fields} | OTHERS
    for span in _SPAN.findall(prose(text)):
        # Our variables have at least two words. A single word in capitals could be an HTTP method.
        yield from (name for name in _VARIABLE.findall(span) if name not in known and not _is_of_the_shell(name, text))


def _is_of_the_shell(name: str, text: str) -> bool:
    return any(re.search(rf"^{name}=", block, re.MULTILINE) for _, block in _FENCE.findall(text))


def find_missing_modules(text: str) -> Iterator[str]:
    """Yield files that are cited as `core/web/http.py`, below backend, or from the root, but do not exist."""
    for path in _MODULE.findall(prose(text)):
        if not any((ROOT / folder / path).exists() for folder in ("", "backend")):
            yield path


def anchors(text: str) -> set[str]:
    """Return the anchors of a document's headings."""
    found: set[str] = set()
    for _, heading in _HEADING.findall(prose(text)):
        words = re.sub(r"[^\w\- ]", "", heading.strip().lower()).replace(" ", "-")
        number = sum(
            name == words or (name.startswith(f"{words}-") and name[len(words) + 1 :].isdigit()) for name in found
        )
        found.add(f"{words}-{number}" if number else words)
    return found


def find_broken_links(text: str, document: Path) -> Iterator[str]:
    for link in _LINK.findall(prose(text)):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        if not target.exists() or (
            anchor and anchor not in anchors(text if target == document else target.read_text())
        ):
            yield link


def blocks(text: str) -> list[tuple[str, str]]:
    """Return the language and text of each code block, without comments, which are translated."""
    return [
        (language, re.sub(r" *(?<!\S)# .*$", "", block, flags=re.MULTILINE)) for language, block in _FENCE.findall(text)
    ]


def layout(text: str) -> list[str]:
    """Return the order of headings (with level), tables (with rows and columns), code blocks and lists."""
    found: list[str] = []
    for part in _PART.finditer(text):
        if part["fence"]:
            found.append("code")
        elif part["heading"]:
            found.append(f"heading {len(part['heading'])}")
        elif part["table"]:
            rows = part["table"].splitlines()
            columns = [len(re.split(r"(?<!\\)\|", row)) - 2 for row in rows]
            found.append(f"table of {len(rows)} rows, columns {sorted(set(columns))}")
        else:
            found.append("numbered item" if part["item"][0].isdigit() else "item")
    return found


def compare_guides(one: str, other: str) -> list[str]:
    """Return the differences between two versions of a guide, apart from the language."""
    problems = []
    ours, theirs = layout(one), layout(other)
    if ours != theirs:
        pairs = itertools.zip_longest(ours, theirs)
        place, differing = next((i, pair) for i, pair in enumerate(pairs) if pair[0] != pair[1])
        problems.append(f"part {place}, after {ours[max(0, place - 3) : place]}: {differing[0]} and {differing[1]}")
    first, second = blocks(one), blocks(other)
    if len(first) != len(second):
        problems.append(f"{len(first)} and {len(second)} blocks of code")
    problems += [f"blocks: {mine!r} and {yours!r}" for mine, yours in zip(first, second, strict=False) if mine != yours]
    return problems


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_references_exist(document: Path) -> None:
    text = document.read_text()
    problems = [*find_unknown_commands(text), *find_unknown_targets(text), *find_unknown_variables(text)]
    assert [*problems, *find_missing_modules(text), *find_broken_links(text, document)] == []


def test_both_guides_have_the_same_structure_and_the_same_code() -> None:
    one, other = (guide.read_text() for guide in GUIDES)
    assert compare_guides(one, other) == []


def test_the_german_guide_uses_swiss_spelling() -> None:
    text = _SPAN.sub("", prose(GUIDES[1].read_text()))
    # A capital "Sie" in the middle of a sentence is the formal address.
    assert re.findall(r"[ß„“]|[a-zäöü,] Sie\b", text) == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Run `python -m backend.cli migarte`.", ["backend.cli migarte"]),
        ("Run `python -m backend.nothing`.", ["python -m backend.nothing"]),
        ("Run `make dmeo`.", ["make dmeo"]),
        ("```sh\nmake tets\n```\n", ["make tets"]),
        ("Set `JWT_SECRTE=x`.", ["JWT_SECRTE"]),
        ("See `core/nothing.py` and `core/clock.py`.", ["core/nothing.py"]),
        ("See [x](nothing.md).", ["nothing.md"]),
        ("# One\n[x](#two)", ["#two"]),
        ("See [x](docs/operations.md#nowhere).", ["docs/operations.md#nowhere"]),
    ],
)
def test_a_missing_reference_is_reported(text: str, found: list[str]) -> None:
    checks = [*find_unknown_commands(text), *find_unknown_targets(text), *find_unknown_variables(text)]
    assert [*checks, *find_missing_modules(text), *find_broken_links(text, ROOT / "README.md")] == found


@pytest.mark.parametrize(
    "text",
    [
        "`python -m backend.cli migrate`, `make demo`, `JWT_SECRET`, `PRE_DEPLOY`, [x](docs/operations.md#metrics)",
        "# A heading, with (marks)\n[x](#a-heading-with-marks) [y](https://nowhere.example)",
        "```sh\nAPP_ID=1\n```\n`doctl apps get $APP_ID` and `APP_ID`",
        "make sure that we make progress",
    ],
)
def test_valid_references_are_accepted(text: str) -> None:
    checks = [*find_unknown_commands(text), *find_unknown_targets(text), *find_unknown_variables(text)]
    assert [*checks, *find_missing_modules(text), *find_broken_links(text, ROOT / "README.md")] == []


@pytest.mark.parametrize(
    "other",
    [
        "# A\n### B\n```sh\nls  # one\n```\n",
        "# A\n## B\n```sh\nls -l  # one\n```\n",
        "# A\n## B\n```\nls  # one\n```\n",
        "# A\n## B\n",
        "## B\n# A\n```sh\nls  # one\n```\n",
        "# A\n```sh\nls  # one\n```\n## B\n",
        "# A\n## B\n```sh\nls  # one\n```\n| a |\n| - |\n",
        "# A\n## B\n```sh\nls  # one\n```\n- one\n",
    ],
)
def test_a_guide_that_differs_is_reported(other: str) -> None:
    assert compare_guides("# A\n## B\n```sh\nls  # eins\n```\n", other)


@pytest.mark.parametrize(
    "other",
    [
        "| a | b |\n| - | - |\n| 1 | 2 |\n| 3 | 4 |\n\n1. x\n",
        "| a |\n| - |\n| 1 |\n\n1. x\n",
        "| a | b |\n| - | - |\n| 1 | 2 |\n\n- x\n",
        "| a | b |\n| - | - |\n| 1 | 2 |\n\n1. x\n2. y\n",
    ],
)
def test_a_table_or_list_that_differs_is_reported(other: str) -> None:
    assert compare_guides("| a | b |\n| - | - |\n| 1 | 2 |\n\n1. x\n", other)


def test_guides_may_differ_in_comments() -> None:
    assert compare_guides("# A\n## B\n```sh\nls  # eins\n```\n", "# C\n## D\n```sh\nls  # one\n```\n") == []


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text().split()) <= MAX_README_WORDS


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda path: path.stem)
def test_a_decision_is_short_and_has_three_parts(decision: Path) -> None:
    text = decision.read_text()
    assert re.findall(r"^\*\*(\w+)\.\*\*", text, re.MULTILINE) == ["Context", "Decision", "Consequence"]
    assert len(text.split()) <= MAX_DECISION_WORDS, "Move details to docs/architecture.md."


def test_every_decision_is_listed_by_its_title() -> None:
    titles = [(path.name, path.read_text().partition("\n")[0].removeprefix("# ")) for path in DECISIONS]
    listed = re.findall(r"^\| \[(\d+)\]\((\S+)\) \| (.+) \|$", (ROOT / "docs/decisions/README.md").read_text(), re.M)
    assert [(name, f"{number}: {title}") for number, name, title in listed] == titles
