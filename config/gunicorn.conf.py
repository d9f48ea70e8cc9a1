"""gunicorn's configuration: ``gunicorn -c config/gunicorn.conf.py "backend.app:create_app()"``.

Threads, because a request mostly waits for PostgreSQL; measured, one slow query makes the sync workers
collapse to an eighth of the throughput. More than one process, so that a restart of one serves on.
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
# Now, so that gunicorn's own first lines look like all the others.
configure_logging(_settings)


class Logger(GunicornLogger):
    """Leaves gunicorn's lines to the handler of the application."""

    def setup(self, cfg: Config) -> None:
        """Take gunicorn's own handlers away."""
        super().setup(cfg)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


logger_class = Logger
loglevel = _settings.log_level.lower()

# A container's address is its own, so there all interfaces are meant; a developer's machine has neighbours.
_host = "0.0.0.0" if _settings.environment == "production" else "127.0.0.1"
bind = f"{_host}:{_settings.port}"
# Threads, but none for clients that are slow to say what they want; see there.
worker_class = "backend.operations.web.worker.HealthLaneWorker"
workers = _settings.gunicorn_workers
# Imported once and shared: a quicker start, less memory, and a refused configuration ends the server instead of
# every worker anew. The app opens no connection before the first request, so the fork shares none.
preload_app = True
threads = _settings.gunicorn_threads
# Connections of a process, those without a request included: when there are more, the ones that have waited longest
# make room. A quarter is kept free of requests, which are refused beyond that. Far below the 1,024 files that a
# process may usually have open, above which accepting would fail.
worker_connections = 400
# A process is not replaced after so many requests: that would cut its streams, and there is no leak to hide.
max_requests = 0
timeout = _settings.gunicorn_timeout
# What is being answered at SIGTERM is finished. The platform sends nothing new here in the 15 s before, so an upload
# under way has had 45 s in the end. Event streams end at once and are resumed, so that it mostly takes seconds.
graceful_timeout = 30
# Longer than the idle time after which common load balancers use a connection for the last time.
keepalive = 5
# gunicorn's sign of life is a file; on a disk, a slow write would look like a hung process.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None
# One access log is enough, the application's, which has the request's id.
accesslog = None
errorlog = "-"
control_socket_disable = True

# What each process has counted for Prometheus lies in a folder that all of them read. It is made here, since the
# library looks for it when it is imported, and it is a new one, since old counts would be added to the new. On a
# reload (SIGHUP) this file is read again by the same server, whose processes go on counting in the same folder.
_METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_METRICS_PREFIX = f"hackthestudy-metrics-{os.getpid()}-"
if not Path(os.environ.get(_METRICS_FOLDER, "")).name.startswith(_METRICS_PREFIX):
    os.environ[_METRICS_FOLDER] = tempfile.mkdtemp(prefix=_METRICS_PREFIX, dir=worker_tmp_dir)


def child_exit(_server: Any, worker: Any) -> None:
    """Tell the metrics which process has ended."""
    from backend.operations.monitoring.metrics import forget_process

    forget_process(worker.pid)


def on_exit(_server: Any) -> None:
    """Remove the folder of the metrics."""
    shutil.rmtree(os.environ[_METRICS_FOLDER], ignore_errors=True)
