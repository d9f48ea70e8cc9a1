"""Starts Redis in the API container: ``python -m backend.operations.container.redis_server TEMPLATE FOLDER``."""

import os
import sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

from backend.settings import Settings, load_settings

_DEFAULT_PORT = 6379


def redis_configuration(settings: Settings, template: str, folder: Path) -> str:
    """Return the template, followed by the options that depend on the settings."""
    url = urlsplit(settings.broker_url)
    lines = [template.rstrip("\n"), f"port {url.port or _DEFAULT_PORT}", f"dir {_quoted(str(folder))}"]
    if url.password:
        # Clients percent-decode the password in the URL, too.
        lines.append(f"requirepass {_quoted(unquote(url.password))}")
    return "\n".join(lines) + "\n"


def _quoted(text: str) -> str:
    """Quote and escape a value for Redis' configuration."""
    escaped = "".join(f"\\x{byte:02x}" if byte < 0x20 or byte in b'"\\' else chr(byte) for byte in text.encode("utf-8"))
    return f'"{escaped}"'


def run_redis(settings: Settings, template: Path, folder: Path) -> None:
    """Become Redis. The configuration goes through a pipe, so that the password is in no file and no argument."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    reading, writing = os.pipe()
    os.write(writing, redis_configuration(settings, template.read_text(), folder).encode("latin-1"))
    os.close(writing)
    os.dup2(reading, 0)
    os.close(reading)
    os.execvp("redis-server", ["redis-server", "-"])


if __name__ == "__main__":
    run_redis(load_settings(), Path(sys.argv[1]), Path(sys.argv[2]))
