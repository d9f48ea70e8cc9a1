"""A run's progress as text."""

from typing import Any

import pytest

from config.local.progress import counted_work, counts, shown_progress, time_left


def _run(**changes: Any) -> dict[str, Any]:
    progress = {
        "pages_read": 3,
        "pages_total": 12,
        "sections_done": 0,
        "sections_total": 0,
        "items_kept": 0,
        "items_asked": None,
    }
    return {
        "state": "reading",
        "stage": "reading documents",
        "eta_s": None,
        **changes,
        "progress": progress | changes.get("progress", {}),
    }


MAKING = {"state": "making", "stage": "making items", "eta_s": 65}
SECTIONS = {"pages_read": 12, "sections_done": 2, "sections_total": 5, "items_kept": 9}


def test_while_reading_pages_are_counted() -> None:
    assert counted_work(_run()) == (3, 12)
    assert counts(_run()) == "3/12 pages"
    assert counts(_run(progress={"pages_total": None})) == "3/? pages"


def test_while_making_sections_and_items_are_counted() -> None:
    run = _run(**MAKING, progress=SECTIONS)
    assert counted_work(run) == (2, 5)
    assert counts(run) == "12/12 pages · 2/5 sections · 9 items"
    assert counts(_run(**MAKING, progress=SECTIONS | {"items_asked": 40})).endswith("9 of 40 items")


def test_the_time_left_is_shown_only_when_known() -> None:
    assert time_left(_run()) == ""
    assert time_left(_run(**MAKING)) == "about 1:05 left"


def test_without_a_terminal_each_stage_is_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    with shown_progress() as show:
        for run in (_run(), _run(progress={"pages_read": 4}), _run(**MAKING, progress=SECTIONS)):
            show(run)
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [
        "reading documents  3/12 pages",
        "making items  12/12 pages · 2/5 sections · 9 items  about 1:05 left",
    ]
