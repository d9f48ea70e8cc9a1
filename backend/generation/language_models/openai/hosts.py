"""Which servers are OpenAI's own, or speak exactly as it does."""

from urllib.parse import urlsplit

OPENAI_URL = "https://api.openai.com/v1"

_SUFFIXES = (
    ".api.openai.com",  # with the data in a region, such as eu.api.openai.com
    ".openai.azure.com",
    ".services.ai.azure.com",
    ".cognitiveservices.azure.com",
)


def read_host(base_url: str) -> str | None:
    """Return the host of an address, as prices and rules name it: lower case, without a final dot."""
    host = urlsplit(base_url).hostname
    return host.rstrip(".") if host else None


def is_openai(host: str | None) -> bool:
    """Whether this is OpenAI or Azure, which take the same parameters and say which one they refuse."""
    return host is not None and f".{host}".endswith(_SUFFIXES)
