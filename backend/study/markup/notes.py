"""What a kind of item gives for a note of Anki, before its source and tags are added."""

from dataclasses import dataclass
from enum import StrEnum


class NoteKind(StrEnum):
    """The note types a kit needs."""

    BASIC = "basic"
    CLOZE = "cloze"
    MULTIPLE_CHOICE = "multiple_choice"


class SkipReason(StrEnum):
    """Why an item gives no note: Anki would make no card of it, or one that nobody can answer."""

    EMPTY_FRONT = "empty_front"
    NO_CLOZE_DELETION = "no_cloze_deletion"
    KEY_WITHOUT_OPTION = "key_without_option"


@dataclass(frozen=True, slots=True)
class NoteTexts:
    """The texts of a note, all HTML. ``front`` holds the deletions of a cloze.

    ``options`` are a question's in their stored order, and ``key_index`` is the place of the right one.
    """

    kind: NoteKind
    front: str
    back: str
    options: tuple[str, ...] = ()
    key_index: int | None = None
