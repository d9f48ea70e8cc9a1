"""Converts Office documents to PDF with LibreOffice, in a process that cannot hurt its caller."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from backend.core.database.transaction import refuse_open_transaction
from backend.core.process.logging import get_logger
from backend.library.extraction.errors import UnreadableFile
from backend.settings import get_settings

log = get_logger(__name__)

CONVERT_S: Final = 120.0
"""How long one conversion may take."""

# Measured: with what the program and its libraries take, this is below 400 MB. An empty document takes 160 MB of it.
MEMORY_BYTES: Final = 320_000_000

_IMPORT_ROOT = str(Path(__file__).resolve().parents[3])
_START = (
    "import sys; sys.path.insert(0, sys.argv[1]); from backend.library.page_images.office_child import main; main()"
)
_CHECK_EVERY_S: Final = 1.0
_POLL_S: Final = 0.05
# LibreOffice made its profile and wants to be started again (81), or somebody else killed it.
_ONCE_MORE: Final = frozenset({81, -signal.SIGKILL})
_PROFILE: Final = """<?xml version="1.0" encoding="UTF-8"?>
<oor:items xmlns:oor="http://openoffice.org/2001/registry">
<item oor:path="/org.openoffice.Office.Common/Security/Scripting"><prop oor:name="DisableMacrosExecution" \
oor:op="fuse"><value>true</value></prop></item>
<item oor:path="/org.openoffice.Office.Common/Security/Scripting"><prop oor:name="DisableActiveContent" \
oor:op="fuse"><value>true</value></prop></item>
<item oor:path="/org.openoffice.Office.Common/Security/Scripting"><prop oor:name="BlockUntrustedRefererLinks" \
oor:op="fuse"><value>true</value></prop></item>
<item oor:path="/org.openoffice.Office.Writer/Content/Update"><prop oor:name="Link" oor:op="fuse"><value>2</value>\
</prop></item>
</oor:items>
"""


def find_libreoffice() -> Path | None:
    """Return LibreOffice's program, or None if it is not installed."""
    found = shutil.which("soffice")
    if found is None:
        return None
    started = Path(found).resolve()
    # ``soffice`` starts it in a process of its own, which would not end with its parent.
    program = started.with_name("soffice.bin")
    return program if program.exists() else started


def can_convert() -> bool:
    """Tell whether this worker converts Office documents."""
    return get_settings().with_libreoffice and find_libreoffice() is not None


def convert_to_pdf(program: Path, document: Path, check: Callable[[], None]) -> Path:
    """Convert the document, and return the PDF, in the folder that the document is in and that holds nothing else.

    ``check`` is called about once a second; its exceptions end the conversion and are passed on.

    A process that the system kills, usually because memory is short, is started once more. The time limit goes on.

    Raises UnreadableFile with ``timed_out``, ``too_large`` (also when the system killed it twice) or ``damaged``.
    """
    refuse_open_transaction()
    folder = document.parent
    profile = folder / "profile"
    (profile / "user").mkdir(parents=True)
    (profile / "user" / "registrymodifications.xcu").write_text(_PROFILE, encoding="utf-8")
    deadline = time.monotonic() + CONVERT_S
    arguments = [
        f"-env:UserInstallation={profile.as_uri()}",
        *("--headless", "--norestore", "--nologo", "--nodefault", "--nolockcheck"),
        *("--convert-to", "pdf", "--outdir", str(folder), str(document)),
    ]
    status = _run(program, arguments, folder, deadline, check)
    if status in _ONCE_MORE:
        status = _run(program, arguments, folder, deadline, check)
    made = document.with_suffix(".pdf")
    if status == 0 and made.is_file():
        return made
    log.info("library.conversion.ended", status=status)
    raise UnreadableFile("too_large" if status in (-signal.SIGKILL, -signal.SIGABRT, -signal.SIGXFSZ) else "damaged")


def _run(program: Path, arguments: list[str], folder: Path, deadline: float, check: Callable[[], None]) -> int:
    job = {
        "program": str(program),
        "arguments": arguments,
        "environment": _environment(folder),
        "parent": os.getpid(),
        "memory_bytes": MEMORY_BYTES,
        "cpu_s": round(CONVERT_S),
    }
    bytecode = ["-B"] if sys.dont_write_bytecode else []
    process = subprocess.Popen(
        # Isolated mode ignores variables, user packages and modules in the working folder.
        [sys.executable, "-I", *bytecode, "-c", _START, _IMPORT_ROOT, json.dumps(job)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        env=_environment(folder),
        start_new_session=True,
    )
    next_check = time.monotonic() + _CHECK_EVERY_S
    try:
        while not _has_ended(process):
            if time.monotonic() >= deadline:
                raise UnreadableFile("timed_out")
            if time.monotonic() >= next_check:
                check()
                next_check = time.monotonic() + _CHECK_EVERY_S
            time.sleep(_POLL_S)
    finally:
        # Also helpers that it may have left. The process is not reaped yet, so no other group can have its id.
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        status = process.wait()
    return status


def _has_ended(process: "subprocess.Popen[bytes]") -> bool:
    return os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None


def _environment(folder: Path) -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "LANG": "C.UTF-8",
        "HOME": str(folder),
        "TMPDIR": str(folder),
        # Draws without a screen.
        "SAL_USE_VCLPLUGIN": "svp",
    }
