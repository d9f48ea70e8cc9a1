"""Mistakes in files that the App Spec refers to, each with the rule that must report it and words of its report."""

from tests.deployment import image_rules as images
from tests.deployment import supervisor_rules as supervisor
from tests.deployment.changes import append, both, drop, edit, link, put, remove, write

_LATE_STAGE = "FROM python:3.13-slim-trixie\n"
_API = "config/supervisor-api.conf"
_WORKER = "config/supervisor-worker.conf"

SEEDS = [
    (images.dockerfiles, remove("Dockerfile.api"), "api: dockerfile_path Dockerfile.api is not a file"),
    (images.dockerfiles, drop("workers/worker/dockerfile_path"), "worker names no dockerfile_path"),
    (images.dockerfiles, put("services/api/dockerfile_path", "/Dockerfile.api"), "not relative to the repository"),
    (images.dockerfiles, put("services/api/dockerfile_path", "../Dockerfile.api"), "not relative to the repository"),
    (images.dockerfiles, put("workers/worker/source_dir", "/worker"), "source_dir /worker is not a folder"),
    (
        # The Dockerfile's path is not relative to source_dir.
        images.dockerfiles,
        both(
            put("services/api/source_dir", "/deploy"),
            write("deploy/Dockerfile.own", "FROM scratch\n"),
            put("services/api/dockerfile_path", "Dockerfile.own"),
        ),
        "dockerfile_path Dockerfile.own is not a file",
    ),
    (images.copied_files, edit("Dockerfile.api", "COPY backend backend", "COPY src src"), "Dockerfile.api copies src"),
    (images.copied_files, edit("Dockerfile.worker", '["config"', '["config/local"'), "copies config/local"),
    (images.copied_files, edit("Dockerfile.api", "COPY requirements.txt", "ADD packages.txt"), "copies packages.txt"),
    (images.copied_files, edit("Dockerfile.api", "COPY backend", "COPY tests backend"), "copies tests"),
    (images.copied_files, edit(".dockerignore", "!requirements.txt", "# none"), "copies requirements.txt"),
    (images.copied_files, edit(".dockerignore", "!backend", "# none"), "copies backend"),
    (images.copied_files, put("services/api/source_dir", "/backend"), "not in the build context /backend"),
    (images.one_ignore_file, remove(".dockerignore"), "there is no .dockerignore"),
    (images.one_ignore_file, write("Dockerfile.api.dockerignore", ""), "Dockerfile.api.dockerignore would be read"),
    (images.one_ignore_file, write(".containerignore", ""), ".containerignore would be read"),
    (images.one_ignore_file, write(".dockerignore", "*\n!back[e]nd\n"), "is not understood"),
    (images.lean_context, remove(".dockerignore"), "holds tests/test_app.py, which no image needs"),
    (images.lean_context, remove(".dockerignore"), "holds .env, which no image needs"),
    (images.lean_context, edit(".dockerignore", "config/local", "# none"), "config/local/stack.py, which belongs"),
    (images.lean_context, edit(".dockerignore", "**/*.pem", "# none"), "holds backend/library/key.pem"),
    (images.lean_context, edit(".dockerignore", "**/*.key", "# none"), "holds config/tls.key"),
    (images.lean_context, edit(".dockerignore", "**/*.env", "# none"), "holds backend/production.env"),
    (images.lean_context, edit(".dockerignore", "**/*.log", "# none"), "holds config/supervisord.log"),
    (images.lean_context, edit(".dockerignore", "**/.*", "# none"), "holds backend/.mypy_cache"),
    (
        images.lean_context,
        edit(".dockerignore", "**/__pycache__\n**/*.pyc", "# none"),
        "holds backend/operations/__pycache__/service",
    ),
    (images.lean_context, edit(".dockerignore", "*\n!backend", ".git\n!backend"), "holds docs/openapi.json"),
    (images.lean_context, write("backend/test_app.py", ""), "backend/test_app.py, which belongs"),
    (images.lean_context, write("backend/tests/app.py", ""), "backend/tests/app.py, which belongs"),
    (images.lean_context, write("config/customers.csv", ""), "config/customers.csv, which no image needs"),
    (images.lean_context, link("config/link.py", "/etc/passwd"), "config/link.py, a link"),
    (images.lean_context, write("backend/keys.py", 'KEY = "sk_live_' + "12345678"), "sk_live_1… looks like a"),
    (images.lean_context, remove("backend/worker/computing.py"), "lacks backend/worker/computing.py"),
    (images.lean_context, edit(".dockerignore", "!config", "# none"), "lacks config/gunicorn.conf.py"),
    (images.base_images, edit("Dockerfile.api", _LATE_STAGE, "FROM python:latest\n"), "is based on python:latest"),
    (images.base_images, edit("Dockerfile.worker", _LATE_STAGE, ""), "Dockerfile.worker has one stage"),
    (images.base_images, edit("Dockerfile.api", "redis-server", "redis-server gcc"), "installs gcc in its last stage"),
    (images.base_images, edit("Dockerfile.api", "redis-server", "libpq-dev"), "installs libpq-dev in its last stage"),
    (images.hashed_packages, edit("Dockerfile.api", "--require-hashes ", ""), "without the hashes"),
    (
        images.hashed_packages,
        edit("Dockerfile.api", "USER app", "RUN pip install gevent\nUSER app"),
        "hashes of requirements.txt: pip install gevent",
    ),
    (images.hashed_packages, edit("Dockerfile.worker", "pip install", "pip list"), "installs no packages"),
    (images.own_user, edit("Dockerfile.api", "USER app\n", ""), "Dockerfile.api runs as root"),
    (images.own_user, edit("Dockerfile.worker", "USER app\n", "USER app\nUSER 0:0\n"), "Dockerfile.worker runs as"),
    (images.own_user, edit("Dockerfile.api", "COPY backend", "COPY --chown=app backend"), "gives copied files to app"),
    (images.same_code, edit("Dockerfile.worker", "COPY backend backend\n", ""), "the images copy different files"),
    (images.no_secret_in_image, edit("Dockerfile.api", "USER app", "ARG JWT_SECRET\nUSER app"), "JWT_SECRET in ARG"),
    (images.no_secret_in_image, edit("Dockerfile.api", "ENV ", "ENV DATABASE_URL=x "), "DATABASE_URL in ENV"),
    (images.exposed_ports, edit("Dockerfile.api", " 6379", ""), "does not EXPOSE 6379"),
    (images.exposed_ports, put("services/api/http_port", 5000), "does not EXPOSE 5000"),
    (
        images.started_programs,
        edit("Dockerfile.api", "supervisor-api", "supervisor-worker"),
        "does not start config/su",
    ),
    (
        images.started_programs,
        edit("Dockerfile.worker", 'CMD ["supervisord", "', 'CMD supervisord "'),
        "runs in a shell",
    ),
    (
        images.run_commands,
        remove("backend/operations/container/__main__.py"),
        "backend.operations.container, which is not",
    ),
    (images.run_commands, put("jobs/migrate/run_command", "python -m backend.cli upgrade"), "runs the command upgrade"),
    (images.run_commands, put("jobs/migrate/kind", "POST_DEPLOY"), "no component migrates the database"),
    (images.run_commands, drop("jobs/migrate"), "no component migrates the database"),
    (
        images.run_commands,
        append("jobs", {"name": "b", "kind": "PRE_DEPLOY", "run_command": "python -m backend.cli migrate"}),
        "['migrate', 'b'] migrates the database",
    ),
    (supervisor.supervisor_files, remove(_API), "config/supervisor-api.conf is missing"),
    (supervisor.supervisor_files, remove(_WORKER), "config/supervisor-worker.conf is missing"),
    (supervisor.supervisor_files, edit(_API, "nodaemon=true", ""), "would run in the background"),
    # Each is below the grace period of 60 seconds, but together they exceed it.
    (supervisor.stop_times, edit(_API, "stopwaitsecs=20", "stopwaitsecs=30"), "stopping may take 65 s, and api"),
    (supervisor.stop_times, edit(_WORKER, "stopwaitsecs=5", "stopwaitsecs=100"), "140 s, and worker is killed"),
    (supervisor.stop_times, put("services/api/termination/grace_period_seconds", 46), "killed after 46 s"),
    # The programs of a group stop together, so the slowest of them counts.
    (
        supervisor.stop_times,
        both(
            edit(_WORKER, "stopwaitsecs=20", "stopwaitsecs=60"),
            edit(_WORKER, "[program:first]", "[group:both]\nprograms=first, second\n\n[program:first]"),
        ),
        "stopping may take 65 s, and worker",
    ),
    # The same priority makes no group.
    (
        supervisor.stop_times,
        edit(_WORKER, "stopwaitsecs=20", "priority=20\nstopwaitsecs=30"),
        "stopping may take 65 s, and worker",
    ),
    (
        # Without a value, supervisor's default of 10 seconds counts.
        supervisor.stop_times,
        both(edit(_API, "stopwaitsecs=5", ""), edit(_API, "stopwaitsecs=20", "stopwaitsecs=25")),
        "stopping may take 60 s",
    ),
    (supervisor.own_limits, edit(_API, "stopwaitsecs=20", "stopwaitsecs=10"), "gunicorn is killed after 10 s"),
    (
        supervisor.own_limits,
        edit("backend/core/work/queue.py", "=5.0", "=20.0"),
        "celery is killed after 20 s, and may work",
    ),
    (supervisor.own_limits, edit("config/gunicorn.conf.py", "graceful_", ""), "does not say how long gunicorn"),
    (supervisor.own_limits, edit(_WORKER, "command=celery", "command=sleep"), "no file of supervisor starts celery"),
    (
        supervisor.sockets,
        edit(_API, "[supervisord]", "[unix_http_server]\nfile=/app/s.sock\n[supervisord]"),
        "not in /tmp",
    ),
    (supervisor.printed_lines, edit(_API, "stdout_logfile=/dev/fd/1", ""), "[program:first] prints to AUTO"),
    (supervisor.printed_lines, edit(_API, "stdout_logfile=/dev/fd/1", "stdout_logfile=/tmp/a.log"), "to /tmp/a.log"),
    (supervisor.printed_lines, edit(_WORKER, "stdout_logfile_maxbytes=0", ""), "has no stdout_logfile_maxbytes=0"),
    (supervisor.printed_lines, edit(_API, "redirect_stderr=true", ""), "[program:first] loses its standard error"),
    (supervisor.fatal_programs, edit(_API, "PROCESS_STATE_FATAL", "PROCESS_STATE_EXITED"), "no event listener handles"),
]
