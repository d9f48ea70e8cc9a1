"""Exports a study kit as text: a file for Anki's text import, or a study sheet in Markdown."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from backend.study.concept_map.tree import in_tree_order
from backend.study.exports.anki_notes import AnkiNote, NoteSource, deck_name, option_list, prepare_notes
from backend.study.items.registry import KINDS
from backend.study.markup.markdown import beside, escape, to_line, to_quote
from backend.study.markup.notes import NoteKind
from backend.study.markup.plain_text import one_line
from backend.study.types import Evidence, Item, StudyKit
from backend.text.spreadsheets import FORMULA_STARTS


@dataclass(frozen=True, slots=True)
class _StockNoteTypes:
    basic: str
    cloze: str


# A text file can only use existing note types. Anki names the stock ones in the language in which it was first started.
_STOCK_NOTE_TYPES = {
    "en": _StockNoteTypes(basic="Basic", cloze="Cloze"),
    "de": _StockNoteTypes(basic="Einfach", cloze="Lückentext"),
    "fr": _StockNoteTypes(basic="Basique", cloze="Texte à trous"),
    "it": _StockNoteTypes(basic="Basilare", cloze="Cloze"),
}

# The stock note types centre their cards. Quotation marks would mean something in the file.
_TSV_PRE = "<pre style=text-align:left;white-space:pre-wrap>"


def to_tsv(kit: StudyKit, anki_language: str = "en") -> str:
    """Return ``kit`` as tab-separated text with Anki's header lines (docs.ankiweb.net/importing/text-files.html).

    One line per note, with columns guid (the item's id), note type, front, back and tags. Questions use the basic note
    type with their options on the front. The source is in small print at the end of the back. The note types are those
    of an Anki first started in ``anki_language`` (``en``, ``de``, ``fr``, ``it``). Items without a note are left out;
    ``prepare_notes`` lists them.

    Spreadsheets run a cell that begins with ``=``, ``+``, ``-`` or ``@`` as a formula (OWASP, "CSV Injection"). The
    usual remedy, a leading apostrophe, would become part of the card. The fields are HTML, so the first character is
    written as an entity instead: spreadsheets see ``&``, and Anki shows the character.

    Notes imported earlier from the Anki package keep their note type: Anki reports a conflict and leaves them
    untouched, so there are no duplicates.
    """
    names = _STOCK_NOTE_TYPES[anki_language]
    lines = [
        "#separator:tab",
        "#html:true",
        "#guid column:1",
        "#notetype column:2",
        "#tags column:5",
        f"#deck:{deck_name(kit.title)}",
        "#columns:Guid\tNotetype\tFront\tBack\tTags",
    ]
    for note in prepare_notes(kit).notes:
        note_type = names.cloze if note.texts.kind is NoteKind.CLOZE else names.basic
        cells = (str(note.item_id), note_type, _tsv_front(note), _tsv_back(note), " ".join(note.tags))
        lines.append("\t".join(_tsv_cell(cell) for cell in cells))
    return "\n".join(lines) + "\n"


def to_markdown(kit: StudyKit) -> str:
    """Return ``kit`` as a study sheet in CommonMark: map, flashcards, questions, and their answers at the end.

    See ``markup.markdown`` for how texts and formulas are written.
    """
    blocks = [f"# {to_line(kit.title) or 'HackTheStudy'}"]
    if kit.is_draft:
        blocks.append(
            "**Entwurf:** ohne Sprachmodell aus dem Text erstellt, bitte prüfen. · "
            "**Draft:** made from the text without a language model, please check."
        )
    blocks.extend(_map_blocks(kit))
    if kit.flashcards:
        blocks.append("## Karteikarten · Flashcards")
        blocks.extend(_numbered(kit.flashcards, lambda card: (*_ask(card), *_answer(card), *_source(card, kit))))
    if kit.questions:
        blocks.append("## Fragen · Questions")
        blocks.extend(_numbered(kit.questions, _ask))
        blocks.append("## Lösungen · Answers")
        blocks.extend(_numbered(kit.questions, lambda question: (*_answer(question), *_source(question, kit))))
    return "\n\n".join(blocks) + "\n"


def _tsv_front(note: AnkiNote) -> str:
    texts = note.texts
    return f"{texts.front}<br>{option_list(texts, mark_key=False)}" if texts.options else texts.front


def _tsv_back(note: AnkiNote) -> str:
    texts = note.texts
    answer = "" if texts.key_index is None else f"<b>{texts.options[texts.key_index]}</b>"
    return "<br>".join(part for part in (answer, texts.back, *map(_tsv_source, note.sources)) if part)


def _tsv_source(source: NoteSource) -> str:
    quote = source.quote and f": {source.quote}"
    # The quote is the page's own text: the class stops MathJax from finding formulas in it by their signs.
    return f"<small class=tex2jax_ignore>{source.file} ({source.page}){quote}</small>"


def _tsv_cell(cell: str) -> str:
    cell = cell.replace("\t", "&#9;").replace("<pre>", _TSV_PRE)
    return f"&#{ord(cell[0])};{cell[1:]}" if cell.startswith(FORMULA_STARTS) else cell


def _map_blocks(kit: StudyKit) -> Iterator[str]:
    if not kit.topics:
        return
    yield "## Begriffsnetz · Concept map"
    entries = []
    for place in in_tree_order(kit.topics):
        summary = to_line(place.topic.summary)
        entries.append(f"{'  ' * place.depth}- **{to_line(place.topic.name)}**{summary and ': '}{summary}")
    yield "\n".join(entries)
    names = {topic.id: to_line(topic.name) for topic in kit.topics}
    links = [link for link in kit.links if link.source_id in names and link.target_id in names]
    if links:
        yield "\n".join(
            f"- {names[link.source_id]} → *{to_line(link.label) or '·'}* → {names[link.target_id]}" for link in links
        )


def _numbered(items: Sequence[Item[Any]], write: Callable[[Item[Any]], Iterable[str]]) -> Iterator[str]:
    """Yield the paragraphs of items; the first of each item follows its number."""
    for number, item in enumerate(items, start=1):
        first, *others = write(item)
        yield beside(f"**{number}.**", first)
        yield from filter(None, others)


def _ask(item: Item[Any]) -> Iterator[str]:
    return KINDS[item.kind].ask_in_markdown(item.content)


def _answer(item: Item[Any]) -> Iterator[str]:
    return KINDS[item.kind].answer_in_markdown(item.content)


def _source(item: Item[Any], kit: StudyKit) -> Iterator[str]:
    yield "\n>\n".join(_cite(one, kit) for one in item.evidence)


def _cite(evidence: Evidence, kit: StudyKit) -> str:
    place = f"> {escape(one_line(kit.filenames.get(evidence.document_id, '?')))}, S./p. {evidence.page}"
    quote = to_quote(evidence, kit.notations.get((evidence.document_id, evidence.page)))
    if not quote:
        return place
    if "\n" not in quote:
        return f"{place}: „{quote}“"
    return "\n".join((f"{place}:", ">", *(f"> {line}".rstrip() for line in quote.split("\n"))))
