"""``make admin``: the operators' command ``admin``, on the database of ``make run`` unless ``DATABASE_URL`` is set."""

import os
import subprocess
import sys
from collections.abc import Sequence

from config.local.folders import CHECKOUT, LOCAL
from config.local.postgres import GivenPostgres
from config.local.process import LocalStackError
from config.local.run import address_file


def main(arguments: Sequence[str], keep: str = "run") -> int:
    """Run the command; return its exit code."""
    url = os.environ.get("DATABASE_URL")
    if not url:
        try:
            url = address_file(LOCAL, keep).read_text()
            GivenPostgres(url).start()
        except (OSError, LocalStackError):
            message = "admin: make run is not running in this checkout. Start it, or set DATABASE_URL."
            print(message, file=sys.stderr)
            return 1
    env = {"ENVIRONMENT": "development", **os.environ, "DATABASE_URL": url}
    command = [sys.executable, "-m", "backend.cli", "admin", *arguments]
    return subprocess.run(command, check=False, cwd=CHECKOUT, env=env).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
