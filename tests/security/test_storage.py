"""Each account's storage is limited by the bytes it uses here, independently of other accounts."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import UUID

import pytest
import sqlalchemy as sa
from apiflask import APIFlask

from backend.core.database.transaction import transaction
from backend.library import service as library
from backend.settings import get_settings
from tests.conftest import Client

QUOTA = 20_000
MAX_SETS, MAX_ITEMS, MAX_ITEM_BYTES = 3, 4, 8_000
Run = Callable[[], Any]


@pytest.fixture(autouse=True)
def small_limits(monkeypatch: pytest.MonkeyPatch, app: APIFlask) -> Iterator[None]:
    """Small storage limits."""
    monkeypatch.setenv("STORAGE_QUOTA_BYTES", str(QUOTA))
    monkeypatch.setenv("MAX_STUDY_SETS_PER_USER", str(MAX_SETS))
    monkeypatch.setenv("MAX_ITEMS_PER_SET", str(MAX_ITEMS))
    monkeypatch.setenv("MAX_ITEM_BYTES_PER_SET", str(MAX_ITEM_BYTES))
    get_settings.cache_clear()
    yield
    monkeypatch.undo()
    get_settings.cache_clear()


def used_bytes(app: APIFlask, client: Client) -> int:
    assert client.user_id is not None
    with app.app_context(), transaction():
        return library.measure_storage(client.user_id).used_bytes


def write_card(client: Client, study_set: str, number: int, size: int = 20, **more: Any) -> Any:
    body = {"front": f"Card {number}", "back": "x" * size, **more}
    return client.post(f"/api/v1/study-sets/{study_set}/flashcards", json=body)


def read_notes(client: Client, study_set: str, run_pending_jobs: Run, text: str) -> Any:
    """Upload notes, have them read, and return their document."""
    answer = client.upload(study_set, ("notes.txt", text.encode()))
    assert answer.status_code == 201, answer.text
    run_pending_jobs()
    return client.get(f"/api/v1/documents/{answer.json['documents'][0]['id']}")


def test_the_text_of_documents_counts(
    app: APIFlask, client: Client, other_client: Client, run_pending_jobs: Run, engine: sa.Engine
) -> None:
    text = "Zellen teilen sich. Über Nacht. " * 200
    document = read_notes(client, client.make_study_set(), run_pending_jobs, text).json
    assert document["status"] == "ready"
    file_bytes = len(text.encode())
    with engine.connect() as connection:
        text_bytes = connection.scalar(sa.text("SELECT sum(octet_length(text)) FROM pages"))
    assert text_bytes > document["characters"]
    assert used_bytes(app, client) == file_bytes + text_bytes
    # The file fits, but its text does not.
    refused = read_notes(client, client.make_study_set(), run_pending_jobs, f"Mehr davon. {text}").json
    assert (refused["status"], refused["error"]["code"]) == ("failed", "storage_quota_exceeded")
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT sum(octet_length(text)) FROM pages")) == text_bytes
    assert read_notes(other_client, other_client.make_study_set(), run_pending_jobs, text).json["status"] == "ready"


def test_a_document_that_was_read_before_counts_by_its_characters(
    app: APIFlask, client: Client, run_pending_jobs: Run, engine: sa.Engine
) -> None:
    document = read_notes(client, client.make_study_set(), run_pending_jobs, "A cell divides. " * 50).json
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE documents SET text_bytes = 0")
    assert used_bytes(app, client) == document["size_bytes"] + document["characters"]


@pytest.mark.parametrize("language", ["en", "de", "fr", "it"])
def test_a_document_over_the_limit_says_what_to_do(client: Client, engine: sa.Engine, language: str) -> None:
    study_set = client.make_study_set()
    client.upload(study_set, ("notes.txt", b"A cell divides. " * 40))
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE documents SET state = 'failed', error_code = 'storage_quota_exceeded'")
    answer = client.get(f"/api/v1/study-sets/{study_set}/documents", headers={"Accept-Language": language})
    wanted = {"en": "upload it again", "de": "noch einmal hoch", "fr": "de nouveau", "it": "di nuovo"}[language]
    assert wanted in answer.json["items"][0]["error"]["detail"]


def test_items_count(app: APIFlask, client: Client, run_pending_jobs: Run) -> None:
    study_set = client.make_study_set()
    text = "A cell divides into two daughter cells. " * 20
    document = read_notes(client, study_set, run_pending_jobs, text).json["id"]
    before = used_bytes(app, client)
    quote = {"document_id": document, "page": 1, "quote": "A cell divides into two daughter cells."}
    card = write_card(client, study_set, 1, 100, evidence=quote).json
    of_card = len("Card 1") + 100 + len(card["evidence"][0]["quote"])
    assert used_bytes(app, client) == before + of_card
    options = [{"text": "Yes", "correct": True}, {"text": "Nö"}]
    question = client.post(f"/api/v1/study-sets/{study_set}/questions", json={"stem": "Does it?", "options": options})
    assert question.status_code == 201
    assert used_bytes(app, client) > before + of_card + len("Does it?YesNö".encode())
    assert client.patch(f"/api/v1/flashcards/{card['id']}", json={"back": "x" * 50}).status_code == 200
    assert client.delete(f"/api/v1/questions/{question.json['id']}").status_code == 204
    assert used_bytes(app, client) == before + of_card - 50
    assert client.delete(f"/api/v1/flashcards/{card['id']}").status_code == 204
    assert used_bytes(app, client) == before


def test_items_of_a_run_count(app: APIFlask, client: Client, run_pending_jobs: Run, engine: sa.Engine) -> None:
    study_set = client.make_study_set()
    text = "The mitochondrion is the organelle that produces energy for the cell. " * 3
    read_notes(client, study_set, run_pending_jobs, text)
    before = used_bytes(app, client)
    assert client.post(f"/api/v1/study-sets/{study_set}/runs", json={}).status_code == 202
    run_pending_jobs()
    with engine.connect() as connection:
        items = connection.scalar(
            sa.text("SELECT (SELECT count(*) FROM flashcards) + (SELECT count(*) FROM questions)")
        )
    assert items > 0
    assert used_bytes(app, client) > before


def test_items_over_the_limit_are_refused_and_other_users_have_their_own_limit(
    app: APIFlask, client: Client, other_client: Client
) -> None:
    sets = [client.make_study_set() for _ in range(MAX_SETS)]
    assert client.upload(sets[0], ("notes.txt", b"A cell divides. ".ljust(QUOTA - 3000, b"x"))).status_code == 201
    card = write_card(client, sets[1], 1, 2900)
    assert card.status_code == 201
    refused = write_card(client, sets[1], 2, 200)
    assert (refused.status_code, refused.json["code"]) == (409, "storage_quota_exceeded")
    changed = client.patch(f"/api/v1/flashcards/{card.json['id']}", json={"back": "x" * 3100})
    assert (changed.status_code, changed.json["code"]) == (409, "storage_quota_exceeded")
    assert used_bytes(app, client) == QUOTA - 3000 + 2900 + len("Card 1")
    assert write_card(other_client, other_client.make_study_set(), 1, 2900).status_code == 201
    # A user over the limit can still delete items.
    get_settings.cache_clear()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STORAGE_QUOTA_BYTES", "10")
        assert client.patch(f"/api/v1/flashcards/{card.json['id']}", json={"back": "short"}).status_code == 200
    get_settings.cache_clear()


@pytest.mark.parametrize(("size", "fit"), [(20, MAX_ITEMS), (MAX_ITEM_BYTES // 2 - 100, 2)])
def test_a_study_set_has_a_limit(client: Client, other_client: Client, size: int, fit: int) -> None:
    study_set = client.make_study_set()
    written = [write_card(client, study_set, number, size) for number in range(fit + 1)]
    assert [answer.status_code for answer in written[:-1]] == [201] * fit
    assert (written[-1].status_code, written[-1].json["code"]) == (409, "study_set_full")
    assert write_card(client, client.make_study_set(), 1, 100).status_code == 201
    assert write_card(other_client, other_client.make_study_set(), 1, 100).status_code == 201


def test_no_run_starts_in_a_full_study_set(client: Client, run_pending_jobs: Run) -> None:
    study_set = client.make_study_set()
    read_notes(client, study_set, run_pending_jobs, "A cell divides. " * 40)
    cards = [write_card(client, study_set, number).json["id"] for number in range(MAX_ITEMS)]
    refused = client.post(f"/api/v1/study-sets/{study_set}/runs", json={})
    assert (refused.status_code, refused.json["code"]) == (409, "study_set_full")
    client.delete(f"/api/v1/flashcards/{cards[0]}")
    assert client.post(f"/api/v1/study-sets/{study_set}/runs", json={}).status_code == 202


def at_once(app: APIFlask, client: Client, count: int, request: Callable[[Client, int], Any]) -> list[int]:
    """Make concurrent requests of one user; return their statuses, sorted."""

    def one(number: int) -> int:
        student = app.test_client()
        student.token = client.token
        return int(request(student, number).status_code)

    with ThreadPoolExecutor(count) as pool:
        return sorted(pool.map(one, range(count)))


def test_concurrent_items_never_exceed_the_limit(app: APIFlask, client: Client) -> None:
    study_set, others = client.make_study_set(), [client.make_study_set() for _ in range(2)]
    assert at_once(app, client, 6, lambda c, n: write_card(c, study_set, n)) == [201] * MAX_ITEMS + [409] * 2
    taken = used_bytes(app, client)
    assert client.upload(study_set, ("n.txt", b"A cell divides. ".ljust(QUOTA - taken - 2500, b"x"))).status_code == 201
    # In separate study sets, they wait for the quota and not for each other's study set.
    found = at_once(app, client, 4, lambda c, n: write_card(c, others[n % 2], n, 1000))
    assert found == [201, 201, 409, 409]


def test_study_sets_are_counted(app: APIFlask, client: Client, other_client: Client) -> None:
    found = at_once(app, client, MAX_SETS + 2, lambda c, _n: c.post("/api/v1/study-sets", json={"title": "Cells"}))
    assert found == [201] * MAX_SETS + [409] * 2
    refused = client.post("/api/v1/study-sets", json={"title": "Cells"})
    assert refused.json["code"] == "too_many_study_sets"
    other_client.make_study_set()
    client.delete(f"/api/v1/study-sets/{client.get('/api/v1/study-sets').json['items'][0]['id']}")
    client.make_study_set()


def test_items_do_not_change_the_study_sets_updated_at(app: APIFlask, client: Client) -> None:
    study_set = client.make_study_set()
    before = client.get(f"/api/v1/study-sets/{study_set}").json
    write_card(client, study_set, 1)
    assert client.get(f"/api/v1/study-sets/{study_set}").json == before
    with app.app_context(), transaction():
        assert library.get_study_set(UUID(str(client.user_id)), UUID(study_set)).items_bytes > 0
