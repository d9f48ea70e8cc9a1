"""Reads a document into pages of text in a child process that cannot hurt its caller.

How the user is told why the child ended: over a limit of pages, characters, memory or output, or killed
by the system's out-of-memory killer (SIGKILL) or by its own allocator (SIGABRT, SIGTRAP, SIGILL) →
``too_large``; the wall clock or the processor-time limit (SIGXCPU) → ``timed_out``; any other crash, and
any exception of a parser → ``damaged``.
"""

import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any

from backend.library.extraction.errors import ReaderNotStarted, UnreadableFile
from backend.library.extraction.formats import DocumentFormat, detect_kind
from backend.library.types import PageSource, PageText, Span, SpanKind
from backend.settings import OCR_PAGE_S, OCR_WAIT_S

__all__ = [
    "DocumentFormat",
    "ReadLimits",
    "ReadReport",
    "ReadWarning",
    "ReaderNotStarted",
    "UnreadableFile",
    "detect_kind",
    "read_document",
]

_IMPORT_ROOT = str(Path(__file__).resolve().parents[3])
_START = "import sys; sys.path.insert(0, sys.argv[1]); from backend.library.extraction.child import main; main()"
_PIECE_BYTES = 1 << 16
_CHECK_EVERY_S = 1.0
# JSON needs at most six bytes per character, and a span, which has at least three characters, 40 bytes; the rest of a
# page's line, heading included, fits in 4 kB.
_MAX_BYTES_PER_CHAR = 20
_MAX_BYTES_BESIDE_TEXT = 4096
_KEPT_ENVIRONMENT = ("PATH", "TESSDATA_PREFIX", "LD_LIBRARY_PATH")
# The child was killed by somebody else: resource limits end it by other signals.
_KILLED = "killed"
_CODE_BY_SIGNAL = {
    signal.SIGKILL: _KILLED,
    signal.SIGABRT: "too_large",
    signal.SIGTRAP: "too_large",
    signal.SIGILL: "too_large",
    signal.SIGXFSZ: "too_large",
    signal.SIGXCPU: "timed_out",
}


@dataclass(frozen=True, slots=True)
class ReadLimits:
    """The limits of reading one document.

    ``memory_bytes`` is address space. ``wall_s`` is seconds without OCR; each page read with OCR adds up to
    ``OCR_PAGE_S``, and all the waiting for other documents' pages up to ``OCR_WAIT_S``. ``ocr_languages`` are
    Tesseract's names joined by ``+``; missing ones are left out.
    """

    max_pages: int = 500
    max_chars: int = 5_000_000
    memory_bytes: int = 1_000_000_000
    wall_s: float = 60.0
    ocr_max_pages: int = 60
    ocr_languages: str = "deu+eng+fra+ita"


@dataclass(frozen=True, slots=True)
class ReadWarning:
    """A warning for the user: its code (see ``messages``), how often it occurred, and on which pages."""

    code: str
    count: int
    pages: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class ReadReport:
    """The outcome of reading a document successfully."""

    total_pages: int
    warnings: tuple[ReadWarning, ...]


def _nothing() -> None:
    pass


def read_document(
    path: Path,
    kind: DocumentFormat,
    limits: ReadLimits,
    on_page: Callable[[PageText], None],
    check: Callable[[], None] = _nothing,
) -> ReadReport:
    """Read the file at ``path`` and hand each page to ``on_page`` as it arrives, in order from 1.

    Pages may have been handed over before an error ends the reading. Time spent in ``on_page`` does not
    count against ``limits.wall_s``. ``check`` is called about once a second, however long pages take. An exception that
    one of them raises ends the child and is passed on.

    A child that the system kills, usually because memory is short, is started once more.

    Raises UnreadableFile with ``encrypted``, ``no_text``, ``ocr_too_slow``, ``too_large``, ``unsupported``,
    ``damaged`` or ``timed_out``; ReaderNotStarted when the child process does not start; FileNotFoundError when there
    is no such file.
    """
    conversation = _Conversation(limits, on_page, check)
    code = _read_once(path, kind, limits, conversation)
    if code == _KILLED:
        # The system was short of memory, perhaps because of other processes. The time limit goes on.
        conversation.start_again()
        code = _read_once(path, kind, limits, conversation)
    if conversation.report is None:
        raise UnreadableFile("too_large" if code == _KILLED else code)
    return conversation.report


