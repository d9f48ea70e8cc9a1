"""The process whose children render pages. Started by ``children``; never imported by other modules.

It has loaded the renderers and opens no file itself. Each job (a line of JSON on standard input) gets a child of its
own, forked in a few milliseconds, which gives up resources before it opens the file. So no file that somebody uploaded
ever meets another one. The answer is a line with the child's exit code, or the negative number of its signal.
"""

import importlib
import json
import os
import resource
import select
import signal
import sys
from pathlib import Path
from typing import Any

from PIL import Image

from backend.library.extraction.parent_death import die_with_parent
from backend.library.page_images.placing import place_words

_RENDERERS = {
    "pdf": "backend.library.page_images.pdf_page",
    **dict.fromkeys(
        ("jpeg", "png", "webp", "heic", "photos"),
        "backend.library.page_images.photograph",
    ),
}
_FILE_BYTES = 64_000_000
_OPEN_FILES = 64
_LINE_BYTES = 1 << 16
_PLACING_S = 3.0
FAILED = 3


def main() -> None:
    """Work on jobs until standard input ends, or there has been none for a while."""
    idle_s = float(sys.argv[2])
    # Standard output carries nothing but answers.
    answers = os.dup(1)
    os.dup2(2, 1)
    for name in dict.fromkeys(_RENDERERS.values()):
        importlib.import_module(name)
    _load_formats()
    while line := _next_line(idle_s):
        status = _run(json.loads(line), answers)
        os.write(answers, f"{status}\n".encode())
    os._exit(0)


def _load_formats() -> None:
    """Have Pillow load its formats, which it else does when it needs them: each child would do so again."""
    Image.preinit()
    # Those of our formats that are not among the usual ones. EXIF data are read with the one of TIFF.
    for name in ("WebP", "Tiff"):
        importlib.import_module(f"PIL.{name}ImagePlugin")


def _next_line(idle_s: float) -> bytes:
    ready, _, _ = select.select([0], [], [], idle_s)
    return os.read(0, _LINE_BYTES) if ready else b""


def _run(job: dict[str, Any], answers: int) -> int:
    """Fork a child for the job, and return its status. Ends with the child when the process that asked has ended."""
    ended, childs_end = os.pipe()
    parent = os.getpid()
    child = os.fork()
    if child == 0:
        os.close(answers)
        _work(job, parent)
    os.close(childs_end)
    ready, _, _ = select.select([ended, 0], [], [])
    if 0 in ready:
        os.kill(child, signal.SIGKILL)
        os._exit(1)
    os.close(ended)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def _work(job: dict[str, Any], parent: int) -> None:
    """Render the page, and exit without cleaning up."""
    try:
        die_with_parent(parent)
        os.dup2(os.open(os.devnull, os.O_RDWR), 0)
        os.chdir(job["folder"])
        _limit_resources(job)
        words = importlib.import_module(_RENDERERS[job["format"]]).render_page(job)
        if job["text"]:
            Path("boxes.json").write_text(json.dumps(_place(words)), encoding="utf-8")
    except BaseException as error:  # A hostile file can make a parser raise anything.
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        os._exit(FAILED)
    os._exit(0)


def _place(words: list[list[Any]]) -> list[list[Any]]:
    """Place the words of the page's text; none if that takes too long, because the image is worth more."""

    def stop(*_: object) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, _PLACING_S)
    try:
        return place_words(Path("text.txt").read_bytes().decode(), words)
    except TimeoutError:
        return []
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


def _limit_resources(job: dict[str, Any]) -> None:
    for what, limit in (
        (resource.RLIMIT_AS, job["memory_bytes"]),
        (resource.RLIMIT_CPU, job["cpu_s"]),
        (resource.RLIMIT_FSIZE, _FILE_BYTES),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        allowed = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        # At the hard limit of its time, the system would kill it as it does when memory is short.
        later = 1 if what == resource.RLIMIT_CPU and hard == resource.RLIM_INFINITY else 0
        resource.setrlimit(what, (allowed, allowed + later))
