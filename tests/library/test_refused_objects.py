"""An object that the bucket refuses does not keep other objects from being moved or deleted."""

from typing import Any

import pytest

from backend.library import service as library
from backend.library.errors import FileUnavailable
from tests.library.conftest import TEXT, Bucket

KEY = "SELECT stored_key::text FROM documents WHERE id = :id"


@pytest.fixture
def refused(client, bucket: Bucket, document, move, query, configure) -> dict[str, Any]:
    """A document that belongs in PostgreSQL, and whose object the bucket refuses."""
    assert move() == 1
    ((key,),) = query(KEY, id=document["id"])
    bucket.gate.refuse(key)
    configure(DOCUMENT_STORAGE="postgres")
    return {**document, "key": key}


def test_a_refused_object_does_not_block_other_moves(
    client, bucket: Bucket, refused, move, move_anywhere, query, run_pending_jobs, configure
) -> None:
    configure(DOCUMENT_STORAGE=bucket.place)
    client.upload(client.make_study_set(), ("other.txt", b"Plants grow."))
    run_pending_jobs()
    assert move() == 1
    configure(DOCUMENT_STORAGE="postgres")
    assert move_anywhere() == 1
    places = "SELECT stored_in, moving_until > now() FROM documents ORDER BY id"
    # The refused object is older, and is left alone for a while.
    assert query(places) == [(bucket.place, True), ("postgres", None)]
    assert move_anywhere() == 0
    bucket.gate.refuse(None)
    query("UPDATE documents SET moving_until = now() - interval '1 second'")
    assert move_anywhere() == 1
    assert client.get(refused["file"]).data == TEXT


def test_a_refused_object_does_not_block_other_deletions(app, client, bucket: Bucket, refused, discard, query) -> None:
    query(
        "INSERT INTO discarded_objects (key, place, claimed, due_at)"
        " VALUES (gen_random_uuid(), :place, false, now() - interval '1 day')",
        place=bucket.place,
    )
    client.delete(refused["path"])
    # The refused object is the first of the two.
    query("UPDATE discarded_objects SET due_at = now() - interval '2 days' WHERE key::text = :key", key=refused["key"])
    with app.app_context():
        assert [library.discard_objects(1), library.discard_objects(1)] == [0, 1]
    query("INSERT INTO discarded_objects SELECT gen_random_uuid(), place, false, due_at FROM discarded_objects")
    assert discard() == 1
    assert query("SELECT key::text FROM discarded_objects") == [(refused["key"],)]
    bucket.gate.refuse(None)
    assert discard() == 1
    assert bucket.keys() == []


def test_a_bucket_that_refuses_everything_counts_as_unreachable(app, bucket: Bucket, refused) -> None:
    with app.app_context(), pytest.raises(FileUnavailable):
        library.move_documents(1, from_anywhere=True)


def test_a_move_is_released_if_the_bucket_is_unreachable(bucket: Bucket, document, move, query) -> None:
    bucket.gate.shut()
    with pytest.raises(FileUnavailable):
        move()
    assert query("SELECT moving_until FROM documents") == [(None,)]
