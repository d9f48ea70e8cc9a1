"""The format of log lines: prefix, time, level, event and fields, short, on a single line and without secrets.

Imports only the standard library, because a container's first process also writes such lines and must stay small.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from urllib.parse import quote, unquote, urlsplit

# The platform truncates lines at 2,048 bytes.
MAX_LINE_BYTES = 2_000
# Every line starts with these fields, in this order.
HEAD = ("timestamp", "level", "event")

# C0, DEL, C1, line and paragraph separators, and lone surrogates, which cannot be encoded.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_NEEDS_QUOTES = re.compile(r'[\s"=]|^$')
_NOT_IN_A_KEY = re.compile(r'[\s"=]')
_MAX_TRACEBACK_CHARS = 1_200
_CUT = " …"
_MIN_CUT_CHARS = 16

_SECRET_VARIABLE = re.compile(r"(SECRET|SECRET_KEY|PASSWORD|TOKEN|API_KEY|ACCESS_KEY|ACCESS_KEY_ID|CLIENT_ID|DSN)$")
# The only variable that holds several secrets: a list of providers, each with its own.
_SECRETS_IN_JSON = "OIDC_PROVIDERS"
_CLIENT_SECRET = re.compile(r'"client_(?:secret|id)"\s*:\s*"([^"]+)"')
_MIN_SECRET_CHARS = 8
_HIDDEN = "[hidden]"
_SECRETS_IN_TEXT = (
    (re.compile(r"(?<=://)([^\s/@:]{0,100}):[^\s/@]{1,500}@"), rf"\1:{_HIDDEN}@"),
    (re.compile(r"\beyJ[\w-]{5,}\.[\w-]+\.[\w-]*"), _HIDDEN),
    (re.compile(r"(?i)\b(bearer|basic)\s{1,9}[\w.~+/=-]{8,}"), rf"\1 {_HIDDEN}"),
    (re.compile(r"[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}\b"), "[e-mail]"),
)


def find_secrets(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the values of an environment that must never be logged: secrets, and passwords in URLs."""
    found: set[str] = set()
    for name, value in environment.items():
        if _SECRET_VARIABLE.search(name):
            found.add(value)
        elif name == _SECRETS_IN_JSON:
            found.update(_CLIENT_SECRET.findall(value))
        elif "://" in value:
            try:
                found.add(urlsplit(value).password or "")
            except ValueError:
                found.add(value)
    # Also in their decoded and percent-encoded spellings.
    found |= {unquote(value) for value in found} | {quote(value, safe="") for value in found}
    # Longest first: replacing a shorter value inside a longer one would leave the rest readable.
    return tuple(sorted((value for value in found if len(value) >= _MIN_SECRET_CHARS), key=len, reverse=True))


def hide_secrets(text: str, secrets: Iterable[str] = ()) -> str:
    """Replace these secrets and anything that looks like a credential or an e-mail address.

    Also truncates the text to four times the length of a line.
    """
    for secret in secrets:
        if secret in text:
            text = text.replace(secret, _HIDDEN)
    # The patterns are slow on long texts, and a line cannot show more anyway.
    text = text[: 4 * MAX_LINE_BYTES]
    if "@" in text or "eyJ" in text or "earer" in text.lower() or "asic " in text.lower():
        for pattern, shown in _SECRETS_IN_TEXT:
            text = pattern.sub(shown, text)
    return text


def escape(text: str) -> str:
    """Escape control characters, so that user input cannot forge a log line."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def cut(line: str, limit: int = MAX_LINE_BYTES) -> str:
    """Truncate the line to `limit` bytes of UTF-8."""
    data = line.encode()
    if len(data) <= limit:
        return line
    return data[: max(0, limit - len(_CUT.encode()))].decode(errors="ignore") + _CUT


def render_text(fields: Mapping[str, object], limit: int = MAX_LINE_BYTES) -> str:
    """Return ``key=value`` fields on one line. Values with spaces, quotes or "=" are quoted."""
    ordered = [*(key for key in HEAD if key in fields), *(key for key in fields if key not in HEAD)]
    return cut(" ".join(f"{_key(key)}={_value(fields[key])}" for key in ordered), limit)


def _key(key: str) -> str:
    return _NOT_IN_A_KEY.sub("_", escape(key))


def _value(value: object) -> str:
    text = escape(value if isinstance(value, str) else str(value))
    return '"' + text.replace('"', "'") + '"' if _NEEDS_QUOTES.search(text) else text


def render_json(fields: Mapping[str, object], limit: int = MAX_LINE_BYTES) -> str:
    """Return one JSON object of at most `limit` bytes. The longest values are truncated to fit."""
    kept = {str(key): _plain(value) for key, value in fields.items()}
    while len(text := json.dumps(kept, sort_keys=True)) > limit:
        longest = max(kept, key=lambda key: len(json.dumps(kept[key])))
        shown = str(kept[longest])
        if len(shown) <= _MIN_CUT_CHARS:
            # There are too many fields: drop the last one.
            del kept[next(key for key in reversed(kept) if key not in HEAD)]
        else:
            kept[longest] = shown[: len(shown) // 2] + _CUT
    return text


def _plain(value: object) -> object:
    if isinstance(value, str):
        # DEL is the only unprintable character that json.dumps does not escape.
        return value.replace("\x7f", "\\x7f")
    return value


def _with_traceback(fields: Mapping[str, object], lines: Sequence[str], max_chars: int) -> Iterator[dict[str, object]]:
    """Yield the fields of an event, then those of the log lines that carry its traceback.

    A log line carries as many traceback lines as fit in `max_chars`, at least one.
    """
    yield dict(fields)
    repeated = {key: fields[key] for key in (*HEAD, "request_id") if key in fields}
    together: list[str] = []
    for line in lines:
        if together and sum(map(len, together)) + len(line) > max_chars:
            yield {**repeated, "traceback": "\n".join(together)}
            together = []
        together.append(line)
    if together:
        yield {**repeated, "traceback": "\n".join(together)}


def render(
    fields: Mapping[str, object], *, prefix: str, as_json: bool, secrets: Iterable[str] = (), trace: str = ""
) -> Iterator[str]:
    """Yield the log lines of an event: one for the event itself, then those of its traceback."""
    start = f"{prefix} " if prefix else ""
    limit = MAX_LINE_BYTES - len(start.encode())
    for one in _with_traceback(fields, trace.splitlines(), _MAX_TRACEBACK_CHARS if as_json else 0):
        shown = {
            key: value if isinstance(value, bool | int | float | None) else hide_secrets(str(value), secrets)
            for key, value in one.items()
        }
        yield start + (render_json(shown, limit) if as_json else render_text(shown, limit))
