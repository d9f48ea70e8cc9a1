"""Downloads: few at a time, in parts, and none that is drawn out for ever."""

import errno
import gc
from collections.abc import Iterator

import pytest
from apiflask import APIFlask
from flask import Response
from flask.testing import FlaskClient

from backend.core.errors import Unavailable
from backend.core.web import downloads
from backend.core.web.downloads import Download
from backend.core.web.http import configure_http
from backend.core.web.origins import configure_origins
from backend.core.web.seats import Seats
from backend.settings import Settings
from tests.core.test_problems import assert_problem

CONTENT = bytes(range(256)) * 1024
PIECE = 100_000


@pytest.fixture
def reader(settings: Settings) -> FlaskClient:
    """A client of an app with a file, another that cannot be opened, and something ordinary."""
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
        return Download("tag", len(CONTENT), "text/plain", "attachment").answer(read)

    @app.get("/away")
    def away() -> Response:
        return Download("tag", len(CONTENT), "text/plain", "attachment").answer(fail)

    @app.get("/ordinary")
    def ordinary() -> str:
        return "done"

    return app.test_client()


def test_slow_readers_take_no_more_than_their_seats(reader) -> None:
    slow = [reader.get("/file", buffered=False) for _ in range(Seats.count())]
    assert [answer.status_code for answer in slow] == [200] * len(slow)
    refused = reader.get("/file")
    assert_problem(refused, 503, "too_many_downloads")
    assert int(refused.headers["Retry-After"]) > 0
    assert reader.get("/ordinary").text == "done"
    slow[0].close()
    assert reader.get("/file").data == CONTENT
    for answer in slow:
        answer.close()


def test_a_seat_is_given_back_however_a_download_ends(reader) -> None:
    for _ in range(Seats.count() + 1):
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


def test_half_of_the_threads_are_left_to_the_ordinary(settings: Settings) -> None:
    assert 2 * Seats.count() <= settings.gunicorn_threads // 2


def test_a_part_is_of_the_right_bytes(reader) -> None:
    for start, end in ((0, 1), (PIECE - 1, PIECE + 1), (5, len(CONTENT))):
        answer = reader.get("/file", headers={"Range": f"bytes={start}-{end - 1}"})
        assert (answer.status_code, answer.data) == (206, CONTENT[start:end])


def test_who_takes_far_too_little_is_cut_and_may_go_on(reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "_PATIENCE_S", 0)
    # Nobody is as quick as that.
    monkeypatch.setattr(downloads, "_SLOWEST_BYTES_PER_S", 1e15)
    answer = reader.get("/file", buffered=False)
    pieces = iter(answer.response)
    got = next(pieces)
    # As when the reader has gone, which a server takes for nothing to report.
    with pytest.raises(ConnectionResetError) as cut:
        next(pieces)
    answer.close()
    assert cut.value.errno == errno.ECONNRESET
    assert CONTENT.startswith(got)
    assert 0 < len(got) < len(CONTENT)
    monkeypatch.undo()
    assert got + reader.get("/file", headers={"Range": f"bytes={len(got)}-"}).data == CONTENT


def test_who_is_slow_at_first_is_not_cut(reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(downloads, "_SLOWEST_BYTES_PER_S", 1e15)
    assert reader.get("/file").data == CONTENT
