"""A program for a test: signs in with each provider given as ``name:user``, with all that the API logs on stderr.

What is said at DEBUG is decided when a process first logs, so this needs a process of its own. It writes the values
that the browser has seen and that no log may hold, a line each.
"""

import sys

from backend.app import create_app
from tests.accounts.providers.browser import Browser, changed, click, query_of


def main() -> None:
    """Sign in with each."""
    browser = Browser(create_app())
    for argument in sys.argv[1:]:
        provider, user = argument.split(":")
        page = browser.begin(provider)
        callback = click(page, user)
        browser.come_back(callback)
        asked, brought = query_of(page), query_of(callback)
        for name in ("state", "code_challenge", "nonce"):
            if name in asked:
                sys.stdout.write(asked[name] + "\n")
        sys.stdout.write(brought["code"] + "\n")
    first, user = sys.argv[1].split(":")
    browser.come_back(changed(click(browser.begin(first), user), code=None, error="what anybody=may write"))


if __name__ == "__main__":
    main()
