"""Scans are recognised in the language of their study set first."""

from uuid import UUID

import pytest
from apiflask import APIFlask

from backend.core.database.transaction import transaction
from backend.library.recognition_languages import order_languages

ALL = "deu+eng+fra+ita"
ENGLISH = "The cell is the smallest unit of life, and all that it needs is in it. It has a membrane of its own. " * 6
FRENCH = "La cellule est la plus petite unité de la vie, et elle contient tout ce qui est nécessaire pour vivre. " * 6


@pytest.fixture
def order(client, app: APIFlask, run_pending_jobs):
    """Return the languages for a study set with these notes."""

    def _order(*texts: str, languages: str = ALL) -> str:
        study_set_id = client.make_study_set()
        for number, text in enumerate(texts):
            client.upload(study_set_id, (f"{number}.txt", text.encode()))
        run_pending_jobs()
        with app.app_context(), transaction():
            return order_languages(UUID(study_set_id), languages)

    return _order


@pytest.mark.parametrize(("text", "ordered"), [(ENGLISH, "eng+deu+fra+ita"), (FRENCH, "fra+deu+eng+ita")])
def test_the_language_of_the_study_set_comes_first(order, text, ordered):
    assert order(text) == ordered


def test_most_of_the_text_decides(order):
    assert order(FRENCH, ENGLISH * 3, "A note.") == "eng+deu+fra+ita"


@pytest.mark.parametrize("texts", [(), ("A note.",)])
def test_without_enough_text_the_configured_order_stays(order, texts):
    assert order(*texts) == ALL


def test_a_language_that_is_not_configured_is_not_added(order):
    assert order(FRENCH, languages="deu+eng") == "deu+eng"
