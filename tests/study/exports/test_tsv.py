"""The text file for Anki's import, and how a spreadsheet reads it."""

import csv
import html
from collections.abc import Callable
from dataclasses import replace

import pytest
from anki.collection import Collection

from backend.library.types import SpanKind
from backend.study.exports.anki import to_apkg
from backend.study.exports.text import to_tsv
from backend.study.types import Flashcard, StudyKit
from backend.text.languages import LANGUAGES
from tests.study.exports.conftest import ImportFile
from tests.study.exports.kits import an_id, card, cloze, evidence, kit, mixed_kit, page_quote, question, topic


def cells_of(study_kit: StudyKit) -> list[list[str]]:
    lines = to_tsv(study_kit).split("\n")
    return [line.split("\t") for line in lines if line and not line.startswith("#")]


def notes_by_guid(collection: Collection) -> dict[str, list[str]]:
    notes = (collection.get_note(note_id) for note_id in collection.find_notes(""))
    return {note.guid: note.fields for note in notes}


def test_header_names_every_column() -> None:
    assert to_tsv(mixed_kit()).split("\n")[:7] == [
        "#separator:tab",
        "#html:true",
        "#guid column:1",
        "#notetype column:2",
        "#tags column:5",
        "#deck:Messtechnik",
        "#columns:Guid\tNotetype\tFront\tBack\tTags",
    ]
    assert all(len(cells) == 5 for cells in cells_of(mixed_kit()))


def test_anki_takes_all_note_types_from_one_file(collection: Collection, import_text: ImportFile) -> None:
    log = import_text(collection, to_tsv(mixed_kit()).encode())
    assert (len(log.new), len(log.missing_notetype)) == (4, 0)
    assert (collection.note_count(), collection.card_count()) == (4, 5)
    assert {collection.decks.name(one) for one in collection.db.list("select did from cards")} == {"Messtechnik"}
    fields = notes_by_guid(collection)
    assert fields[str(an_id(1))] == [
        "Was ist ein Mittelwert?",
        "Summe durch Anzahl<br>"
        "<small class=tex2jax_ignore>skript &amp; übung.pdf (3): Der Mittelwert einer Messreihe</small>",
    ]
    assert fields[str(an_id(3))][0] == "Der {{c1::Median}} teilt die Daten in {{c2::zwei Hälften}}."
    assert fields[str(an_id(4))] == [
        "Welche Zahl ist der Median von 2, 3, 8?<br><ol type=A><li>2</li><li>3</li><li>5</li><li>8</li></ol>",
        "<b>3</b><br>Die mittlere ist 3.",
    ]
    assert collection.tags.all() == ["deskriptive_statistik::lage_&_maße"]


def test_second_import_updates(collection: Collection, import_text: ImportFile) -> None:
    study_kit = mixed_kit()
    import_text(collection, to_tsv(study_kit).encode())
    first, *others = study_kit.flashcards
    changed = replace(study_kit, flashcards=(replace(first, content=Flashcard("Neu?", "Ja.")), *others))
    log = import_text(collection, to_tsv(changed).encode())
    assert (len(log.new), len(log.updated), len(log.duplicate)) == (0, 1, 3)
    assert notes_by_guid(collection)[str(an_id(1))][0] == "Neu?"


def test_equal_fronts_stay_two_notes(collection: Collection, import_text: ImportFile) -> None:
    import_text(collection, to_tsv(kit([card(1, "Was ist DNA?", "a"), card(2, "Was ist DNA?", "b")])).encode())
    assert {fields[1] for fields in notes_by_guid(collection).values()} == {"a", "b"}


@pytest.mark.parametrize("language", LANGUAGES)
def test_note_types_are_those_of_the_language_of_anki(
    open_collection: Callable[[str], Collection], import_text: ImportFile, language: str
) -> None:
    collection = open_collection(language)
    log = import_text(collection, to_tsv(mixed_kit(), anki_language=language).encode())
    assert (len(log.new), len(log.missing_notetype)) == (4, 0)
    assert collection.card_count() == 5


