"""Ways to break a deployment for a test: by a place in its spec, or in its files."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

Change = Callable[[dict[str, Any], Path], None]

# The keys that identify a list's element, in the order they are tried.
_NAMES = ("name", "key", "rule", "domain")


def put(place: str, value: Any) -> Change:
    """Set the value at a place such as ``services/api/envs/PORT/value``; an element is found by its name or key."""

    def change(spec: dict[str, Any], _root: Path) -> None:
        *above, last = place.split("/")
        _find(spec, above)[last] = value

    return change


def drop(place: str) -> Change:
    """Remove the value at a place, which may be a list's element."""

    def change(spec: dict[str, Any], _root: Path) -> None:
        *above, last = place.split("/")
        holder = _find(spec, above)
        if isinstance(holder, list):
            holder.remove(_find(spec, place.split("/")))
        else:
            del holder[last]

    return change


def append(place: str, value: Any) -> Change:
    """Append an element to the list at a place."""

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
    """Replace a text in a file of the checkout. The file must contain it."""

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
    """Replace a file of the checkout with a link."""

    def change(_spec: dict[str, Any], root: Path) -> None:
        (root / path).symlink_to(target)

    return change


def both(*changes: Change) -> Change:
    """Apply several changes in order."""

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
