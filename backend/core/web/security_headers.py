"""What every answer tells a browser, so that it makes no more of it than it is: data for a program."""

from collections.abc import Mapping

# Nothing here is a document of ours but the page of the documentation, which has a policy of its own: whoever opens
# another answer in a browser gets it without scripts, forms, frames and an origin. base-uri and form-action do not
# follow from default-src.
DATA_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
# Two years, as the preload lists of browsers ask for.
_TRANSPORT = "max-age=63072000; includeSubDomains"


def security_headers(*, production: bool) -> Mapping[str, str]:
    """Return the headers of every answer.

    Resources are for our own origin alone although the browser app is on another: it fetches with CORS, which this
    header does not touch. What it stops is the embedding of answers by pages that may not read them.
    """
    headers = {
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Content-Security-Policy": DATA_POLICY,
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "no-store",
    }
    if production:
        headers["Strict-Transport-Security"] = _TRANSPORT
    return headers
