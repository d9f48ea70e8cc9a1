"""Scripts: clients that send an API key."""

from collections.abc import Callable

import pytest

KEYS = "/api/v1/users/me/api-keys"


@pytest.fixture
def script(app, client) -> Callable[..., object]:
    """Make a client that speaks for the student with a new key of these scopes; ``key_id`` is the key's id."""

    def make(*scopes: str):
        answer = client.post(KEYS, json={"name": "laptop", "scopes": list(scopes)})
        assert answer.status_code == 201, answer.text
        made = app.test_client()
        made.token, made.user_id, made.key_id = answer.json["key"], client.user_id, answer.json["id"]
        return made

    return make
