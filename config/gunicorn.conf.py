"""gunicorn's configuration: ``gunicorn -c config/gunicorn.conf.py "backend.app:create_app()"``.

Threads, because a request mostly waits for PostgreSQL; measured, one slow query makes the sync workers
collapse to an eighth of the throughput. More than one process, so that a restart of one serves on.
"""

from pathlib import Path

from backend.settings import get_settings

_settings = get_settings()

# A container's address is its own, so there all interfaces are meant; a developer's machine has neighbours.
_host = "0.0.0.0" if _settings.environment == "production" else "127.0.0.1"
bind = f"{_host}:{_settings.port}"
# Threads, but none for clients that are slow to say what they want; see there.
worker_class = "backend.operations.web_worker.HealthLaneWorker"
workers = _settings.gunicorn_workers
# Imported once and shared: a quicker start, less memory, and a refused configuration ends the server instead of
# every worker anew. The app opens no connection before the first request, so the fork shares none.
preload_app = True
threads = _settings.gunicorn_threads
# Connections of a process, those without a request included: when there are more, the ones that have waited longest
# make room. Far below the 1,024 files that a process may usually have open, above which accepting would fail.
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
