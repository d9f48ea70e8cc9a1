"""The manifest of core: idempotency keys, workers, the API's documentation page."""

from backend.core.manifest import Chore, Room, Routes
from backend.core.web.idempotency import StoredResponse, delete_expired_responses
from backend.core.work.workers import Worker, forget_old_workers

_NO_DATABASE = "does not touch the database"

ROOM = Room(
    name="core",
    routes=(Routes("backend.core.web.openapi:docs"),),
    chores=(Chore(delete_expired_responses), Chore(forget_old_workers)),
    tables=(StoredResponse, Worker),
    public_endpoints={
        "openapi.spec": "the published contract",
        "docs.page": "documentation",
        "docs.start": "documentation",
        "docs.asset": "documentation",
    },
    unlimited={
        "openapi.spec": _NO_DATABASE,
        "docs.page": _NO_DATABASE,
        "docs.start": _NO_DATABASE,
        "docs.asset": _NO_DATABASE,
    },
)
