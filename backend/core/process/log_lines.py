"""What a line of the log looks like: prefix, time, level, event, fields; short, on one line, without secrets.

Needs the standard library alone, since the first process of a container writes such lines too and must stay small.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from urllib.parse import quote, unquote, urlsplit

# The platform cuts a line at 2,048 bytes.
LONGEST_LINE_BYTES = 2_000
# Which fields every line begins with, in this order.
HEAD = ("timestamp", "level", "event")

# C0, DEL, C1, the separators of lines and paragraphs, and half a surrogate pair, which no stream can write.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_NEEDS_QUOTES = re.compile(r'[\s"=]|^$')
_NOT_IN_A_KEY = re.compile(r'[\s"=]')
_TRACEBACK_PIECE = 1_200
_CUT = " …"
_SHORT_VALUE = 16

_SECRET_VARIABLE = re.compile(r"(SECRET|SECRET_KEY|PASSWORD|TOKEN|API_KEY|ACCESS_KEY|ACCESS_KEY_ID|CLIENT_ID|DSN)$")
# A list of providers, each with a secret; the one variable whose value holds several.
_SECRETS_IN_JSON = "OIDC_PROVIDERS"
_CLIENT_SECRET = re.compile(r'"client_(?:secret|id)"\s*:\s*"([^"]+)"')
_SHORTEST_SECRET = 8
_HIDDEN = "[hidden]"
_SECRETS_IN_TEXT = (
    (re.compile(r"(?<=://)([^\s/@:]{0,100}):[^\s/@]{1,500}@"), rf"\1:{_HIDDEN}@"),
    (re.compile(r"\beyJ[\w-]{5,}\.[\w-]+\.[\w-]*"), _HIDDEN),
    (re.compile(r"(?i)\b(bearer|basic)\s{1,9}[\w.~+/=-]{8,}"), rf"\1 {_HIDDEN}"),
    (re.compile(r"[A-Za-z0-9._%+-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24}\b"), "[e-mail]"),
)


def find_secrets(environment: Mapping[str, str]) -> tuple[str, ...]:
    """Return the values in an environment that must not be written: of secrets, and passwords in addresses."""
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
    # As they are, and as they stand in addresses.
    found |= {unquote(value) for value in found} | {quote(value, safe="") for value in found}
    # Longest first: what is left of a value must not give away the rest of it.
    return tuple(sorted((value for value in found if len(value) >= _SHORTEST_SECRET), key=len, reverse=True))


def hide_secrets(text: str, secrets: Iterable[str] = ()) -> str:
    """Return the text without these values, and without what looks like a credential or an e-mail address."""
    for secret in secrets:
        if secret in text:
            text = text.replace(secret, _HIDDEN)
    # No line is longer in the end, and patterns take their time on long texts.
    text = text[: 4 * LONGEST_LINE_BYTES]
    if "@" in text or "eyJ" in text or "earer" in text.lower() or "asic " in text.lower():
        for pattern, shown in _SECRETS_IN_TEXT:
            text = pattern.sub(shown, text)
    return text


def escape(text: str) -> str:
    """Return the text with control characters spelled out, so that nobody writes lines of ours."""
    return _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def cut(line: str, limit: int = LONGEST_LINE_BYTES) -> str:
    """Return the line, or as much of it as the limit in bytes allows."""
    data = line.encode()
    if len(data) <= limit:
        return line
    return data[: max(0, limit - len(_CUT.encode()))].decode(errors="ignore") + _CUT


def render_text(fields: Mapping[str, object], limit: int = LONGEST_LINE_BYTES) -> str:
    """Return ``key=value`` fields on one line; a value with spaces stands in quotation marks."""
    ordered = [*(key for key in HEAD if key in fields), *(key for key in fields if key not in HEAD)]
    return cut(" ".join(f"{_key(key)}={_value(fields[key])}" for key in ordered), limit)


def _key(key: str) -> str:
    return _NOT_IN_A_KEY.sub("_", escape(key))


def _value(value: object) -> str:
    text = escape(value if isinstance(value, str) else str(value))
    return '"' + text.replace('"', "'") + '"' if _NEEDS_QUOTES.search(text) else text


def render_json(fields: Mapping[str, object], limit: int = LONGEST_LINE_BYTES) -> str:
    """Return one JSON object; where it would be too long, its longest texts are cut until it is not."""
    kept = {str(key): _plain(value) for key, value in fields.items()}
    while len(text := json.dumps(kept, sort_keys=True)) > limit:
        longest = max(kept, key=lambda key: len(json.dumps(kept[key])))
        shown = str(kept[longest])
        if len(shown) <= _SHORT_VALUE:
            # Nothing long is left: there are too many fields.
            del kept[next(key for key in reversed(kept) if key not in HEAD)]
        else:
            kept[longest] = shown[: len(shown) // 2] + _CUT
    return text


def _plain(value: object) -> object:
    if isinstance(value, str):
        # The one character that is not printable and that JSON leaves as it is.
        return value.replace("\x7f", "\\x7f")
    return value


def with_traceback(fields: Mapping[str, object], lines: Sequence[str], piece: int) -> Iterator[dict[str, object]]:
    """Yield the fields of an event, and then those of further log lines that carry the lines of its traceback.

    As many go together as have ``piece`` characters; with 0, each has a log line of its own.
    """
    yield dict(fields)
    repeated = {key: fields[key] for key in (*HEAD, "request_id") if key in fields}
    together: list[str] = []
    for line in lines:
        if together and sum(map(len, together)) + len(line) > piece:
            yield {**repeated, "traceback": "\n".join(together)}
            together = []
        together.append(line)
    if together:
        yield {**repeated, "traceback": "\n".join(together)}


def render(
    fields: Mapping[str, object], *, prefix: str, as_json: bool, secrets: Iterable[str] = (), trace: str = ""
) -> Iterator[str]:
    """Yield the lines of an event: one, and those of its traceback."""
    start = f"{prefix} " if prefix else ""
    limit = LONGEST_LINE_BYTES - len(start.encode())
    for one in with_traceback(fields, trace.splitlines(), _TRACEBACK_PIECE if as_json else 0):
        shown = {
            key: value if isinstance(value, bool | int | float | None) else hide_secrets(str(value), secrets)
            for key, value in one.items()
        }
        yield start + (render_json(shown, limit) if as_json else render_text(shown, limit))
