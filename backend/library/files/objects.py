"""Files that rooms above keep in the bucket, where ``DOCUMENT_STORAGE`` names one.

As with a document that is moved, an object's key is noted before the object is made, so that what a crash leaves over
is found and deleted; a trigger on the table of the room notes it again when its row goes.
"""

from datetime import timedelta

import sqlalchemy as sa

from backend.core.clock import database_now
from backend.core.database.database import db
from backend.core.ids import new_id
from backend.library.files.storage import Location
from backend.library.models import POSTGRES, DiscardedObject
from backend.settings import get_settings

# Longer than an object takes to be made.
_UNRECORDED = timedelta(hours=1)


def begin_object() -> Location:
    """Return where a new file belongs; in a bucket, its key has been noted. Needs a transaction."""
    place = get_settings().document_storage
    if place == POSTGRES:
        return Location(place, None)
    key = new_id()
    db.session.execute(
        sa.insert(DiscardedObject).values(key=key, place=place, due_at=database_now() + _UNRECORDED, claimed=False)
    )
    return Location(place, key)


def adopt_object(location: Location) -> bool:
    """Take an object's note away, in the transaction that points a row at it. False when it is being deleted."""
    noted = sa.delete(DiscardedObject).where(DiscardedObject.key == location.key, ~DiscardedObject.claimed)
    return db.session.scalar(noted.returning(DiscardedObject.key)) is not None
