"""The administration room's entry in the manifest."""

from backend.administration.models import AdminAction
from backend.core.manifest import Room, Routes

ROOM = Room(name="administration", routes=(Routes("backend.administration.routes:admin"),), tables=(AdminAction,))
