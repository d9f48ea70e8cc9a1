"""Exports a study kit as an Anki package (.apkg).

Users keep their learning history when they import again, because note type ids are fixed, the deck id comes from the
study set's id, a note's guid is the item's id, and modification times are those of the items. Anki updates a note only
if its time is newer than the one in the collection: an item edited here arrives as "updated", and a note edited in Anki
stays as it is until its item is edited here again.
"""

import hashlib
import io
import itertools
import sqlite3
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import genanki

from backend.study.exports.anki_notes import AnkiNote, SkippedItem, deck_name, option_list, prepare_notes
from backend.study.markup.notes import NoteKind
from backend.study.types import StudyKit
from backend.text.cloze import deletion_numbers

# Chosen once at random. Anki recognises a note type by this id: another id would give every user a second note type,
# and changed fields under the same id would make Anki ask for a full sync. If you add, remove or rename a field, choose
# a new id.
NOTE_TYPE_IDS = {
    NoteKind.BASIC: 1_478_203_611,
    NoteKind.CLOZE: 1_478_203_612,
    NoteKind.MULTIPLE_CHOICE: 1_478_203_613,
}
# Seconds since 1970 (2026-11-29). Anki replaces a note type's templates and styling by newer ones. Raise this when they
# change. The time of the export would overwrite the user's own styling.
NOTE_TYPES_CHANGED_AT_S = 1_795_910_400

_SOURCE_FIELDS = ("File", "Page", "Quote", "ItemId")
FIELDS = {
    NoteKind.BASIC: ("Front", "Back", *_SOURCE_FIELDS),
    NoteKind.CLOZE: ("Text", "Extra", *_SOURCE_FIELDS),
    NoteKind.MULTIPLE_CHOICE: ("Question", "Options", "Answer", "Explanation", *_SOURCE_FIELDS),
}

_NAMES = {
    NoteKind.BASIC: "HackTheStudy Basic",
    NoteKind.CLOZE: "HackTheStudy Cloze",
    NoteKind.MULTIPLE_CHOICE: "HackTheStudy Multiple Choice",
}

# Text and background have no colour, so that Anki's light and dark themes apply; greys are translucent.
_CSS = """
.card { font: 20px/1.5 system-ui, "Segoe UI", Roboto, Helvetica, Arial, sans-serif; }
.sheet { max-width: 38em; margin: 0 auto; padding: .5em; text-align: center; overflow-wrap: anywhere; }
hr { border: 0; border-top: 1px solid rgba(128, 128, 128, .45); margin: 1.1em 0; }
.cloze { font-weight: 600; color: #1565c0; }
.sheet ol { text-align: left; display: inline-block; margin: .8em 0; }
.sheet li { padding: .15em .5em; border-radius: .35em; }
.solution .key { font-weight: 600; color: #1b6e2c; background: rgba(46, 160, 67, .16); }
.extra { margin-top: .8em; }
.source { margin-top: 1.6em; font-size: .7em; text-align: left; opacity: .8; }
.place { display: flex; justify-content: space-between; gap: 1em; white-space: nowrap; }
.file { overflow: hidden; text-overflow: ellipsis; }
.page { text-align: right; }
.quote { font-style: italic; border-left: 3px solid rgba(128, 128, 128, .45); padding-left: .7em; margin-top: .4em; }
.sheet pre { font: .8em/1.4 ui-monospace, Consolas, Menlo, monospace; text-align: left; white-space: pre-wrap; }
.sheet pre { margin: .6em 0; padding: .5em .7em; border-radius: .35em; background: rgba(128, 128, 128, .12); }
.sheet sup, .sheet sub { line-height: 0; }
.nightMode .cloze, .night_mode .cloze { color: #90caf9; }
.nightMode .solution .key, .night_mode .solution .key { color: #8fd79b; }
"""

# A quote is the page's own text: the class names stop MathJax 2 and 3 from finding formulas in it by their signs.
# Its fields name the formulas that the page's spans name.
_SOURCE = """
{{#Page}}<div class="source">
<div class="place"><div class="file">{{File}}</div><div class="page">{{Page}}</div></div>
<div class="quote tex2jax_ignore mathjax_ignore">{{Quote}}</div>
</div>{{/Page}}
"""

_TEMPLATES = {
    NoteKind.BASIC: (
        '<div class="sheet">{{Front}}</div>',
        '<div class="sheet">{{Front}}<hr id="answer">{{Back}}' + _SOURCE + "</div>",
    ),
    NoteKind.CLOZE: (
        '<div class="sheet">{{cloze:Text}}</div>',
        '<div class="sheet">{{cloze:Text}}{{#Extra}}<div class="extra">{{Extra}}</div>{{/Extra}}' + _SOURCE + "</div>",
    ),
    # The correct option has a class on both sides, but only the back has a style for it.
    NoteKind.MULTIPLE_CHOICE: (
        '<div class="sheet">{{Question}}<br>{{Options}}</div>',
        '<div class="sheet">{{Question}}<br><div class="solution">{{Options}}</div><hr id="answer">'
        '<b>{{Answer}}</b>{{#Explanation}}<div class="extra">{{Explanation}}</div>{{/Explanation}}'
        + _SOURCE
        + "</div>",
    ),
}