def test_importing_after_the_package_duplicates_nothing(
    collection: Collection, import_package: ImportFile, import_text: ImportFile
) -> None:
    import_package(collection, to_apkg(mixed_kit()).data)
    before = notes_by_guid(collection)
    log = import_text(collection, to_tsv(mixed_kit()).encode())
    assert (len(log.new), len(log.updated), len(log.conflicting)) == (0, 0, 4)
    assert notes_by_guid(collection) == before


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "＝", "＋", "－", "＠", "\t=", "\r=", " ="])
def test_no_cell_is_a_spreadsheet_formula_and_anki_shows_the_text(
    collection: Collection, import_text: ImportFile, start: str
) -> None:
    text = f'{start}HYPERLINK("http://example.test","x")'
    study_kit = kit(
        [replace(card(1, text, text), topic_id=an_id(90)), cloze(2, f"{text} {{{{c1::x}}}}")],
        [question(3, text, [text, "b"], key=0, explanation=text)],
        topics=[topic(90, text)],
        title=text,
    )
    for reader in (cells_of(study_kit), list(csv.reader(to_tsv(study_kit).splitlines(), delimiter="\t"))):
        assert {cell[0] for row in reader for cell in row if cell}.isdisjoint("=+-@＝＋－＠\t\r ")
    import_text(collection, to_tsv(study_kit).encode())
    front, back = notes_by_guid(collection)[str(an_id(1))]
    assert html.unescape(front) == html.unescape(back) == text.strip()


def test_tabs_line_breaks_quotes_and_markup_stay_in_their_cell(collection: Collection, import_text: ImportFile) -> None:
    text = 'a\tb\r\nc "quoted" <script>x</script> {{c1::y}} & #tag'
    study_kit = kit([card(1, text, '"', sources=[evidence('"quote\n\t\\(x\\)"')]), card(2, "# no comment", "b")])
    assert [len(cells) for cells in cells_of(study_kit)] == [5, 5]
    import_text(collection, to_tsv(study_kit).encode())
    fields = notes_by_guid(collection)
    assert len(fields) == 2
    escaped = "a&#9;b<br>c &quot;quoted&quot; &lt;script&gt;x&lt;/script&gt; {{c1::y}} &amp; #tag"
    assert fields[str(an_id(1))][0] == escaped
    assert fields[str(an_id(2))][0] == "# no comment"


def test_items_without_a_card_are_left_out() -> None:
    study_kit = kit([card(1, ""), cloze(2, "no deletion"), card(3, "f", "b")])
    assert [cells[0] for cells in cells_of(study_kit)] == [str(an_id(3))]


def test_empty_kit_is_only_a_header(collection: Collection, import_text: ImportFile) -> None:
    assert cells_of(kit(title=" ")) == []
    assert "#deck:HackTheStudy\n" in to_tsv(kit(title=" "))


def test_code_and_formulas_of_quotes_are_shown_in_stock_note_types(
    collection: Collection, import_text: ImportFile
) -> None:
    code = "```py\nif a:\n\tb\n```"
    source, notations = page_quote(f"=1 is $x$ 10^{{3}}\n\n{code}", (SpanKind.FORMULA, "$x$"), (SpanKind.CODE, code))
    study_kit = kit([card(1, "```\n  =1\n```", "b", sources=[source])], notations=notations)
    for reader in (cells_of(study_kit), list(csv.reader(to_tsv(study_kit).splitlines(), delimiter="\t"))):
        assert {cell[0] for row in reader for cell in row if cell}.isdisjoint("=+-@\t ")
    import_text(collection, to_tsv(study_kit).encode())
    pre = "<pre style=text-align:left;white-space:pre-wrap>"
    assert notes_by_guid(collection)[str(an_id(1))] == [
        f"{pre}  =1</pre>",
        "b<br><small class=tex2jax_ignore>skript &amp; übung.pdf (3): "
        rf"=1 is <span class=tex2jax_process>\(x\)</span> 10<sup>3</sup>{pre}if a:<br>&#9;b</pre></small>",
    ]
