"""Fixtures for tests of the study room: a study set with a document that has been read."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from apiflask import APIFlask

from backend.core.database.database import db
from backend.core.database.transaction import transaction
from backend.core.ids import new_id
from backend.core.work.jobs import JobState
from backend.library.models import Document, Page
from backend.study import service
from backend.study.types import AddedItems
from tests.study.new_items import PAGES, page_text


@pytest.fixture
def study_set(client: Any) -> str:
    """The id of the user's study set."""
    return client.make_study_set("Cell biology")


@pytest.fixture
def add_document(app: APIFlask) -> Callable[..., str]:
    """Add a document to a study set, by default one that has been read; return its id."""

    def add(study_set_id: str, filename: str = "cells.pdf", state: str = JobState.DONE) -> str:
        document_id = new_id()
        with app.app_context(), transaction() as session:
            document = Document(
                id=document_id,
                study_set_id=UUID(study_set_id),
                filename=filename,
                format="pdf",
                size_bytes=1,
                sha256=document_id.hex,
                state=state,
                error_code="damaged" if state == JobState.FAILED else None,
                pages_total=PAGES,
            )
            session.add(document)
            session.flush()
            if state == JobState.DONE:
                session.add_all(
                    Page(document_id=document_id, number=number, text=page_text(number), source="text")
                    for number in range(1, PAGES + 1)
                )
        return str(document_id)

    return add


@pytest.fixture
def document(study_set: str, add_document: Callable[..., str]) -> str:
    """The id of a nine-page document in the user's study set."""
    return add_document(study_set)


@pytest.fixture
def add_items(app: APIFlask) -> Callable[..., AddedItems]:
    """Add items to a study set as the generation room does."""

    def add(study_set_id: str, **given: Any) -> AddedItems:
        wanted = {"run_id": new_id(), "model": "gpt-4o", "topics": (), **given}
        items = [*wanted.pop("flashcards", ()), *wanted.pop("questions", ())]
        with app.app_context(), transaction():
            return service.add_items(UUID(study_set_id), items=items, **wanted)

    return add


@pytest.fixture
def count_queries(app: APIFlask) -> Callable[[Callable[[], object]], int]:
    """Return how many statements are sent to the database during an action."""

    def count(action: Callable[[], object]) -> int:
        statements: list[str] = []

        def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
            statements.append(statement)

        with app.app_context():
            engine = db.engine
        sa.event.listen(engine, "before_cursor_execute", note)
        try:
            action()
        finally:
            sa.event.remove(engine, "before_cursor_execute", note)
        return len(statements)

    return count
