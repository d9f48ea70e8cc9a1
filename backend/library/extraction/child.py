"""The child process that reads one file. Started by ``reader``; never imported by other modules.

It starts in its own empty folder with an almost empty environment, gives up resources before it opens the file, and
imports only the parser for the file's format, so a start takes tens of milliseconds.
"""

import importlib
import json
import os
import resource
import sys
from collections.abc import Callable
from typing import Any

from backend.library.extraction.errors import UnreadableFile
from backend.library.extraction.page_writer import PageWriter
from backend.library.extraction.parent_death import die_with_parent

_PARSERS = {
    "pdf": "backend.library.extraction.pdf.pages",
    "docx": "backend.library.extraction.word.pages",
    "pptx": "backend.library.extraction.slides.pages",
    "txt": "backend.library.extraction.plain.text_pages",
    "md": "backend.library.extraction.plain.markdown_pages",
    "html": "backend.library.extraction.web.pages",
    "odt": "backend.library.extraction.opendocument.pages",
    "odp": "backend.library.extraction.opendocument.slides",
    "epub": "backend.library.extraction.web.epub_pages",
    "ipynb": "backend.library.extraction.plain.notebook_pages",
    "jpeg": "backend.library.extraction.ocr.pages",
    "png": "backend.library.extraction.ocr.pages",
    "webp": "backend.library.extraction.ocr.pages",
    "heic": "backend.library.extraction.ocr.pages",
    "photos": "backend.library.extraction.ocr.pages",
}

# Enough for a page image of 30 million grey pixels and the parser's temporary files, but not to fill a disk.
_FILE_BYTES = 64_000_000
_OPEN_FILES = 64


def main() -> None:
    """Read the job (JSON) from the command line, run it, and exit without cleaning up."""
    job = json.loads(sys.argv[2])
    output = os.dup(1)
    # What a parser prints goes to standard error: the pipe carries pages only.
    os.dup2(2, 1)
    die_with_parent(job["parent"])
    _limit_resources(job["memory_bytes"], job["cpu_s"])
    writer = PageWriter(output, job["max_pages"], job["max_chars"])
    parser = importlib.import_module(_PARSERS[job["format"]])
    writer.send({"started": True})
    os._exit(_run(parser.read_pages, job, writer))


def _limit_resources(memory_bytes: int, cpu_s: int) -> None:
    for what, limit, later in (
        (resource.RLIMIT_AS, memory_bytes, 0),
        # At the hard limit, the system would kill it as it does when memory is short; the parent tells them apart.
        (resource.RLIMIT_CPU, cpu_s, 1),
        (resource.RLIMIT_FSIZE, _FILE_BYTES, 0),
        (resource.RLIMIT_NOFILE, _OPEN_FILES, 0),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        _, hard = resource.getrlimit(what)
        soft = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(what, (soft, soft + later if hard == resource.RLIM_INFINITY else min(soft + later, hard)))


def _run(read_pages: Callable[[str, dict[str, Any], PageWriter], None], job: dict[str, Any], writer: PageWriter) -> int:
    try:
        read_pages(job["path"], job, writer)
        writer.finish()
    except UnreadableFile as error:
        writer.send({"error": error.code})
    except BaseException as error:  # A hostile file can make a parser raise anything; the parent always gets a code.
        # libxml2 reports a failed allocation as a syntax error; the memory peak tells them apart.
        out_of_memory = isinstance(error, MemoryError) or _peak_bytes() > job["memory_bytes"] // 2
        writer.send({"error": "too_large" if out_of_memory else "damaged"})
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
    return 0


def _peak_bytes() -> int:
    """Return this program's own memory peak; ``ru_maxrss`` would include the process before exec."""
    with open("/proc/self/status", encoding="ascii", errors="replace") as status:
        peak = next(line for line in status if line.startswith("VmHWM:"))
    return int(peak.split()[1]) * 1024
