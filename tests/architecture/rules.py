"""The rules that can be checked one module at a time. Each yields a line per violation."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.architecture.source_tree import FOLDERS, Module, imports, modules

MAX_FILE_LINES = 400
STRAY_NAMES = frozenset(
    {"base", "bases", "common", "helper", "helpers", "manager", "managers", "misc", "util", "utils"}
)

_TRANSACTION_ENDS = frozenset({"begin", "begin_nested", "commit", "rollback"})
# The only places where a transaction may be opened or ended, and why.
_MAY_COMMIT = {
    "backend/core/database/transaction.py": "the one place that commits",
    "backend/study/exports/anki.py": "a SQLite database in memory: what an Anki package is made of",
    "backend/core/work/leases.py": "renews on a connection of its own: the work that it protects may have a session",
}
_MAY_COMMIT_FOLDER = "backend/migrations/"  # Alembic's own transactions.
# The modules that may call `transaction()`, besides every `routes.py` and `*_routes.py`, and why.
_MAY_OPEN = {
    "backend/app.py": "authentication comes before each request",
    "backend/cli.py": "commands",
    "backend/billing/audits.py": "work of a task: an audit reads in many transactions",
    "backend/billing/ledger/invariants.py": "work of a task: accounts are read in batches",
    "backend/billing/payments/events.py": "work of a task: the object is read from Stripe in no transaction",
    "backend/billing/payments/fulfilment.py": "a session is read from Stripe in no transaction, and booked in one",
    "backend/billing/payments/reconciling.py": "work of a task: each object is read and booked apart",
    "backend/billing/payments/refunds_and_disputes.py": "an object is read from Stripe in no transaction",
    "backend/billing/ledger/chores.py": "work of the sweep, an account in each",
    "backend/core/web/idempotency.py": "around a route: its work and its stored response are one transaction",
    "backend/core/work/jobs.py": "claiming for a task",
    "backend/core/work/sweep.py": "the sweep",
    "backend/core/work/runner.py": "claim, work and record are apart",
    "backend/generation/calls/permits.py": "asks for the size of the next call before one is claimed",
    "backend/generation/runs/calling.py": "work of a call: its input is read before it is made",
    "backend/generation/runs/preparing.py": "a document is read only by a model that asks for it, during the work",
    "backend/generation/runs/steps.py": "work of a step: its input is read before its work",
    "backend/library/files/expiry.py": "work of the sweep, in batches of files",
    "backend/library/files/moving.py": "work of the sweep; no file is moved in a transaction",
    "backend/library/page_images/conversions.py": "work of a task: claim, convert and record are apart",
    "backend/library/page_images/kept_images.py": "a command drops images and PDFs apart",
    "backend/library/page_images/showing.py": "a page is rendered in no transaction",
    "backend/library/reading.py": "work of a task: claim, read and record are apart",
    "backend/library/reading_places.py": "waiting readings are sent after one has ended",
    "backend/library/rereading.py": "work of a task: claim, read and record are apart",
    "backend/library/files/objects.py": "an object is noted in one transaction, and made in none",
    "backend/library/files/stored_file.py": "a slow reader of a file holds no connection",
    "backend/operations/upkeep/housekeeping.py": "the sweep, each chore on its own",
    "backend/operations/monitoring/measurements.py": "a page of figures",
    "backend/operations/watchdog/observation.py": "a separate process",
    "backend/operations/watchdog/watchdog.py": "a separate process",
    "backend/privacy/exports/archive.py": "work of a task: rows are read in batches, files outside a transaction",
    "backend/privacy/erasing.py": "work of a task: an erasure is many transactions",
    "backend/privacy/exports/making.py": "work of a task: claim, write and record are apart",
    "backend/privacy/exports/storing.py": "work of a task: the archive is stored after it has been written",
}
# Permitted imports inside functions, and why.
_LATE_IMPORTS = {
    (
        "backend/billing/statements/files.py",
        "backend.billing.statements.pdf",
    ): "its library takes 6 MB, and few processes make a PDF",
    (
        "backend/library/files/objects.py",
        "backend.library.files.object_storage",
    ): "its SDK takes 40 MB, which few processes need",
    (
        "backend/library/extraction/ocr/recognition.py",
        "backend.library.extraction.ocr.unread",
    ): "Pillow takes 10 MB and 15 ms, and few documents have scans",
    (
        "backend/library/extraction/ocr/recognition.py",
        "backend.library.extraction.office_package",
    ): "only for its type: lxml takes 9 ms of each reading, and PDFs have no XML",
    (
        "backend/library/extraction/ocr/recognition.py",
        "backend.library.extraction.ocr.preparation",
    ): "Pillow takes 10 MB and 15 ms, and few documents have scans",
    (
        "backend/library/extraction/ocr/recognition.py",
        "backend.library.extraction.ocr.photographs",
    ): "Pillow takes 10 MB and 15 ms, and few documents have pictures of text",
    ("backend/cli.py", "backend.library.service"): "only this command needs the tables",
    ("backend/cli.py", "backend.library.errors"): "only this command needs the tables",
    ("backend/cli.py", "backend.billing.service"): "only these commands need the tables",
    ("backend/cli.py", "backend.billing.errors"): "only this command needs the tables",
    ("backend/cli.py", "backend.accounts.errors"): "only this command needs the tables",
    ("backend/cli.py", "backend.core.database.transaction"): "only this command needs the tables",
    ("backend/cli.py", "backend.administration.service"): "only this command needs the rooms with users",
    ("backend/cli.py", "backend.core.errors"): "only these two commands need the tables",
    ("backend/cli.py", "alembic"): "the long-lived watchdog needs no migrations",
    (
        "backend/cli.py",
        "backend.operations.upkeep.migrate",
    ): "the long-lived watchdog needs no migrations",
    ("backend/cli.py", "backend.operations.upkeep.sweep_loop"): "only these two commands need the rooms with work",
    ("backend/cli.py", "backend.operations.watchdog.watchdog"): "only these two commands need the rooms with work",
    ("backend/cli.py", "backend.core.database.database"): "the table of settings needs no database",
    ("backend/cli.py", "backend.core.manifest"): "only the commands that work need the rooms",
    ("backend/cli.py", "backend.rooms"): "only the commands that work need the rooms",
    ("backend/cli.py", "backend.core.work.queue"): "only these two commands need the broker's client",
    (
        "backend/generation/language_models/choice.py",
        "backend.generation.language_models.openai.model",
    ): "its SDK takes 25 MB, and not all call a model",
    (
        "backend/generation/language_models/choice.py",
        "backend.generation.language_models.openai.connection",
    ): "its SDK takes 25 MB, and not all call a model",
    (
        "backend/library/extraction/word/inserted.py",
        "backend.library.extraction.web.pages",
    ): "each reading starts a process, and few Word files hold a web page",
    (
        "backend/library/extraction/word/inserted.py",
        "backend.library.extraction.plain.encoding",
    ): "each reading starts a process, and few Word files hold a text",
    ("backend/library/extraction/word/inserted.py", "email"): "each reading starts a process, and few hold an archive",
    ("backend/text/languages.py", "py3langid.langid"): "with numpy it takes 15 MB, and is rarely needed",
    ("backend/text/languages.py", "py3langid.modelio"): "with numpy it takes 15 MB, and is rarely needed",
    ("backend/cli.py", "backend.app"): "the other commands must work without building the app",
}
_MOCKS = ("unittest.mock", "mock", "pytest_mock")


def committers(root: Path) -> Iterator[str]:
    """Only ``core/database/transaction.py`` opens and ends transactions."""
    for module in modules(root, "backend"):
        if module.path in _MAY_COMMIT or module.path.startswith(_MAY_COMMIT_FOLDER):
            continue
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Attribute) and node.attr in _TRANSACTION_ENDS:
                yield f"{module.at(node)} calls {node.attr}: only core/database/transaction.py does"


def openers(root: Path) -> Iterator[str]:
    """Routes, commands and sweeps open transactions; services only join one."""
    for module in modules(root, "backend"):
        if module.path in _MAY_OPEN or module.path.endswith("routes.py"):
            continue
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and ast.unparse(node.func).rpartition(".")[2] == "transaction":
                yield f"{module.at(node)} opens a transaction: let its caller do so"


def long_files(root: Path) -> Iterator[str]:
    """No file is longer than 400 lines."""
    for module in modules(root, *FOLDERS):
        length = len(module.text.splitlines())
        if length > MAX_FILE_LINES:
            yield f"{module.path} has {length} lines, more than {MAX_FILE_LINES}"


def stray_names(root: Path) -> Iterator[str]:
    """No module or package has a catch-all name."""
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            is_code = path.suffix == ".py" or (path.is_dir() and any(path.glob("*.py")))
            if is_code and path.stem.lower() in STRAY_NAMES:
                yield f"{path.relative_to(root)} is a home for strays: name it after a concept"


def code_in_packages(root: Path) -> Iterator[str]:
    """An ``__init__.py`` of the backend holds only its docstring."""
    for module in modules(root, "backend"):
        if not module.path.endswith("/__init__.py"):
            continue
        if ast.get_docstring(module.tree) is None:
            yield f"{module.path} has no docstring that says what the package is for"
        for node in module.tree.body[1:]:
            yield f"{module.at(node)} is code in an __init__.py"


def tasks(root: Path) -> Iterator[str]:
    """Celery tasks come from the manifest: a room declares jobs; no module decorates a task."""
    for module in modules(root, "backend"):
        for node in ast.walk(module.tree):
            if isinstance(node, ast.FunctionDef) and _is_task(node):
                yield f"{module.at(node)} is a task: declare a job in the room's room.py"


def _is_task(function: ast.FunctionDef) -> bool:
    calls = [node.func if isinstance(node, ast.Call) else node for node in function.decorator_list]
    return any(isinstance(call, ast.Attribute) and call.attr == "task" for call in calls)


def foreign_relationships(root: Path) -> Iterator[str]:
    """A row of another room is referenced by id, never by ``relationship()``."""
    for module in modules(root, "backend"):
        own = {node.name for node in ast.walk(module.tree) if isinstance(node, ast.ClassDef)}
        for node in ast.walk(module.tree):
            if not isinstance(node, ast.AnnAssign) or not _calls(node.value, "relationship"):
                continue
            for name in sorted(_class_names(node) - own):
                yield f"{module.at(node)} has a relationship to {name}, which is not a table of this module"


def _calls(node: ast.expr | None, name: str) -> bool:
    if not isinstance(node, ast.Call):
        return False
    called = node.func
    return (isinstance(called, ast.Name) and called.id == name) or (
        isinstance(called, ast.Attribute) and called.attr == name
    )


def _class_names(node: ast.AnnAssign) -> set[str]:
    """Return the class names in an annotation and in the target given to ``relationship``."""
    found: set[str] = set()
    targets = node.value.args[:1] if isinstance(node.value, ast.Call) else []
    for part in (node.annotation, *targets):
        for inner in ast.walk(part):
            if isinstance(inner, ast.Name):
                found.add(inner.id)
            elif isinstance(inner, ast.Constant) and isinstance(inner.value, str):
                names = ast.walk(ast.parse(inner.value, mode="eval"))
                found.update(name.id for name in names if isinstance(name, ast.Name))
    return {name for name in found if name[:1].isupper()} - {"Mapped", "Sequence", "List", "Optional", "None"}


def late_imports(root: Path) -> Iterator[str]:
    """No import inside a function dodges a cycle."""
    for module in modules(root, "backend"):
        at_top = {id(node) for node in module.tree.body}
        for found in imports(module):
            allowed = any((module.path, name) in _LATE_IMPORTS for name in found.candidates)
            if id(found.node) not in at_top and not allowed:
                yield f"{module.at(found.node)} imports {found.module} inside a function or a condition"


def mocks(root: Path) -> Iterator[str]:
    """Tests use the real parts: our own code is neither mocked nor replaced."""
    for module in modules(root, "tests", "benchmarks"):
        ours = set()
        for found in imports(module):
            if found.module in _MOCKS or f"{found.module}.{found.name}" in _MOCKS:
                yield f"{module.at(found.node)} imports {found.module}: use the real part"
            if found.module.split(".")[0] == "backend":
                ours.add(found.name or "backend")
        yield from _replacements(module, ours)


def _replacements(module: Module, ours: set[str]) -> Iterator[str]:
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or not node.args:
            continue
        if node.func.attr not in ("setattr", "delattr", "setitem"):
            continue
        target = ast.unparse(node.args[0]).strip("'\"")
        name = ast.unparse(node.args[1]).strip("'\"") if len(node.args) > 2 else target.rpartition(".")[2]
        if name.isupper():
            # A duration or limit may be made small so that a test need not wait for it.
            continue
        if target.split(".")[0] in ours or target.startswith("backend."):
            yield f"{module.at(node)} replaces {target}: use the real part"


RULES = (
    committers,
    openers,
    long_files,
    stray_names,
    code_in_packages,
    tasks,
    foreign_relationships,
    late_imports,
    mocks,
)
