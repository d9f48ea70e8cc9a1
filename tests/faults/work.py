"""A student's work with a running system, on processes or containers, and the conditions that must hold."""

import os
import signal
from collections.abc import Callable
from typing import Any

import psutil
import psycopg2

from config.local.client import ApiClient
from tests.generation.conftest import notes
from tests.patience import wait_for


def freeze(process: psutil.Process) -> Callable[[], None]:
    """Stop a process with SIGSTOP. Returns a function that continues it if it still exists."""
    process.send_signal(signal.SIGSTOP)

    def thaw() -> None:
        if process.is_running():
            process.send_signal(signal.SIGCONT)

    return thaw


class Work:
    """One signed-in student, with access to their data in the database.

    ``model`` is a stand-in for the language model, or an object that reports its calls in the same way.
    """

    def __init__(self, api: ApiClient, database_url: str, model: Any) -> None:
        self.api = api
        self.database_url = database_url
        self.model = model

    def query(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run a statement directly on the database."""
        with psycopg2.connect(self.database_url) as connection, connection.cursor() as cursor:
            cursor.execute(statement, values)
            return cursor.fetchall() if cursor.description else []

    def upload(self, tmp: Any, pages: int) -> str:
        """Create a study set with notes of this many pages. Returns its id."""
        study_set = str(self.api.post("/study-sets", {"title": "Notes"})["id"])
        file = tmp / f"notes-{os.urandom(4).hex()}.txt"
        file.write_bytes(notes(pages))
        self.api.upload(f"/study-sets/{study_set}/documents", file)
        return study_set

    def start_run(self, study_set: str, **wish: Any) -> str:
        """Start a run. Returns its id."""
        return str(self.api.post(f"/study-sets/{study_set}/runs", wish)["id"])

    def wait_until_read(self, study_set: str) -> None:
        """Wait until the study set's documents are read."""
        path = f"/study-sets/{study_set}/documents"
        wait_for("reading", lambda: all(d["status"] == "ready" for d in self.api.items(path)))

    def wait_for_call(self, count: int = 1) -> None:
        """Wait for this many calls of the model since its script was set."""
        wait_for("a model call", lambda: len(self.model.calls) >= count)

    def wait_until_ended(self, run: str) -> Any:
        """Wait until a run has ended. Returns the run."""

        def ended() -> Any:
            view = self.api.get(f"/runs/{run}")
            return view if view["state"] in ("done", "failed", "cancelled") else None

        return wait_for("the end of the run", ended)

    def check_done_once(self, run: str) -> Any:
        """Wait until the run ends; check that exactly one attempt recorded each step and its call."""
        view = self.wait_until_ended(run)
        assert (view["state"], view["failed_sections"]) == ("done", 0), view
        paid = self.query(
            "SELECT s.id, count(c.id) FROM steps s LEFT JOIN model_calls c "
            "ON c.step_id = s.id AND c.outcome = 'ok' AND c.attempt = s.attempt "
            "WHERE s.run_id = %s AND s.state = 'done' AND s.kind <> 'plan' GROUP BY s.id",
            run,
        )
        assert paid
        assert {count for _, count in paid} == {1}
        ((cards,),) = self.query("SELECT count(*) FROM flashcards WHERE run_id = %s", run)
        ((questions,),) = self.query("SELECT count(*) FROM questions WHERE run_id = %s", run)
        assert {"flashcards": cards, "questions": questions} == view["delivered"]
        ((events, last),) = self.query("SELECT count(*), max(number) FROM run_events WHERE run_id = %s", run)
        assert events == last
        ((ends,),) = self.query("SELECT count(*) FROM run_events WHERE run_id = %s AND kind = 'run.done'", run)
        assert ends == 1
        return view

    def attempts(self, run: str) -> list[int]:
        """Return how often each section of a run was claimed."""
        return [n for (n,) in self.query("SELECT attempt FROM steps WHERE run_id = %s AND kind = 'section'", run)]
