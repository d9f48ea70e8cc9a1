"""gunicorn's configuration: ``gunicorn -c config/gunicorn.conf.py "backend.app:create_app()"``.

Threads, because a request mostly waits for PostgreSQL; measured, one slow query makes the sync workers
collapse to an eighth of the throughput. More than one process, so that a restart of one serves on.
"""

from pathlib import Path

from gunicorn.config import Config
from gunicorn.glogging import Logger as GunicornLogger

from backend.core.logging import configure_logging
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

# A container's address is its own, so there all interfaces are meant; a developer's machine has neighbours.
_host = "0.0.0.0" if _settings.environment == "production" else "127.0.0.1"
bind = f"{_host}:{_settings.port}"
worker_class = "gthread"
workers = _settings.gunicorn_workers
# Imported once and shared: a quicker start, less memory, and a refused configuration ends the server instead of
# every worker anew. The app opens no connection before the first request, so the fork shares none.
preload_app = True
threads = _settings.gunicorn_threads
timeout = _settings.gunicorn_timeout
# What is being answered at SIGTERM is finished; event streams, which end later, are cut and resumed.
graceful_timeout = 10
# Longer than the idle time after which common load balancers use a connection for the last time.
keepalive = 5
# gunicorn's sign of life is a file; on a disk, a slow write would look like a hung process.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None
# One access log is enough, the application's, which has the request's id.
accesslog = None
errorlog = "-"
control_socket_disable = True
