"""Keyset pagination: stable while rows are added and deleted, and only with our own cursors."""

import base64

import pytest

LIST = "/api/v1/study-sets"


def titles(client, limit: int = 2, after_first=lambda: None) -> list[str]:
    """Fetch all pages. ``after_first`` is called between the first page and the second."""
    found, cursor, pages = [], None, 0
    while True:
        answer = client.get(LIST, query_string={"limit": limit, **({"cursor": cursor} if cursor else {})})
        assert answer.status_code == 200, answer.text
        assert len(answer.json["items"]) <= limit
        found += [item["title"] for item in answer.json["items"]]
        cursor, pages = answer.json["next_cursor"], pages + 1
        if pages == 1:
            after_first()
        if cursor is None:
            return found


def test_pages_add_up_to_the_complete_list(client) -> None:
    for number in range(5):
        client.make_study_set(str(number))
    for limit in (1, 2, 4, 5, 100):
        assert titles(client, limit) == ["4", "3", "2", "1", "0"]


def test_a_full_last_page_has_no_next(client) -> None:
    for number in range(4):
        client.make_study_set(str(number))
    assert titles(client, 2) == ["3", "2", "1", "0"]
    assert client.get(LIST, query_string={"limit": 4}).json["next_cursor"] is None


def test_an_empty_list(client) -> None:
    assert client.get(LIST).json == {"items": [], "next_cursor": None}


def test_rows_added_between_pages_neither_repeat_nor_hide_others(client) -> None:
    for number in range(5):
        client.make_study_set(str(number))
    assert titles(client, after_first=lambda: client.make_study_set("new")) == ["4", "3", "2", "1", "0"]


def test_rows_deleted_between_pages_do_not_hide_others(client) -> None:
    ids = [client.make_study_set(str(number)) for number in range(5)]
    # The row that the cursor points to is deleted.
    assert titles(client, after_first=lambda: client.delete(f"{LIST}/{ids[3]}")) == ["4", "3", "2", "1", "0"]


@pytest.mark.parametrize(
    "cursor",
    ["x", "!!!!", "é", base64.urlsafe_b64encode(b"too short").decode(), "A" * 23, "A" * 100, "00000000-0000"],
)
def test_a_foreign_cursor_is_refused(client, cursor: str) -> None:
    answer = client.get(LIST, query_string={"cursor": cursor})
    assert answer.status_code == 422
    assert answer.json["code"] == "invalid_cursor"


@pytest.mark.parametrize("limit", ["0", "-1", "101", "many", ""])
def test_a_wrong_limit_is_refused_by_name(client, limit: str) -> None:
    answer = client.get(LIST, query_string={"limit": limit})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json["errors"]] == ["limit"]


def test_an_unknown_parameter_is_refused_by_name(client) -> None:
    answer = client.get(LIST, query_string={"offset": "3"})
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json["errors"]] == ["offset"]


def test_a_cursor_of_one_user_reveals_nothing_to_another(client, other_client) -> None:
    for number in range(3):
        client.make_study_set(f"secret {number}")
    cursor = client.get(LIST, query_string={"limit": 1}).json["next_cursor"]
    assert other_client.get(LIST, query_string={"cursor": cursor}).json["items"] == []
