"""Each program has its own queue: messages follow from a kind of job, and are counted for each queue."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from uuid import UUID

import pytest
import redis
import sqlalchemy as sa
from flask import Flask

from backend.core.database.database import db
from backend.core.database.transaction import transaction
from backend.core.work.jobs import claim, hand_back, install_kinds, list_kinds
from backend.core.work.programs import Program
from backend.core.work.queue import BrokerLook, broker_address, count_messages, look_at_broker
from backend.core.work.sweep import Swept, sweep
from backend.library.models import Document
from backend.settings import Settings

LONG_AGO = sa.text("clock_timestamp() - interval '1 hour'")


@pytest.fixture
def document_id(client) -> UUID:
    """A queued job of the computing program, whose message is in the queue."""
    answer = client.upload(client.make_study_set(), ("notes.txt", b"Cells divide."))
    return UUID(answer.json["documents"][0]["id"])


@pytest.fixture(autouse=True)
def _in_context(app: Flask, document_id: UUID) -> Iterator[None]:
    with app.app_context():
        yield


@pytest.fixture
def _documents_are_calls() -> Iterator[None]:
    """Let the calling program work on documents."""
    kinds = list_kinds()
    install_kinds([replace(kind, program=Program.CALLING) if kind.model is Document else kind for kind in kinds])
    yield
    install_kinds(kinds)


@pytest.fixture
def queued(settings: Settings) -> Callable[[], list[int]]:
    """Count the messages in the queues of both programs."""
    client = redis.Redis.from_url(settings.redis_url)
    return lambda: [client.llen(program.queue) for program in Program]


def change(document_id: UUID, **values: object) -> None:
    with transaction():
        db.session.execute(sa.update(Document).where(Document.id == document_id).values(**values))


@pytest.mark.usefixtures("_documents_are_calls")
def test_messages_of_one_program_do_not_stand_for_those_of_the_other(document_id: UUID, queued) -> None:
    computing, calling = queued()
    assert computing >= 1
    change(document_id, sent_at=LONG_AGO, available_at=LONG_AGO)
    assert sweep() == Swept(sent=1)
    assert queued() == [computing, calling + 1]
    change(document_id, sent_at=LONG_AGO)
    assert sweep() == Swept()


@pytest.mark.usefixtures("_documents_are_calls")
def test_messages_are_counted_for_each_queue(document_id: UUID, queued) -> None:
    change(document_id, sent_at=None)
    assert sweep() == Swept(sent=1)
    counted = dict(zip(Program, queued(), strict=True))
    assert counted[Program.CALLING] >= 1
    assert count_messages() == counted
    assert look_at_broker(broker_address()) == BrokerLook("ok", counted)


@pytest.mark.parametrize(("ago", "count", "state"), [("0 s", 1, "queued"), ("40 s", 0, "running")])
def test_a_row_with_an_expired_lease_is_not_handed_back(document_id: UUID, ago: str, count: int, state: str) -> None:
    with transaction():
        assert claim(Document, document_id)
        moment = sa.text(f"lease_until - interval '{ago}'")
        db.session.execute(sa.update(Document).where(Document.id == document_id).values(lease_until=moment))
    assert hand_back() == count
    with transaction():
        row = db.session.execute(sa.select(Document.state, Document.failures).where(Document.id == document_id)).one()
    assert tuple(row) == (state, 0)
