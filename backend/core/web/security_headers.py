"""Security headers of every response: browsers must treat responses as data, not as documents."""

from collections.abc import Mapping

# Only the documentation page is a document, and it has its own policy. Any other response opened in a browser gets no
# scripts, forms, frames or origin. default-src does not cover base-uri and form-action.
DATA_POLICY = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox"
# Two years, as required by the browsers' preload lists.
_TRANSPORT = "max-age=63072000; includeSubDomains"


def security_headers(*, production: bool) -> Mapping[str, str]:
    """Return the headers of every response.

    Cross-Origin-Resource-Policy is same-origin although the browser app is on another origin: it uses CORS, which this
    header does not affect. The header stops pages from embedding responses that they may not read.
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