def _read_once(path: Path, kind: DocumentFormat, limits: ReadLimits, conversation: "_Conversation") -> str:
    """Run a child until the conversation has a report. Returns why the child ended before that, if it did."""
    with tempfile.TemporaryDirectory(prefix="reading-") as folder:
        errors = Path(folder) / "errors.txt"
        child, pipe = _start(_command(path, kind, limits), folder, errors)
        try:
            conversation.follow(pipe)
            return ""
        except _ChildEnded:
            code = _code_of_end(child)
            if not conversation.started and child.returncode > 0:
                tail = errors.read_bytes()[-2000:].decode(errors="replace")
                raise ReaderNotStarted(tail) from None
            return code
        finally:
            os.close(pipe)
            _end_group(child)


class _ChildEnded(Exception):
    """The child closed the pipe before it wrote an outcome."""


class _Conversation:
    """Reads the children's lines, up to a deadline and a number of bytes.

    A second child repeats the pages of the first, which are not handed over again.
    """

    def __init__(self, limits: ReadLimits, on_page: Callable[[PageText], None], check: Callable[[], None]) -> None:
        self.started = False
        self.report: ReadReport | None = None
        self._limits = limits
        self._on_page = on_page
        self._check = check
        self._next_check = time.monotonic() + _CHECK_EVERY_S
        self._deadline = time.monotonic() + limits.wall_s
        self._ocr_pages = 0
        self._wait_left_s = OCR_WAIT_S
        self._waiting_since: float | None = None
        self._handed_over = 0
        self.start_again()

    def start_again(self) -> None:
        """Expect another child, which begins with the first page. What is left of the time stays."""
        limits = self._limits
        self._stop_waiting()
        self.started = False
        self._bytes_left = _MAX_BYTES_PER_CHAR * limits.max_chars + _MAX_BYTES_BESIDE_TEXT * (limits.max_pages + 4)
        self._chars_left = limits.max_chars
        self._pages = 0

    def follow(self, pipe: int) -> None:
        """Read until the report. Raises UnreadableFile, or _ChildEnded when there is none."""
        line = bytearray()
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, selectors.EVENT_READ)
            while True:
                self._check_when_due()
                left_s = self._deadline - time.monotonic()
                if left_s <= 0:
                    raise UnreadableFile("timed_out")
                if not selector.select(min(left_s, _CHECK_EVERY_S)):
                    continue
                piece = os.read(pipe, _PIECE_BYTES)
                if not piece:
                    raise _ChildEnded
                self._bytes_left -= len(piece)
                if self._bytes_left < 0:
                    raise UnreadableFile("too_large")
                line += piece
                while (end := line.find(b"\n")) >= 0:
                    self._hear(bytes(line[:end]))
                    del line[: end + 1]
                    if self.report is not None:
                        return

    def _check_when_due(self) -> None:
        if time.monotonic() >= self._next_check:
            self._check()
            self._next_check = time.monotonic() + _CHECK_EVERY_S

    def _hear(self, line: bytes) -> None:
        """Handle one line. A child taken over by a hostile file can cause nothing but a typed error."""
        try:
            message = json.loads(line)
            if "page" in message:
                page = _page(message["page"])
            elif "error" in message:
                raise UnreadableFile(message["error"])
            elif "total" in message:
                self.report = _report(message)
                return
            else:
                self.started = True
                self._allow_ocr(message)
                return
        except (ValueError, KeyError, TypeError, RecursionError):
            raise UnreadableFile("damaged") from None
        self._take(page)

    def _allow_ocr(self, message: dict[str, Any]) -> None:
        if "waiting" in message and self._waiting_since is None:
            self._waiting_since = time.monotonic()
            self._deadline += self._wait_left_s
        if "ocr" in message:
            self._stop_waiting()
            self._ocr_pages += 1
            if self._ocr_pages <= self._limits.ocr_max_pages:
                self._deadline += OCR_PAGE_S

    def _stop_waiting(self) -> None:
        """Take back the time allowed for waiting that was not needed."""
        if self._waiting_since is not None:
            unused_s = max(0.0, self._wait_left_s - (time.monotonic() - self._waiting_since))
            self._deadline -= unused_s
            self._wait_left_s = unused_s
            self._waiting_since = None

    def _take(self, page: PageText) -> None:
        self._pages += 1
        self._chars_left -= len(page.text)
        if page.number != self._pages:
            raise UnreadableFile("damaged")
        if self._pages > self._limits.max_pages or self._chars_left < 0:
            raise UnreadableFile("too_large")
        if self._pages <= self._handed_over:
            return
        self._handed_over = self._pages
        before = time.monotonic()
        self._on_page(page)
        self._deadline += time.monotonic() - before


