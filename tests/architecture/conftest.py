"""Fixtures for tests of all routes: one of every object that has an id."""

import io
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from apiflask import APIFlask
from reportlab.pdfgen.canvas import Canvas

from backend.billing.ledger.accounts import lock_account
from backend.billing.prices.price_list import use_price_list
from backend.core.database.database import db
from backend.core.database.transaction import transaction
from tests.conftest import Client

CHOICES = {"stem": "?", "options": [{"text": "a", "correct": True}, {"text": "b"}]}
# A user's only identity cannot be removed.
FURTHER_IDENTITY = sa.text(
    "INSERT INTO identities (id, user_id, provider, subject, email_verified)"
    " VALUES (gen_random_uuid(), :user_id, 'google', '1', false) RETURNING id"
)
# Without a page at Stripe, because billing is off.
CHECKOUT = sa.text(
    "INSERT INTO checkouts"
    " (id, user_id, idempotency_key, package, amount_rappen, currency, credits, price_list, state)"
    " VALUES (gen_random_uuid(), :user_id, 'key', 'chf-10', 1000, 'chf', 10000, :price_list, 'open') RETURNING id"
)
# The built-in language model makes topics, flashcards and questions from these notes.
NOTES = b"""Cell division

A cell divides. Mitosis is the division of a cell nucleus into two nuclei that carry the same chromosomes.
Meiosis is the division of a germ cell into four cells that each carry half of the chromosomes.
The spindle is a structure of microtubules that pulls the chromatids of a chromosome apart.
A chromatid is one of the two identical halves of a chromosome that has been copied.
Cytokinesis is the division of the cytoplasm that follows the division of the nucleus.
"""


def make_notes() -> bytes:
    """Make a PDF of the notes: its pages have images."""
    file = io.BytesIO()
    canvas = Canvas(file, pagesize=(800, 400))
    text = canvas.beginText(40, 350)
    text.textLines(NOTES.decode())
    canvas.drawText(text)
    canvas.save()
    return file.getvalue()


@pytest.fixture
def owned(app: APIFlask, client: Client, engine: sa.Engine, run_pending_jobs: Callable[[], int]) -> dict[str, Any]:
    """One of every object that has an id, owned by ``client``, keyed by the routes' argument names."""
    study_set_id = client.make_study_set()
    path = f"/api/v1/study-sets/{study_set_id}"
    document = client.upload(study_set_id, ("notes.pdf", make_notes())).json["documents"][0]
    run_pending_jobs()
    assert client.post(f"/api/v1/documents/{document['id']}/reread").status_code == 202
    run_pending_jobs()
    made = {
        "flashcard_id": client.post(f"{path}/flashcards", json={"front": "a", "back": "b"}),
        "question_id": client.post(f"{path}/questions", json=CHOICES),
        "run_id": client.post(f"{path}/runs", json={}),
    }
    made["api_key_id"] = client.post("/api/v1/users/me/api-keys", json={"name": "laptop"})
    ids = {name: answer.json["id"] for name, answer in made.items()}
    ids["export_id"] = client.post("/api/v1/users/me/export").json["id"]
    run_pending_jobs()
    app.test_client().sign_in("student@example.org")
    sessions = client.get("/api/v1/users/me/sessions").json["items"]
    ids["session_id"] = next(session["id"] for session in sessions if not session["is_current"])
    with engine.begin() as connection:
        ids["identity_id"] = str(connection.scalar(FURTHER_IDENTITY, {"user_id": client.user_id}))
    with app.app_context(), transaction():
        assert client.user_id is not None
        lock_account(client.user_id)
        values = {"user_id": client.user_id, "price_list": use_price_list().name}
        ids["checkout_id"] = str(db.session.scalar(CHECKOUT, values))
    return {"study_set_id": study_set_id, "document_id": document["id"], "number": 1, **ids}
