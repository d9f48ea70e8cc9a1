"""The keys and types of Stripe's objects, and what differs between two API majors.

``stripe_shapes.json`` has the keys and types of the objects that Stripe documents for its ``dahlia`` API. A key that
ends in "?" may be null. "map" is an object with any keys, "object|string" an expandable id.
"""

import copy
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DAHLIA = "2026-03-25.dahlia"
ENDIVE = "2026-09-30.endive"

SHAPES: dict[str, Any] = json.loads(Path(__file__).with_name("stripe_shapes.json").read_text())
# Keys that endive added.
_ADDED: dict[str, Any] = {
    "refund": {
        "destination_details?": {
            "card?": {"reference?": "string", "reference_status?": "string", "reference_type?": "string"}
        },
    },
    "dispute": {
        "intended_submission_method?": "string",
        "evidence": {"appeal?": {"card?": {"reason_for_filing?": "string", "supporting_files?": "array"}}},
        "evidence_details": {"submission_method": "string"},
    },
}
# Keys that dahlia has too, but that are null before endive.
_FILLED_BY_ENDIVE = {"refund": ("customer", "payment_method")}
# Objects with one more key, which is named by their ``type``. Only its variant for cards is listed.
_VARIANTS = ("payment_method_details", "destination_details")
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "map": (dict,),
    "object": (dict,),
    "any": (object,),
}


def is_endive(version: str) -> bool:
    return version.endswith(".endive")


def shape_of(kind: str, version: str) -> dict[str, Any]:
    """Return the keys and types of an object, such as "refund", in an API version."""
    shape: dict[str, Any] = copy.deepcopy(SHAPES[kind])
    if is_endive(version):
        _merge(shape, _ADDED.get(kind, {}))
    return shape


def fill(path: str, **values: Any) -> dict[str, Any]:
    """Make an object, or a part such as "charge/outcome", with all keys of endive.

    Keys without a value are null or empty. Raises KeyError for an unknown key, or if a required value is missing.
    """
    kind, *parts = path.split("/")
    shape = shape_of(kind, ENDIVE)
    for part in parts:
        shape = _plain(shape)[part]
    return _fill(path, shape, values)


def _fill(path: str, shape: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    if unknown := values.keys() - _plain(shape).keys():
        raise KeyError(f"{path} has no {sorted(unknown)}")
    made: dict[str, Any] = {}
    for marked, kind in shape.items():
        key = marked.removesuffix("?")
        if key in values:
            made[key] = values[key]
        elif marked.endswith("?"):
            made[key] = None
        elif isinstance(kind, dict):
            made[key] = _fill(f"{path}/{key}", kind, {})
        elif kind in ("map", "array"):
            made[key] = {} if kind == "map" else []
        else:
            raise KeyError(f"{path} needs a value for {key}")
    return made


def render(value: Any, version: str) -> Any:
    """Return a copy of an object, and of the objects in it, as this API version shows it."""
    if isinstance(value, list):
        return [render(each, version) for each in value]
    if not isinstance(value, dict):
        return value
    shown = {key: render(each, version) for key, each in value.items()}
    kind = shown.get("object")
    if isinstance(kind, str) and not is_endive(version):
        _cut(shown, _ADDED.get(kind, {}), SHAPES.get(kind, {}))
        shown |= dict.fromkeys(_FILLED_BY_ENDIVE.get(kind, ()))
    return shown


def problems(kind: str, value: Any, version: str) -> list[str]:
    """List the keys that are missing, unknown or of another type."""
    return list(_problems(kind, value, shape_of(kind, version)))


def _problems(path: str, value: Any, shape: Any) -> Iterator[str]:
    if not isinstance(shape, dict):
        allowed = tuple(each for name in shape.split("|") for each in _TYPES[name])
        if not isinstance(value, allowed) or (isinstance(value, bool) and shape in ("integer", "number")):
            yield f"{path} is a {type(value).__name__}, not {shape}"
        return
    if not isinstance(value, dict):
        yield f"{path} is not an object"
        return
    if path.rsplit("/", 1)[-1] in _VARIANTS:
        variant = value.get("type")
        shape = {key: kind for key, kind in shape.items() if key in ("type", f"{variant}?")}
        shape.setdefault(f"{variant}?", "map")
    plain = _plain(shape)
    yield from (f"{path} lacks {key}" for key in plain.keys() - value.keys())
    yield from (f"{path} has an unknown {key}" for key in value.keys() - plain.keys())
    for key in plain.keys() & value.keys():
        if value[key] is None and f"{key}?" in shape:
            continue
        yield from _problems(f"{path}/{key}", value[key], plain[key])


def _plain(shape: dict[str, Any]) -> dict[str, Any]:
    return {key.removesuffix("?"): kind for key, kind in shape.items()}


def _merge(shape: dict[str, Any], added: dict[str, Any]) -> None:
    for key, kind in added.items():
        if isinstance(kind, dict) and isinstance(shape.get(key), dict):
            _merge(shape[key], kind)
        else:
            shape[key] = kind


def _cut(shown: dict[str, Any], added: dict[str, Any], before: dict[str, Any]) -> None:
    """Remove the added keys, but not a parent that had been there ``before``."""
    for marked, kind in added.items():
        key = marked.removesuffix("?")
        if key not in shown:
            continue
        if marked not in before:
            del shown[key]
        elif isinstance(shown[key], dict):
            _cut(shown[key], kind, before[marked])