def _command(path: Path, file_format: DocumentFormat, limits: ReadLimits) -> list[str]:
    job = {
        "path": str(path.resolve(strict=True)),
        "format": file_format.value,
        "parent": os.getpid(),
        "max_pages": limits.max_pages,
        "max_chars": limits.max_chars,
        "memory_bytes": limits.memory_bytes,
        # A second line of defence, in case this process is gone and nobody watches the clock.
        "cpu_s": ceil(limits.wall_s + limits.ocr_max_pages * OCR_PAGE_S),
        "ocr_max_pages": limits.ocr_max_pages,
        "ocr_page_s": OCR_PAGE_S,
        "ocr_wait_s": OCR_WAIT_S,
        "ocr_slots": str(slots_folder()),
        "ocr_languages": limits.ocr_languages,
    }
    # Isolated mode ignores variables, user packages and modules in the working folder.
    bytecode = ["-B"] if sys.dont_write_bytecode else []
    return [sys.executable, "-I", *bytecode, "-c", _START, _IMPORT_ROOT, json.dumps(job)]


def slots_folder() -> Path:
    """Return the folder of the locks that reading children share; see ``ocr.slots``."""
    return Path(tempfile.gettempdir()) / f"hackthestudy-{os.getuid()}-recognition"


def _start(command: list[str], folder: str, errors: Path) -> tuple["subprocess.Popen[bytes]", int]:
    """Start the child in its own session; return it and the reading end of its pipe."""
    pipe, childs_end = os.pipe()
    try:
        with errors.open("wb") as error_file:
            child = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=childs_end,
                stderr=error_file,
                cwd=folder,
                env=_environment(folder),
                start_new_session=True,
            )
    except OSError:
        os.close(pipe)
        raise
    finally:
        os.close(childs_end)
    return child, pipe


def _environment(folder: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in _KEPT_ENVIRONMENT if name in os.environ}
    return {**kept, "LANG": "C.UTF-8", "OMP_THREAD_LIMIT": "1", "TMPDIR": folder, "HOME": folder}


def _page(fields: dict[str, Any]) -> PageText:
    number, text, heading, skipped = fields["number"], fields["text"], fields["heading"], fields["skipped"]
    label, confidence = fields["label"], fields["confidence"]
    if not isinstance(number, int) or not isinstance(text, str) or skipped not in (None, "blank", "not_readable"):
        raise ValueError("not a page")
    if not isinstance(heading, str | None) or not isinstance(label, str | None):
        raise TypeError("not a heading or a label")
    if confidence is not None and not 0 <= int(confidence) <= 100:
        raise ValueError("not a confidence")
    spans = tuple(_span(span, len(text)) for span in fields["spans"])
    return PageText(number, text, heading, PageSource(fields["source"]), skipped, label, spans, confidence)


def _span(fields: list[Any], length: int) -> Span:
    kind, start, end, level = fields
    if not 0 <= start < end <= length or level not in (None, 1, 2, 3, 4, 5, 6):
        raise ValueError("not a span")
    return Span(SpanKind(kind), start, end, level)


def _report(message: dict[str, Any]) -> ReadReport:
    warnings = tuple(
        ReadWarning(str(code), int(count), tuple(int(page) for page in pages))
        for code, count, pages in message["warnings"]
    )
    return ReadReport(int(message["total"]), warnings)


def _code_of_end(child: "subprocess.Popen[bytes]") -> str:
    try:
        status = child.wait(timeout=1.0)
    except subprocess.TimeoutExpired:
        return "damaged"
    if status >= 0:
        return "damaged"
    return _CODE_BY_SIGNAL.get(signal.Signals(-status), "damaged")


def _end_group(child: "subprocess.Popen[bytes]") -> None:
    """Kill the rest of the child's process group, including OCR, and reap the child."""
    if child.returncode is None:
        # The child is not reaped yet, so no other process can have its id.
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
