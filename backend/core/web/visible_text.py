"""Field types for request bodies that remove invisible characters, before lengths are checked."""

from pydantic import BeforeValidator

from backend.text.invisible import remove_unseen


def _remove_unseen(value: object) -> object:
    return remove_unseen(value) if isinstance(value, str) else value


def _on_one_line(value: object) -> object:
    return " ".join(remove_unseen(value).split()) if isinstance(value, str) else value


Visible = BeforeValidator(_remove_unseen)
"""Text of several lines."""

VisibleLine = BeforeValidator(_on_one_line)
"""Text of one line: line breaks and runs of white space become single spaces."""
