"""A study kit as text: a file for Anki's text import, and a study sheet in Markdown."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from string import ascii_uppercase

from backend.study.concept_map.tree import in_tree_order
from backend.study.exports.anki_fields import guard_cloze
from backend.study.exports.anki_notes import AnkiNote, NoteKind, option_list, prepare_notes
from backend.study.exports.plain_text import clean_text, one_line, split_formulas
from backend.study.types import Evidence, FlashcardKind, FlashcardView, QuestionView, StudyKit


@dataclass(frozen=True, slots=True)
class _StockNoteTypes:
    basic: str
    cloze: str


# A text file can only name note types that are there already, and Anki names those that every collection has
# in the language it was first started in.
_STOCK_NOTE_TYPES = {
    "en": _StockNoteTypes(basic="Basic", cloze="Cloze"),
    "de": _StockNoteTypes(basic="Einfach", cloze="Lückentext"),
    "fr": _StockNoteTypes(basic="Basique", cloze="Texte à trous"),
    "it": _StockNoteTypes(basic="Basilare", cloze="Cloze"),
}
_SPREADSHEET_FORMULA_STARTS = ("=", "+", "-", "@", "＝", "＋", "－", "＠")


def to_tsv(kit: StudyKit, anki_language: str = "en") -> str:
    """Return ``kit`` as tab-separated text with Anki's header lines (docs.ankiweb.net/importing/text-files.html).

    Columns: guid (the item's id), note type, front, back, tags; one line per note. Questions use the basic note
    type, with their options on the front; the source stands small at the end of the back. The note types are
    those that an Anki first started in ``anki_language`` (``en``, ``de``, ``fr``, ``it``) has. Items that give no
    note are left out; ``prepare_notes`` lists them.

    A cell that begins with ``=``, ``+``, ``-`` or ``@`` is run as a formula by spreadsheets (OWASP, "CSV
    Injection"). The usual remedy, an apostrophe in front, would become part of the card. The fields are HTML,
    so the first character is written as an entity instead: spreadsheets see ``&``, Anki shows the character.
    Notes already there from the Anki package keep their note type, which Anki reports as a conflict and leaves
    untouched; nothing is doubled.
    """
    names = _STOCK_NOTE_TYPES[anki_language]
    lines = [
        "#separator:tab",
        "#html:true",
        "#guid column:1",
        "#notetype column:2",
        "#tags column:5",
        f"#deck:{one_line(kit.title).replace('::', ':') or 'HackTheStudy'}",
        "#columns:Guid\tNotetype\tFront\tBack\tTags",
    ]
    for note in prepare_notes(kit).notes:
        note_type = names.cloze if note.kind is NoteKind.CLOZE else names.basic
        cells = (str(note.item_id), note_type, _tsv_front(note), _tsv_back(note), " ".join(note.tags))
        lines.append("\t".join(_tsv_cell(cell) for cell in cells))
    return "\n".join(lines) + "\n"


def to_markdown(kit: StudyKit) -> str:
    """Return ``kit`` as a study sheet in CommonMark: map, flashcards, questions, and their answers at the end.

    Texts are escaped, so that none of them can bring in HTML, links or structure. A formula is written as
    ``$`` + code + ``$``, which GitHub and GitLab set as mathematics and every other reader shows as code:
    the one form in which LaTeX is unchanged and still cannot become markup.
    """
    blocks = [f"# {_inline(kit.title) or 'HackTheStudy'}"]
    if kit.is_draft:
        blocks.append(
            "**Entwurf:** ohne Sprachmodell aus dem Text erstellt, bitte prüfen. · "
            "**Draft:** made from the text without a language model, please check."
        )
    blocks.extend(_map_blocks(kit))
    if kit.flashcards:
        blocks.append("## Karteikarten · Flashcards")
        for number, card in enumerate(kit.flashcards, start=1):
            blocks.extend(_flashcard_blocks(number, card, kit))
    if kit.questions:
        blocks.append("## Fragen · Questions")
        for number, question in enumerate(kit.questions, start=1):
            blocks.extend(_question_blocks(number, question))
        blocks.append("## Lösungen · Answers")
        for number, question in enumerate(kit.questions, start=1):
            blocks.extend(_answer_blocks(number, question, kit))
    return "\n\n".join(blocks) + "\n"


def _tsv_front(note: AnkiNote) -> str:
    return f"{note.front}<br>{option_list(note, mark_key=False)}" if note.options else note.front


def _tsv_back(note: AnkiNote) -> str:
    answer = "" if note.key_index is None else f"<b>{note.options[note.key_index]}</b>"
    # The class keeps MathJax from reading formulas into the quote, which is the page's own text.
    sources = (
        f"<small class=tex2jax_ignore>{source.file} ({source.page}): {source.quote}</small>" for source in note.sources
    )
    return "<br>".join(part for part in (answer, note.back, *sources) if part)


def _tsv_cell(cell: str) -> str:
    cell = cell.replace("\t", "&#9;")
    return f"&#{ord(cell[0])};{cell[1:]}" if cell.startswith(_SPREADSHEET_FORMULA_STARTS) else cell


# Punctuation that can start something in the middle of a line; ``&``, ``<`` and ``>`` as entities, which hold
# in readers that know no backslash escapes too.
_MARKDOWN_MARKS = str.maketrans(
    {mark: f"\\{mark}" for mark in "\\`*_[]{}~|$!"} | {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
)
_BLOCK_START = re.compile(r"^(\d*)([#+\-=.)])")
_INNERMOST_DELETION = re.compile(
    r"\{\{c\d+::(?P<text>(?:(?!\{\{c\d+::|::|\}\}).)*)(?:::(?P<hint>(?:(?!\{\{c\d+::).)*?))?\}\}", re.DOTALL
)


def _map_blocks(kit: StudyKit) -> Iterator[str]:
    if not kit.topics:
        return
    yield "## Begriffsnetz · Concept map"
    entries = []
    for place in in_tree_order(kit.topics):
        summary = _inline(place.topic.summary)
        entries.append(f"{'  ' * place.depth}- **{_inline(place.topic.name)}**{summary and ': '}{summary}")
    yield "\n".join(entries)
    names = {topic.id: _inline(topic.name) for topic in kit.topics}
    links = [link for link in kit.links if link.source_id in names and link.target_id in names]
    if links:
        yield "\n".join(
            f"- {names[link.source_id]} → *{_inline(link.label) or '·'}* → {names[link.target_id]}" for link in links
        )


def _flashcard_blocks(number: int, card: FlashcardView, kit: StudyKit) -> Iterator[str]:
    if card.kind is FlashcardKind.CLOZE:
        text = guard_cloze(card.front)
        yield f"**{number}.** {_lines(_replace_deletions(text, blank=True))}"
        yield _lines(_replace_deletions(text, blank=False))
    else:
        yield f"**{number}.** {_lines(card.front)}"
    if clean_text(card.back):
        yield _lines(card.back)
    yield from _source_block(card.evidence, kit)


def _question_blocks(number: int, question: QuestionView) -> Iterator[str]:
    yield f"**{number}.** {_lines(question.stem)}"
    if question.options:
        yield "\n".join(
            f"- **{_letter(index)}** {_inline(option.text)}" for index, option in enumerate(question.options)
        )


def _answer_blocks(number: int, question: QuestionView, kit: StudyKit) -> Iterator[str]:
    for index, option in enumerate(question.options):
        if option.id == question.key:
            yield f"**{number}.** **{_letter(index)}** {_inline(option.text)}"
    if clean_text(question.explanation):
        yield _lines(question.explanation)
    yield from _source_block(question.evidence, kit)


def _source_block(evidence: tuple[Evidence, ...], kit: StudyKit) -> Iterator[str]:
    if evidence:
        yield "\n>\n".join(
            f"> {_escape(one_line(kit.filenames.get(one.document_id, '?')))}, S./p. {one.page}: "
            f"„{_escape(one_line(one.quote))}“"
            for one in evidence
        )


def _replace_deletions(text: str, *, blank: bool) -> str:
    """Return the text of a cloze card with gaps (their hints, if any) or filled in, nested deletions included."""

    def fill(deletion: re.Match[str]) -> str:
        return f"[{deletion['hint'] or '…'}]" if blank else deletion["text"]

    replaced = 1
    while replaced:
        text, replaced = _INNERMOST_DELETION.subn(fill, text)
    return text


def _letter(index: int) -> str:
    return ascii_uppercase[index] if index < len(ascii_uppercase) else str(index + 1)


def _lines(text: str) -> str:
    """Return a text of several lines as one paragraph with hard line breaks."""
    lines = (_inline(line) for line in _formulas_on_one_line(clean_text(text)).split("\n"))
    return "\\\n".join(line for line in lines if line)


def _formulas_on_one_line(text: str) -> str:
    return "".join(one_line(piece) if is_formula else piece for piece, is_formula in split_formulas(text))


def _inline(text: str) -> str:
    """Return a text as one line of Markdown in which only its formulas have a meaning."""
    line = "".join(
        _formula(piece) if is_formula else _escape(piece) for piece, is_formula in split_formulas(one_line(text))
    )
    return _BLOCK_START.sub(r"\1\\\2", line)


def _escape(text: str) -> str:
    return text.translate(_MARKDOWN_MARKS)


def _formula(formula: str) -> str:
    latex = formula[2:-2].strip()
    # A backtick would end the code; a formula with one, which LaTeX hardly knows, is shown as ordinary text.
    return _escape(formula) if "`" in latex or not latex else f"$`{latex}`$"
