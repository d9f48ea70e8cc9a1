"""The child process that renders one page. Started by ``renderer``; never imported by other modules.

It starts in its own empty folder with an almost empty environment, and gives up resources before it opens the file.
"""

import importlib
import json
import os
import resource
import sys
from pathlib import Path

from backend.library.extraction.parent_death import die_with_parent
from backend.library.page_images.placing import place_words

_RENDERERS = {"pdf": "backend.library.page_images.pdf_page"}
_FILE_BYTES = 64_000_000
_OPEN_FILES = 64
FAILED = 3


def main() -> None:
    """Read the job (JSON) from the command line, run it, and exit without cleaning up."""
    job = json.loads(sys.argv[2])
    die_with_parent(job["parent"])
    for what, limit in (
        (resource.RLIMIT_AS, job["memory_bytes"]),
        (resource.RLIMIT_CPU, job["cpu_s"]),
        (resource.RLIMIT_FSIZE, _FILE_BYTES),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        allowed = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(what, (allowed, allowed))
    renderer = importlib.import_module(_RENDERERS[job["format"]])
    try:
        words = renderer.render_page(job)
        if job["text"]:
            boxes = place_words(Path("text.txt").read_bytes().decode(), words)
            Path("boxes.json").write_text(json.dumps(boxes), encoding="utf-8")
    except BaseException as error:  # A hostile file can make a parser raise anything.
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        os._exit(FAILED)
    os._exit(0)
