"""gunicorn's configuration: ``gunicorn -c config/gunicorn.conf.py "backend.app:create_app()"``.

Threads, because a request mostly waits for PostgreSQL: in a measurement, one slow query reduced the throughput of sync
workers to an eighth. More than one process, so that the API keeps serving while one restarts.
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
# Now, so that gunicorn's first log lines have our format too.
configure_logging(_settings)


class Logger(GunicornLogger):
    """Passes gunicorn's log lines to the application's handler."""

    def setup(self, cfg: Config) -> None:
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


logger_class = Logger
loglevel = _settings.log_level.lower()

# A container has its own address, so it listens on all interfaces; a developer's machine only on loopback.
_host = "0.0.0.0" if _settings.environment == "production" else "127.0.0.1"
bind = f"{_host}:{_settings.port}"
# Threads, but none for clients that send their request slowly; see its module.
worker_class = "backend.operations.web.worker.HealthLaneWorker"
workers = _settings.gunicorn_workers
# The app is loaded once and shared: a faster start, less memory, and a refused configuration ends the server instead
# of every worker again and again. It opens no connection before the first request, so forks share none.
preload_app = True
threads = _settings.gunicorn_threads
# Connections per process, including idle ones: beyond this limit, those idle for longest are closed. Requests may use
# three quarters, and are refused beyond that. The limit is far below the usual 1,024 open files per process, above
# which accepting would fail.
worker_connections = 400
# Processes are not replaced after a number of requests: that would cut their streams, and there is no leak to hide.
max_requests = 0
timeout = _settings.gunicorn_timeout
# Requests in progress at SIGTERM are finished. The platform sends no new ones in the 15 s before, so an upload has 45 s
# in total. Event streams end immediately and are resumed by clients, so stopping mostly takes seconds.
graceful_timeout = 30
# Longer than the idle time after which common load balancers stop reusing a connection.
keepalive = 5
# gunicorn's heartbeat is a file; on a disk, a slow write would look like a hung process.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None
# The application's access log, which has the request's id, is enough.
accesslog = None
errorlog = "-"
control_socket_disable = True

# Each process stores its Prometheus counts in a folder that all of them read. It is created here because the library
# looks for it on import, and is new because old counts would be added to the new ones. On a reload (SIGHUP) the same
# server reads this file again, and its processes continue in the same folder.
_METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_METRICS_PREFIX = f"hackthestudy-metrics-{os.getpid()}-"
if not Path(os.environ.get(_METRICS_FOLDER, "")).name.startswith(_METRICS_PREFIX):
    os.environ[_METRICS_FOLDER] = tempfile.mkdtemp(prefix=_METRICS_PREFIX, dir=worker_tmp_dir)


def child_exit(_server: Any, worker: Any) -> None:
    """Remove an ended process from the metrics."""
    from backend.operations.monitoring.metrics import forget_process

    forget_process(worker.pid)


def on_exit(_server: Any) -> None:
    """Remove the metrics folder."""
    shutil.rmtree(os.environ[_METRICS_FOLDER], ignore_errors=True)
