"""The texts of an Anki note, without its source and tags."""

from dataclasses import dataclass
from enum import StrEnum


class NoteKind(StrEnum):
    BASIC = "basic"
    CLOZE = "cloze"
    MULTIPLE_CHOICE = "multiple_choice"


class SkipReason(StrEnum):
    """Why an item has no note: Anki would make no card of it, or one that cannot be answered."""

    EMPTY_FRONT = "empty_front"
    NO_CLOZE_DELETION = "no_cloze_deletion"
    KEY_WITHOUT_OPTION = "key_without_option"


@dataclass(frozen=True, slots=True)
class NoteTexts:
    """The texts of a note, all HTML. For a cloze note, ``front`` contains the deletions.

    ``options`` are in their stored order, and ``key_index`` is the index of the correct one.
    """

    kind: NoteKind
    front: str
    back: str
    options: tuple[str, ...] = ()
    key_index: int | None = None
