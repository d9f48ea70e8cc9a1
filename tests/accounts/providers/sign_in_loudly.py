"""Program for a test: signs in with each ``name:user`` argument, while the API logs to stderr.

A separate process, because the log level is fixed when a process first logs. Prints the values that the browser saw
and that no log may contain, one per line.
"""

import sys

from backend.app import create_app
from tests.accounts.providers.browser import Browser, changed, click, query_of


def main() -> None:
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
