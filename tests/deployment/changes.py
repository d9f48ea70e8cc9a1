"""The ways to spoil a deployment for a test: in its spec, by the place, and in its files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

Change = Callable[[dict[str, Any], Path], None]

# What names an element of a list, in the order in which they are tried.
_NAMES = ("name", "key", "rule", "domain")


def put(place: str, value: Any) -> Change:
    """Set what stands at a place, such as ``services/api/envs/PORT/value``; an element is named by its name or key."""

    def change(spec: dict[str, Any], _root: Path) -> None:
        *above, last = place.split("/")
        _find(spec, above)[last] = value

    return change


def drop(place: str) -> Change:
    """Take away what stands at a place, an element of a list too."""

    def change(spec: dict[str, Any], _root: Path) -> None:
        *above, last = place.split("/")
        holder = _find(spec, above)
        if isinstance(holder, list):
            holder.remove(_find(spec, place.split("/")))
        else:
            del holder[last]

    return change


def append(place: str, value: Any) -> Change:
    """Put another element at the end of the list at a place."""

    def change(spec: dict[str, Any], _root: Path) -> None:
        _find(spec, place.split("/")).append(value)

    return change


def write(path: str, text: str) -> Change:
    """Write a file of the checkout."""

    def change(_spec: dict[str, Any], root: Path) -> None:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)

    return change


def edit(path: str, old: str, new: str) -> Change:
    """Replace a text in a file of the checkout, which must have it."""

    def change(_spec: dict[str, Any], root: Path) -> None:
        text = (root / path).read_text()
        assert old in text, f"{path} has no {old!r} to replace"
        (root / path).write_text(text.replace(old, new))

    return change


def remove(path: str) -> Change:
    """Delete a file of the checkout."""

    def change(_spec: dict[str, Any], root: Path) -> None:
        (root / path).unlink()

    return change


def link(path: str, target: str) -> Change:
    """Make a file of the checkout a link."""

    def change(_spec: dict[str, Any], root: Path) -> None:
        (root / path).symlink_to(target)

    return change


def both(*changes: Change) -> Change:
    """Make several changes, one after the other."""

    def change(spec: dict[str, Any], root: Path) -> None:
        for one in changes:
            one(spec, root)

    return change


def _find(spec: dict[str, Any], place: list[str]) -> Any:
    found: Any = spec
    for step in place:
        if isinstance(found, list) and step.isdigit():
            found = found[int(step)]
        elif isinstance(found, list):
            found = next(one for one in found if step in [one.get(name) for name in _NAMES])
        else:
            found = found[step]
    return found
