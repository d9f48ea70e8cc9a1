"""The child process that becomes LibreOffice. Started by ``libreoffice``; never imported by other modules.

It gives up resources and the network before it starts the program, which keeps its process id. So the program ends with
the process that asked for it.
"""

import json
import os
import resource
import sys

from backend.library.extraction.parent_death import die_with_parent
from backend.library.page_images.no_network import give_up_network

_FILE_BYTES = 64_000_000
_OPEN_FILES = 256


def main() -> None:
    """Read the job (JSON) from the command line, and run the program that it names."""
    job = json.loads(sys.argv[2])
    die_with_parent(job["parent"])
    for what, limit in (
        # Address space would count what LibreOffice only reserves; this counts what it can fill.
        (resource.RLIMIT_DATA, job["memory_bytes"]),
        (resource.RLIMIT_CPU, job["cpu_s"]),
        (resource.RLIMIT_FSIZE, _FILE_BYTES),
        (resource.RLIMIT_NOFILE, _OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(what)
        allowed = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(what, (allowed, allowed))
    give_up_network()
    os.execve(job["program"], [job["program"], *job["arguments"]], job["environment"])
