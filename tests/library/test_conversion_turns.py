"""Users take turns to have Office documents converted. Claims stand for workers here."""

from collections.abc import Callable
from uuid import UUID

import pytest
import sqlalchemy as sa

from backend.core.database.database import db
from backend.core.database.transaction import transaction
from backend.core.work import jobs
from backend.core.work.queue import queue
from backend.core.work.sweep import sweep
from backend.library.models import Conversion, Document
from backend.library.reading_places import claim_conversion
from backend.library.room import CONVERTING
from tests.library.office_files import CELLS, add, make_pdf, make_word_file


@pytest.fixture
def wait_to_convert(app, convert_into, run_pending_jobs, tmp_path, query, messages) -> Callable[..., list[UUID]]:
    """Upload Word files for a user and read them, so that they wait to be converted. Returns their conversions."""
    convert_into(make_pdf(CELLS))

    def run(client, number: int) -> list[UUID]:
        known = set(query("SELECT id FROM conversions"))
        for _ in range(number):
            add(client, "notes.docx", make_word_file(tmp_path, CELLS))
        with app.app_context():
            for (document,) in query("SELECT id FROM documents WHERE state = 'queued' ORDER BY id"):
                queue.tasks[Document.task].run(str(document))
        messages.take()
        return [row[0] for row in query("SELECT id FROM conversions ORDER BY id") if row not in known]

    return run


def convert_all(messages, waiting: list[UUID]) -> list[UUID]:
    """Claim and end conversions as a worker does that gets a message for each of them. Returns their order."""
    order = []
    sent = list(waiting)
    while sent:
        with transaction():
            held = claim_conversion(Conversion, sent.pop(0))
        if held is not None:
            with transaction():
                jobs.finish(Conversion, held)
            CONVERTING.released()
            order.append(held.id)
        sent += messages.take()
    return order


def test_users_take_turns_to_have_documents_converted(app, client, other_client, wait_to_convert, messages):
    mine = wait_to_convert(client, 4)
    others = wait_to_convert(other_client, 2)
    with app.app_context():
        assert convert_all(messages, mine + others) == [mine[0], others[0], mine[1], others[1], mine[2], mine[3]]


def test_a_user_who_comes_later_waits_for_one_conversion(app, client, other_client, wait_to_convert, messages):
    mine = wait_to_convert(client, 3)
    with app.app_context():
        with transaction():
            held = claim_conversion(Conversion, mine[0])
        assert held is not None
        (other,) = wait_to_convert(other_client, 1)
        query = sa.update(Conversion).where(Conversion.id != held.id).values(sent_at=None)
        with transaction():
            db.session.execute(query)
        assert sweep().sent == 0
        with transaction():
            jobs.finish(Conversion, held)
        # Neither a message for another one nor the sweep takes their turn.
        with transaction():
            assert claim_conversion(Conversion, mine[1]) is None
        assert messages.take() == [other]
        with transaction():
            db.session.execute(query)
        assert sweep().sent == 1
        assert messages.take() == [other]


def test_a_conversion_whose_worker_was_lost_has_taken_its_turn(app, client, other_client, wait_to_convert, messages):
    mine = wait_to_convert(client, 2)
    (other,) = wait_to_convert(other_client, 1)
    with app.app_context():
        with transaction():
            held = claim_conversion(Conversion, mine[0])
            assert held is not None
            jobs.retry_later(Conversion, held, delay_s=3600)
        CONVERTING.released()
        messages.take()
        assert convert_all(messages, [mine[1], other]) == [other, mine[1]]


def test_a_user_who_deletes_what_was_converted_gets_no_earlier_turn(
    app, client, other_client, wait_to_convert, messages, query
):
    """Deleting forgets the last turn; a document that is uploaded then comes after those that waited before it."""
    first, second = wait_to_convert(other_client, 2)
    with app.app_context():
        with transaction():
            held = claim_conversion(Conversion, first)
            assert held is not None
            jobs.finish(Conversion, held)
        CONVERTING.released()
        (deleted,) = wait_to_convert(client, 1)
        ((document,),) = query(f"SELECT document_id FROM conversions WHERE id = '{deleted}'")
        assert client.delete(f"/api/v1/documents/{document}").status_code == 204
        (again,) = wait_to_convert(client, 1)
        messages.take()
        assert convert_all(messages, [again, second]) == [second, again]
