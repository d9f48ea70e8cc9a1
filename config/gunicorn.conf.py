"""gunicorn's configuration: ``gunicorn -c config/gunicorn.conf.py "backend.app:create_app()"``.

Threads, because requests mostly wait for PostgreSQL: as measured, one slow query cuts the throughput of sync workers to
an eighth. More than one process, so that the API keeps serving while one restarts.
"""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

from gunicorn.config import Config
from gunicorn.glogging import Logger as GunicornLogger

from backend.core.process.logging import configure_logging
from backend.settings import get_settings

_settings = get_settings()
# Configured here, so that gunicorn's first lines have our format too.
configure_logging(_settings)


class Logger(GunicornLogger):
    """Passes gunicorn's lines to the application's handler."""

    def setup(self, cfg: Config) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


logger_class = Logger
loglevel = _settings.log_level.lower()

# A container has its own address, so it listens on all interfaces. A developer's machine listens on loopback only.
_host = "0.0.0.0" if _settings.environment == "production" else "127.0.0.1"
bind = f"{_host}:{_settings.port}"
# Threads, but none wait for slow clients.
worker_class = "backend.operations.web.worker.HealthLaneWorker"
workers = _settings.gunicorn_workers
# Imported once and shared: a faster start and less memory, and refused settings end the server instead of ending each
# worker again and again. The app opens no connection before the first request, so forked processes share none.
preload_app = True
threads = _settings.gunicorn_threads
# Connections per process, including those without a request. Above the limit, the oldest of those are closed. A quarter
# is kept free of requests, which are refused above that. Well below the usual limit of 1,024 open files, above which
# accepting would fail.
worker_connections = 400
# Processes are not replaced after a number of requests: that would cut their streams, and there is no leak to hide.
max_requests = 0
timeout = _settings.gunicorn_timeout
# Requests in progress at SIGTERM are finished. The platform sends no new requests in the 15 s before, so an upload in
# progress gets 45 s. Event streams end immediately and are resumed elsewhere, so stopping mostly takes seconds.
graceful_timeout = 30
# Longer than common load balancers reuse an idle connection.
keepalive = 5
# gunicorn's heartbeat is a file. On a disk, a slow write would look like a hanging process.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None
# The application's access log is enough, and has the request ids.
accesslog = None
errorlog = "-"
control_socket_disable = True

# The processes share a folder with their counts for Prometheus. It is created here, because the library reads the
# variable when it is imported. It is a new folder, because old counts would be added to the new ones. On a reload
# (SIGHUP), the same server reads this file again, and its processes keep counting in the same folder.
_METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_METRICS_PREFIX = f"hackthestudy-metrics-{os.getpid()}-"
if not Path(os.environ.get(_METRICS_FOLDER, "")).name.startswith(_METRICS_PREFIX):
    os.environ[_METRICS_FOLDER] = tempfile.mkdtemp(prefix=_METRICS_PREFIX, dir=worker_tmp_dir)


def child_exit(_server: Any, worker: Any) -> None:
    """Called by gunicorn in the main process when a worker has ended."""
    from backend.operations.monitoring.metrics import forget_process

    forget_process(worker.pid)


def on_exit(_server: Any) -> None:
    """Called by gunicorn just before the main process ends."""
    shutil.rmtree(os.environ[_METRICS_FOLDER], ignore_errors=True)
