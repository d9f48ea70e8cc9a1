"""Kept images and PDFs whose bytes are gone, or cannot be reached, are made again."""

from backend.cli import main
from tests.library.test_page_images import add_pdf, make_pdf

IMAGES = "SELECT stored_in, id FROM page_images"


def test_an_image_whose_bytes_are_gone_is_rendered_again(client, run_pending_jobs, query):
    document = add_pdf(client, run_pending_jobs, make_pdf("Cells divide."))
    before = client.get(f"{document}/pages/1/image").data
    [kept] = query(IMAGES)
    query("DELETE FROM image_pieces")
    for _ in range(2):
        answer = client.get(f"{document}/pages/1/image")
        assert (answer.status_code, answer.data) == (200, before)
    [again] = query(IMAGES)
    assert again != kept
    assert query("SELECT count(*) FROM image_pieces") == [(1,)]


def test_an_image_whose_object_is_gone_is_rendered_again(client, run_pending_jobs, query, bucket):
    document = add_pdf(client, run_pending_jobs, make_pdf("Cells divide."))
    client.get(f"{document}/pages/1/image")
    [key] = bucket.keys()
    bucket.damage(key, None)
    assert client.get(f"{document}/pages/1/image").status_code == 200
    assert len(bucket.keys()) == 1


def test_a_page_is_rendered_while_its_image_cannot_be_reached(client, run_pending_jobs, query, bucket):
    document = add_pdf(client, run_pending_jobs, make_pdf("Cells divide."))
    client.get(f"{document}/pages/1/image")
    kept = query(IMAGES)
    bucket.gate.shut()
    # The document is still in PostgreSQL.
    assert client.get(f"{document}/pages/1/image").status_code == 200
    assert query(IMAGES) == kept


def test_a_page_stays_unavailable_while_its_document_cannot_be_reached(client, run_pending_jobs, bucket, move):
    document = add_pdf(client, run_pending_jobs, make_pdf("Cells divide."))
    client.get(f"{document}/pages/1/image")
    assert move() == 1
    bucket.gate.shut()
    assert client.get(f"{document}/pages/1/image").status_code == 503
    bucket.gate.reopen()
    assert client.get(f"{document}/pages/1/image").status_code == 200


def test_an_image_in_a_former_bucket_that_is_gone_is_replaced(client, run_pending_jobs, query, bucket, configure):
    document = add_pdf(client, run_pending_jobs, make_pdf("Cells divide."))
    client.get(f"{document}/pages/1/image")
    configure(DOCUMENT_STORAGE="postgres")
    bucket.gate.shut()
    assert client.get(f"{document}/pages/1/image").status_code == 200
    assert [place for place, _ in query(IMAGES)] == ["postgres"]


def test_the_way_back_from_a_bucket_leaves_no_image(app, client, run_pending_jobs, query, bucket, configure, discard):
    document = add_pdf(client, run_pending_jobs, make_pdf("Cells divide.", "Cells grow."))
    client.get(f"{document}/pages/1/image")
    configure(DOCUMENT_STORAGE="postgres")
    client.get(f"{document}/pages/2/image")
    assert len(bucket.keys()) == 1
    answer = app.test_cli_runner().invoke(main, ["move-documents"])
    assert (answer.exit_code, answer.stderr) == (0, ""), answer.output
    assert query("SELECT page, stored_in FROM page_images") == [(2, "postgres")]
    discard()
    assert bucket.keys() == []
    assert client.get(f"{document}/pages/1/image").status_code == 200