_DRAFT_NOTICE = (
    "Entwurf: ohne Sprachmodell aus dem Text erstellt, bitte prüfen. · "
    "Draft: made from the text without a language model, please check."
)


@dataclass(frozen=True, slots=True)
class AnkiPackage:
    """The bytes of an .apkg file, and the items that were left out of it."""

    data: bytes
    skipped: tuple[SkippedItem, ...]


def to_apkg(kit: StudyKit) -> AnkiPackage:
    """Return ``kit`` as an Anki package; the same kit gives the same bytes.

    Items of which Anki could not make a card are left out and listed in ``skipped``. An empty kit gives an empty deck.
    Modification times are whole seconds, as in Anki; that of the package is the newest ``updated_at``.
    """
    prepared = prepare_notes(kit)
    deck = genanki.Deck(
        to_deck_id(kit.study_set_id),
        deck_name(kit.title),
        description=_DRAFT_NOTICE if kit.is_draft else "",
    )
    note_types = {kind: _NoteTypeWithTime(_note_type(kind)) for kind in NoteKind}
    for position, note in enumerate(prepared.notes):
        deck.add_note(_NoteWithTime(_genanki_note(note, note_types[note.texts.kind], position), _seconds(note)))
    newest_s = max((_seconds(note) for note in prepared.notes), default=0)
    return AnkiPackage(data=_package_bytes(deck, newest_s), skipped=prepared.skipped)


def to_deck_id(study_set_id: UUID) -> int:
    """Return the deck's id, 2**30 ≤ id < 2**31, which is fixed for a study set."""
    digest = hashlib.sha256(study_set_id.bytes).digest()
    return (1 << 30) + int.from_bytes(digest[:4]) % (1 << 30)


@dataclass(frozen=True, slots=True)
class _NoteTypeWithTime:
    """A genanki model with its own modification time instead of the package's."""

    model: Any

    @property
    def model_id(self) -> int:
        return int(self.model.model_id)

    def to_json(self, _timestamp: float, deck_id: int) -> dict[str, Any]:
        document: dict[str, Any] = self.model.to_json(NOTE_TYPES_CHANGED_AT_S, deck_id)
        return document


@dataclass(frozen=True, slots=True)
class _NoteWithTime:
    """A genanki note with its item's modification time instead of the package's."""

    note: Any
    updated_at_s: int

    @property
    def model(self) -> _NoteTypeWithTime:
        return _NoteTypeWithTime(self.note.model)

    def write_to_db(self, cursor: sqlite3.Cursor, _timestamp: float, deck_id: int, row_ids: Iterator[int]) -> None:
        self.note.write_to_db(cursor, self.updated_at_s, deck_id, row_ids)


def _note_type(kind: NoteKind) -> Any:
    front, back = _TEMPLATES[kind]
    return genanki.Model(
        NOTE_TYPE_IDS[kind],
        _NAMES[kind],
        fields=[{"name": name} for name in FIELDS[kind]],
        templates=[{"name": "Card 1", "qfmt": front, "afmt": back}],
        css=_CSS,
        model_type=genanki.Model.CLOZE if kind is NoteKind.CLOZE else genanki.Model.FRONT_BACK,
    )


def _genanki_note(note: AnkiNote, note_type: _NoteTypeWithTime, position: int) -> Any:
    texts = note.texts
    fields = [texts.front, texts.back]
    if texts.key_index is not None:
        fields = [texts.front, option_list(texts, mark_key=True), texts.options[texts.key_index], texts.back]
    genanki_note = genanki.Note(
        model=note_type.model,
        fields=[
            *fields,
            "<br>".join(source.file for source in note.sources),
            "<br>".join(source.page for source in note.sources),
            "<br>".join(source.quote for source in note.sources),
            str(note.item_id),
        ],
        tags=list(note.tags),
        guid=str(note.item_id),
        due=position,  # New cards appear in the order of the kit.
    )
    if texts.kind is NoteKind.CLOZE:
        # genanki's own search for deletions misses nested ones.
        genanki_note.cards = [genanki.Card(number - 1) for number in sorted(deletion_numbers(texts.front))]
    return genanki_note


def _seconds(note: AnkiNote) -> int:
    return int(note.updated_at.timestamp())


def _package_bytes(deck: Any, newest_s: int) -> bytes:
    """Return the package, built in memory with a fixed file time, so that it depends only on the kit."""
    connection = sqlite3.connect(":memory:")
    try:
        genanki.Package(deck).write_to_db(connection.cursor(), newest_s, itertools.count(newest_s * 1000))
        connection.commit()
        collection = connection.serialize()
    finally:
        connection.close()
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr(_entry("collection.anki2"), collection)
        package.writestr(_entry("media"), b"{}")
    return archive.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name)  # Its default time is 1980-01-01, the earliest in a ZIP archive.
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry
