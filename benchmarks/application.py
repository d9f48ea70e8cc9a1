"""The app in this process, on throw-away servers, for benchmarks without HTTP."""

import contextlib
import logging
import os
import subprocess
import sys
from collections.abc import Iterator

from apiflask import APIFlask

from backend.app import create_app
from backend.settings import Settings
from config.local.folders import CHECKOUT
from config.local.postgres import LocalPostgres
from config.local.redis import LocalRedis


@contextlib.contextmanager
def running_application() -> Iterator[APIFlask]:
    """Start the servers and build the app on a migrated, empty database. There is no worker."""
    with LocalPostgres() as postgres, LocalRedis() as redis:
        environment = {**os.environ, "ENVIRONMENT": "development", "DATABASE_URL": postgres.url}
        command = [sys.executable, "-m", "backend.cli", "migrate"]
        subprocess.run(command, check=True, cwd=CHECKOUT, env=environment, capture_output=True)
        app = create_app(Settings(environment="development", database_url=postgres.url, redis_url=redis.url))
        logging.disable(logging.INFO)
        yield app
        logging.disable(logging.NOTSET)
