"""Downloads: limited in number, in parts, and aborted if too slow."""

import errno
import gc
from collections.abc import Iterator

import pytest
from apiflask import APIFlask
from flask import Response
from flask.testing import FlaskClient

from backend.core.errors import Unavailable
from backend.core.web import downloads
from backend.core.web.downloads import FileDownload
from backend.core.web.http import configure_http
from backend.core.web.origins import configure_origins
from backend.core.web.slots import Slots
from backend.settings import Settings
from tests.core.test_problems import assert_problem

CONTENT = bytes(range(256)) * 1024
PIECE = 100_000


@pytest.fixture
def reader(settings: Settings) -> FlaskClient:
    """A client of an app with a file, a file that cannot be opened, and an ordinary route."""
    app = APIFlask("hackthestudy-tests")
    configure_http(app, largest_upload=1000, production=False)
    configure_origins(app, settings, any_host=frozenset())

    def read(start: int) -> Iterator[bytes]:
        for at in range(start, len(CONTENT), PIECE):
            yield CONTENT[at : at + PIECE]

    def fail(_start: int) -> Iterator[bytes]:
        raise Unavailable

    @app.get("/file")
    def file() -> Response:
        return FileDownload("tag", len(CONTENT), "text/plain", "attachment").answer(read)

    @app.get("/away")
    def away() -> Response:
        return FileDownload("tag", len(CONTENT), "text/plain", "attachment").answer(fail)

    @app.get("/ordinary")
    def ordinary() -> str:
        return "done"

    return app.test_client()


def test_slow_downloads_take_no_more_than_their_slots(reader) -> None:
    slow = [reader.get("/file", buffered=False) for _ in range(Slots.count())]
    assert [answer.status_code for answer in slow] == [200] * len(slow)
    refused = reader.get("/file")
    assert_problem(refused, 503, "too_many_downloads")
    assert int(refused.headers["Retry-After"]) > 0
    assert reader.get("/ordinary").text == "done"
    slow[0].close()
    assert reader.get("/file").data == CONTENT
    for answer in slow:
        answer.close()


def test_a_slot_is_released_however_a_download_ends(reader) -> None:
    for _ in range(Slots.count() + 1):
        assert reader.get("/file", headers={"Range": f"bytes={len(CONTENT)}-"}).status_code == 416
        assert reader.get("/away").status_code == 503
        assert reader.head("/file").status_code == 200
        abandoned = reader.get("/file", buffered=False)
        assert abandoned.status_code == 200
        next(iter(abandoned.response))
        del abandoned
        gc.collect()
    assert reader.get("/away").json["code"] == "unavailable"
    assert reader.get("/file").status_code == 200


def test_half_of_the_threads_are_left_for_ordinary_requests(settings: Settings) -> None:
    assert 2 * Slots.count() <= settings.gunicorn_threads // 2


def test_a_range_has_the_right_bytes(reader) -> None:
    for start, end in ((0, 1), (PIECE - 1, PIECE + 1), (5, len(CONTENT))):
        answer = reader.get("/file", headers={"Range": f"bytes={start}-{end - 1}"})
        assert (answer.status_code, answer.data) == (206, CONTENT[start:end])


def test_a_download_that_is_too_slow_is_aborted_and_can_be_resumed(reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "_PATIENCE_S", 0)
    # No client is that fast.
    monkeypatch.setattr(downloads, "_MIN_BYTES_PER_S", 1e15)
    answer = reader.get("/file", buffered=False)
    pieces = iter(answer.response)
    got = next(pieces)
    # The error of a client that has gone, which a server does not report.
    with pytest.raises(ConnectionResetError) as cut:
        next(pieces)
    answer.close()
    assert cut.value.errno == errno.ECONNRESET
    assert CONTENT.startswith(got)
    assert 0 < len(got) < len(CONTENT)
    monkeypatch.undo()
    assert got + reader.get("/file", headers={"Range": f"bytes={len(got)}-"}).data == CONTENT


def test_a_download_that_is_slow_at_first_is_not_aborted(reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "_MIN_BYTES_PER_S", 1e15)
    assert reader.get("/file").data == CONTENT
