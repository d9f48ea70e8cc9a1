"""A small checkout that keeps all file rules, for the seeds to break."""

import shutil
from pathlib import Path

from tests.deployment.build_context import IGNORE_FILE

_DOCKERFILE = """\
# The packages are built in a stage of their own.
FROM python:3.13-slim-trixie AS packages
RUN python -m venv /opt/venv
COPY requirements.txt /tmp/requirements.txt
RUN /opt/venv/bin/python -m pip install --no-deps --require-hashes \\
        # This comment does not end the line.
        --requirement /tmp/requirements.txt

FROM python:3.13-slim-trixie
RUN apt-get update && apt-get install --yes --no-install-recommends {package}
COPY --from=packages /opt/venv /opt/venv
WORKDIR /app
COPY backend backend
COPY ["config", "config"]
ENV PYTHONUNBUFFERED=1
USER app
EXPOSE {ports}
ENTRYPOINT ["python", "-m", "backend.operations.container"]
CMD ["supervisord", "--configuration", "{configuration}"]
"""

_SUPERVISOR = """\
[supervisord]
nodaemon=true
logfile=/dev/null

[program:first]
command={program} --option
stopwaitsecs=20
stdout_logfile=/dev/fd/1
stdout_logfile_maxbytes=0
redirect_stderr=true

[program:second]
command=second %(ENV_SOMETHING)s
stopwaitsecs=20
stdout_logfile=/dev/fd/1
stdout_logfile_maxbytes=0
stderr_logfile=/dev/fd/2
stderr_logfile_maxbytes=0

[eventlistener:fatal]
command=listener
events=PROCESS_STATE_FATAL
stopwaitsecs=5
stderr_logfile=/dev/fd/2
"""

# Files on a developer's machine that the images do not need.
_LOCAL = (
    ".env",
    ".git/config",
    ".venv/bin/python",
    ".local/postgres/PG_VERSION",
    ".ci/run",
    "tests/test_app.py",
    "benchmarks/results.json",
    "docs/openapi.json",
    "demo-out/kit.json",
    "notes.pdf",
    "app.spec.yml",
    "backend/.env",
    "backend/production.env",
    "backend/__pycache__/app.cpython-313.pyc",
    "backend/operations/__pycache__/service.cpython-313.pyc",
    "backend/library/key.pem",
    "backend/.mypy_cache/3.13/app.json",
    "config/tls.key",
    "config/local/stack.py",
    "config/local/sample/lecture-notes.pdf",
    "config/supervisord.log",
)


def make_small_tree(root: Path, ignore_file: Path) -> None:
    """Write the checkout to ``root``, with the given ``.dockerignore``."""
    dockerfile = {
        "Dockerfile.api": _DOCKERFILE.format(
            package="redis-server", ports="8080 6379", configuration="config/supervisor-api.conf"
        ),
        "Dockerfile.worker": _DOCKERFILE.format(
            package="tesseract-ocr", ports="8081", configuration="config/supervisor-worker.conf"
        ),
    }
    files = {
        **dict.fromkeys(_LOCAL, ""),
        **dockerfile,
        "requirements.txt": "flask==3.1.0 --hash=sha256:0\n",
        "backend/app.py": "",
        "backend/worker/computing.py": "",
        "backend/cli.py": "",
        "backend/core/work/queue.py": "queue.conf.update(worker_soft_shutdown_timeout=5.0)\n",
        "backend/operations/container/__main__.py": "",
        "backend/migrations/script.py.mako": "",
        "config/gunicorn.conf.py": "timeout = 85\ngraceful_timeout = 10\n",
        "config/redis.conf": "",
        "config/supervisor-api.conf": _SUPERVISOR.format(program="gunicorn"),
        "config/supervisor-worker.conf": _SUPERVISOR.format(program="celery"),
    }
    for path, text in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    shutil.copy(ignore_file, root / IGNORE_FILE)
