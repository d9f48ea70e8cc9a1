"""The calling program with the tests' own kind of job: ``celery -A tests.faults.waiting_app worker``."""

from functools import partial

from backend.core.work.queue import add_task
from backend.core.work.runner import run_row
from backend.worker.calling import app as calling
from backend.worker.program import flask_app
from tests.faults.waiting_calls import KIND, know_calls

know_calls()
add_task(KIND.model.task, partial(run_row, KIND), flask_app)

# The celery command looks for this name.
app = calling
