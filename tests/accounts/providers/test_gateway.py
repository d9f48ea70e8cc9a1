"""Signing in with each provider, and every way in which a provider's answer is not good enough."""

from tests.accounts.providers.browser import Browser


def test_openid_connect_tells_who_it_is(browser: Browser) -> None:
    assert browser.sign_in("university", "anna", next="/sets") == {
        "identity": {
            "provider": "university",
            "subject": "anna",
            "email": "anna@uni.example",
            "email_verified": True,
            "name": "Anna Muster",
            "picture_url": None,
            "language": "fr",
        },
        "next_path": "/sets",
        "is_fresh": False,
    }


def test_github_tells_who_it_is(browser: Browser) -> None:
    assert browser.sign_in("github", "octo")["identity"] == {
        "provider": "github",
        "subject": "583231",
        "email": "octo@octo.example",
        "email_verified": True,
        "name": "Octo Cat",
        "picture_url": "https://avatars.example/u/583231",
        "language": None,
    }
