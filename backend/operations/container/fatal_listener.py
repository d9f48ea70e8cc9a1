"""Ends the container when supervisord gives up on a program. supervisord itself would keep running without it.

An event listener of supervisord (http://supervisord.org/events.html): it reports that it is ready, reads a header and
as many bytes as the header says, and answers. Imports only the standard library.
"""

import sys
from typing import TextIO

from backend.operations.container.first_process import end_container


def _fields(line: str) -> dict[str, str]:
    """Read ``key:value`` pairs between spaces."""
    return dict(pair.split(":", 1) for pair in line.split() if ":" in pair)


def listen(source: TextIO, answers: TextIO) -> None:
    """Answer events until the source ends; signal the first process for each program that supervisord gives up on."""
    while True:
        answers.write("READY\n")
        answers.flush()
        header = source.readline()
        if not header:
            return
        fields = _fields(header)
        event = _fields(source.read(int(fields["len"])))
        if fields["eventname"] == "PROCESS_STATE_FATAL":
            program = event.get("processname", "?")
            sys.stderr.write(f"{program} cannot run: the container ends.\n")
            sys.stderr.flush()
            end_container()
        answers.write("RESULT 2\nOK")
        answers.flush()


if __name__ == "__main__":
    listen(sys.stdin, sys.stdout)
