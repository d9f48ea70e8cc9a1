"""The administration room's entry in the manifest."""

from backend.administration.errors import DailyCeilingReached
from backend.administration.models import AdminAction
from backend.core.manifest import Room, Routes

ROOM = Room(
    name="administration",
    routes=(
        Routes("backend.administration.routes:admin"),
        Routes("backend.administration.billing_routes:admin_billing"),
    ),
    tables=(AdminAction,),
    problems=(DailyCeilingReached,),
)
