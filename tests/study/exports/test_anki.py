"""Anki packages, checked with SQLite and Anki's own library."""

import hashlib
import io
import sqlite3
import warnings
import zipfile
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest
from anki.collection import Collection
from anki.notes import Note

from backend.library.types import SpanKind
from backend.study.exports.anki import FIELDS, NOTE_TYPE_IDS, NOTE_TYPES_CHANGED_AT_S, to_apkg, to_deck_id
from backend.study.exports.anki_notes import SkippedItem
from backend.study.markup.notes import NoteKind, SkipReason
from backend.study.types import StudyKit
from tests.study.exports.conftest import ImportFile
from tests.study.exports.kits import (
    DOCUMENT_ID,
    MADE_AT,
    STUDY_SET_ID,
    an_id,
    card,
    cloze,
    evidence,
    kit,
    mixed_kit,
    page_quote,
    question,
    topic,
)


def note_of(collection: Collection, number: int) -> Note:
    (note_id,) = collection.db.list("select id from notes where guid = ?", str(an_id(number)))
    return collection.get_note(note_id)


def edited(study_kit: StudyKit, back: str, after: timedelta = timedelta(minutes=5)) -> StudyKit:
    first, *others = study_kit.flashcards
    changed = replace(first, content=replace(first.content, back=back), updated_at=first.updated_at + after)
    return replace(study_kit, flashcards=(changed, *others))


def answer_all_cards(collection: Collection) -> int:
    collection.decks.select(collection.decks.id("Messtechnik"))
    answered = 0
    while queued := collection.sched.getCard():
        collection.sched.answerCard(queued, 4)
        answered += 1
    return answered


def test_package_is_sqlite_with_our_ids_and_the_items_times() -> None:
    study_kit = edited(mixed_kit(), "neu")
    with zipfile.ZipFile(io.BytesIO(to_apkg(study_kit).data)) as archive:
        assert archive.testzip() is None
        database = sqlite3.connect(":memory:")
        database.deserialize(archive.read("collection.anki2"))
    rows = database.execute("select guid, mid, mod from notes order by id").fetchall()
    made_at = int(MADE_AT.timestamp())
    assert rows == [
        (str(an_id(1)), NOTE_TYPE_IDS[NoteKind.BASIC], made_at + 300),
        (str(an_id(2)), NOTE_TYPE_IDS[NoteKind.BASIC], made_at),
        (str(an_id(3)), NOTE_TYPE_IDS[NoteKind.CLOZE], made_at),
        (str(an_id(4)), NOTE_TYPE_IDS[NoteKind.MULTIPLE_CHOICE], made_at),
    ]
    assert database.execute("select due from cards order by id").fetchall() == [(0,), (1,), (2,), (2,), (3,)]
    assert database.execute("select distinct did from cards").fetchall() == [(to_deck_id(STUDY_SET_ID),)]
    assert database.execute("select count(*) from cards").fetchone() == (5,)


def test_ids_never_change() -> None:
    """With other ids, every user who has imported before would lose their learning history."""
    assert NOTE_TYPE_IDS == {
        NoteKind.BASIC: 1_478_203_611,
        NoteKind.CLOZE: 1_478_203_612,
        NoteKind.MULTIPLE_CHOICE: 1_478_203_613,
    }
    assert FIELDS == {
        NoteKind.BASIC: ("Front", "Back", "File", "Page", "Quote", "ItemId"),
        NoteKind.CLOZE: ("Text", "Extra", "File", "Page", "Quote", "ItemId"),
        NoteKind.MULTIPLE_CHOICE: (
            "Question", "Options", "Answer", "Explanation", "File", "Page", "Quote", "ItemId",
        ),
    }  # fmt: skip
    assert to_deck_id(STUDY_SET_ID) == 1_730_655_615
    assert all(2**30 <= to_deck_id(UUID(int=number)) < 2**31 for number in range(200))


def test_same_kit_gives_same_bytes() -> None:
    assert to_apkg(mixed_kit()).data == to_apkg(mixed_kit()).data


def test_anki_makes_every_note_and_card(collection: Collection, import_package: ImportFile) -> None:
    log = import_package(collection, to_apkg(mixed_kit()).data)
    assert (len(log.new), len(log.updated), len(log.conflicting)) == (4, 0, 0)
    assert collection.note_count() == 4
    assert collection.card_count() == 5
    assert {collection.decks.name(one) for one in collection.db.list("select did from cards")} == {"Messtechnik"}
    assert collection.get_empty_cards().notes == []
    names = {note_type.name for note_type in collection.models.all_names_and_ids()}
    assert {"HackTheStudy Basic", "HackTheStudy Cloze", "HackTheStudy Multiple Choice"} <= names


def test_source_and_item_id_are_fields(collection: Collection, import_package: ImportFile) -> None:
    import_package(collection, to_apkg(mixed_kit()).data)
    note = note_of(collection, 1)
    assert dict(note.items()) == {
        "Front": "Was ist ein Mittelwert?",
        "Back": "Summe durch Anzahl",
        "File": "skript &amp; übung.pdf",
        "Page": "3",
        "Quote": "Der Mittelwert einer Messreihe",
        "ItemId": str(an_id(1)),
    }
    assert note.tags == ["deskriptive_statistik::lage_&_maße"]


def test_several_pieces_of_evidence_are_lines_in_the_same_order(
    collection: Collection, import_package: ImportFile
) -> None:
    sources = [evidence("erstes\nZitat", 3), evidence("zweites", 12)]
    import_package(collection, to_apkg(kit([card(1, "f", "b", sources=sources)])).data)
    note = note_of(collection, 1)
    assert (note["Page"], note["Quote"]) == ("3<br>12", "erstes Zitat<br>zweites")
    assert note["File"].count("skript") == 2


def test_second_export_updates_and_keeps_the_review_log(collection: Collection, import_package: ImportFile) -> None:
    study_kit = mixed_kit()
    import_package(collection, to_apkg(study_kit).data)
    assert answer_all_cards(collection) == 5
    intervals = collection.db.list("select ivl from cards order by id")

    log = import_package(collection, to_apkg(edited(study_kit, "Summe geteilt durch Anzahl")).data)

    assert (len(log.new), len(log.updated)) == (0, 1)
    assert note_of(collection, 1)["Back"] == "Summe geteilt durch Anzahl"
    assert collection.card_count() == 5
    assert collection.db.scalar("select count(*) from revlog") == 5
    assert collection.db.list("select ivl from cards order by id") == intervals


def test_a_note_edited_in_anki_is_kept(collection: Collection, import_package: ImportFile) -> None:
    study_kit = mixed_kit()
    import_package(collection, to_apkg(study_kit).data)
    own = note_of(collection, 2)
    own["Back"] = "my own words"
    collection.update_note(own)
    note_type = collection.models.by_name("HackTheStudy Basic")
    assert note_type is not None
    note_type["css"] = ".card { color: teal }"
    collection.models.update_dict(note_type)

    import_package(collection, to_apkg(edited(study_kit, "neu")).data)

    assert note_of(collection, 1)["Back"] == "neu"
    assert note_of(collection, 2)["Back"] == "my own words"
    kept = collection.models.by_name("HackTheStudy Basic")
    assert kept is not None
    assert kept["css"] == ".card { color: teal }"


def test_new_items_join_the_deck(collection: Collection, import_package: ImportFile) -> None:
    study_kit = mixed_kit()
    import_package(collection, to_apkg(study_kit).data)
    more = replace(study_kit, flashcards=(*study_kit.flashcards, card(7, "Neu?", "Ja.")))
    log = import_package(collection, to_apkg(more).data)
    assert (len(log.new), len(log.updated)) == (1, 0)
    assert collection.card_count() == 6


def test_new_cards_come_in_the_order_of_the_kit(collection: Collection, import_package: ImportFile) -> None:
    import_package(collection, to_apkg(kit([card(9, "first", "1"), card(2, "second", "2")])).data)
    order = collection.db.list("select n.flds from cards c join notes n on n.id = c.nid order by c.due")
    assert [fields.split("\x1f")[0] for fields in order] == ["first", "second"]


def test_items_without_a_card_are_skipped_and_listed(collection: Collection, import_package: ImportFile) -> None:
    study_kit = kit(
        [
            card(1, " \n ", "no front"),
            cloze(2, "a cloze without a deletion"),
            cloze(3, "empty {{c1::}} deletion"),
            cloze(4, "starts with {{c2::two}}"),
            card(5, "good", "card"),
            cloze(8, "never closed {{c1::{{c1::}}"),
        ],
        [question(6, "   "), question(7, "key is gone", key=9)],
    )
    package = to_apkg(study_kit)
    assert package.skipped == (
        SkippedItem(an_id(1), SkipReason.EMPTY_FRONT),
        SkippedItem(an_id(2), SkipReason.NO_CLOZE_DELETION),
        SkippedItem(an_id(3), SkipReason.NO_CLOZE_DELETION),
        SkippedItem(an_id(4), SkipReason.NO_CLOZE_DELETION),
        SkippedItem(an_id(8), SkipReason.NO_CLOZE_DELETION),
        SkippedItem(an_id(6), SkipReason.EMPTY_FRONT),
        SkippedItem(an_id(7), SkipReason.KEY_WITHOUT_OPTION),
    )
    import_package(collection, package.data)
    assert (collection.note_count(), collection.card_count()) == (1, 1)


def test_empty_kit_is_an_empty_package(collection: Collection, import_package: ImportFile) -> None:
    package = to_apkg(kit())
    assert package.skipped == ()
    assert len(import_package(collection, package.data).new) == 0


def test_question_shows_options_and_highlights_the_correct_one(
    collection: Collection, import_package: ImportFile
) -> None:
    import_package(collection, to_apkg(mixed_kit()).data)
    note = note_of(collection, 4)
    assert note["Answer"] == "3"
    assert note["Explanation"] == "Die mittlere ist 3."
    rendered = note.cards()[0].render_output()
    assert '<li>2</li><li class="key">3</li><li>5</li><li>8</li>' in rendered.question_text
    assert 'class="solution"' not in rendered.question_text
    assert '<div class="solution"><ol type=A><li>2</li><li class="key">3</li>' in rendered.answer_text
    assert ".solution .key {" in rendered.css


def test_hostile_text_is_only_text(collection: Collection, import_package: ImportFile) -> None:
    hostile = "<script>alert(1)</script> {{Back}} & a\x1fb\x00 [sound:x.mp3] [latex]\\input{/etc/passwd}[/latex]"
    study_kit = kit(
        [card(1, hostile, hostile, sources=[evidence(hostile)]), cloze(2, hostile + " {{c1::<img src=x>}}", hostile)],
        [question(3, hostile, [hostile, "b", "c", "d"], explanation=hostile)],
        topics=[topic(90, hostile)],
        title=hostile,
    )
    study_kit = replace(study_kit, filenames={DOCUMENT_ID: hostile})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        package = to_apkg(study_kit)
    import_package(collection, package.data)
    assert collection.note_count() == 3
    for number in (1, 2, 3):
        note = note_of(collection, number)
        assert len(note.fields) == len(FIELDS[list(NoteKind)[number - 1]])
        rendered = note.cards()[0].render_output()
        for side in (rendered.question_text, rendered.answer_text):
            assert "<script" not in side
            assert "<img" not in side
            assert "&lt;script&gt;alert(1)&lt;/script&gt; {{Back}} &amp; ab" in side
        assert not [*rendered.question_av_tags, *rendered.answer_av_tags]


def test_title_never_creates_a_nested_deck(collection: Collection, import_package: ImportFile) -> None:
    import_package(collection, to_apkg(kit([card(1, "f", "b")], title="Analysis::Reihen\tund Folgen")).data)
    assert "Analysis:Reihen und Folgen" in {deck.name for deck in collection.decks.all_names_and_ids()}


def test_cloze_with_braces_inside_a_formula(collection: Collection, import_package: ImportFile) -> None:
    study_kit = kit(
        [
            cloze(1, r"Der Quotient ist {{c1::\(\frac{a}{b_{n}}\)}} für {{c2::\(x::y\)::Hinweis}}."),
            cloze(2, r"Es gilt \[ y = {{c1::\frac{a}{b}}} + \frac{{{c2::c}}}{d} \] immer."),
        ]
    )
    package = to_apkg(study_kit)
    assert package.skipped == ()
    import_package(collection, package.data)
    assert collection.card_count() == 4
    first, second = (card.render_output() for card in note_of(collection, 1).cards())
    assert r'<span class="cloze" data-ordinal="1">\(\frac{a}{b_{n} }\)</span> für' in first.answer_text
    assert "[Hinweis]" in second.question_text
    assert r"\(x: :y\)" in second.answer_text
    first, second = (card.render_output() for card in note_of(collection, 2).cards())
    assert r"\frac{a}{b}" in first.answer_text
    assert r"\[ y = [...] + \frac{c}{d} \]" in first.question_text
    assert r"\frac{a}{b}" in second.question_text


def test_nested_deletions_have_a_card_each(collection: Collection, import_package: ImportFile) -> None:
    import_package(collection, to_apkg(kit([cloze(1, "{{c1::außen {{c2::innen}}}} und {{c1::mehr}}")])).data)
    assert [one.ord for one in note_of(collection, 1).cards()] == [0, 1]
    assert list(collection.get_empty_cards().notes) == []


@pytest.mark.parametrize("is_draft", [True, False])
def test_the_deck_is_marked_as_a_draft(collection: Collection, import_package: ImportFile, is_draft: bool) -> None:
    import_package(collection, to_apkg(replace(mixed_kit(), is_draft=is_draft)).data)
    deck = collection.decks.by_name("Messtechnik")
    assert deck is not None
    assert ("Draft" in deck["desc"]) is is_draft


def quote_in_anki(
    collection: Collection,
    import_package: ImportFile,
    text: str,
    *spans: tuple[SpanKind, str],
    quote: str | None = None,
) -> str:
    source, notations = page_quote(text, *spans, quote=quote)
    import_package(collection, to_apkg(kit([card(1, "f", "b", sources=[source])], notations=notations)).data)
    answer = note_of(collection, 1).cards()[0].render_output().answer_text
    return answer.split('<div class="quote tex2jax_ignore mathjax_ignore">')[1].split("</div>")[0]


def formula(latex: str) -> str:
    return f"<span class=tex2jax_process>{latex}</span>"


def test_a_quote_shows_only_formulas_that_its_page_names(collection: Collection, import_package: ImportFile) -> None:
    text = "$5 and $6: $a < b$ and $$\nE = mc^{2}\n$$ hold[^1] for 10^{3} <g> \\(x\\).\n\n[^1]: So it is."
    spans = [(SpanKind.FORMULA, part) for part in ("$a < b$", "$$\nE = mc^{2}\n$$")]
    assert quote_in_anki(collection, import_package, text, *spans) == (
        "$5 and $6: " + formula(r"\(a &lt; b\)") + " and " + formula(r"\[E = mc^{2}\]") + r" hold<sup>1</sup> for "
        r"10<sup>3</sup> &lt;g&gt; \(x\).<br><sup>1</sup> So it is."
    )


@pytest.mark.parametrize(
    ("quote", "shown"),
    [
        ("a < b$ holds", formula(r"\(a &lt; b\)") + " holds"),
        ("Here $a < b", "Here " + formula(r"\(a &lt; b\)")),
        ("< b$ holds", "&lt; b$ holds"),
        ("Here $a <", "Here $a &lt;"),
    ],
)
def test_only_a_whole_formula_is_shown_as_one(
    collection: Collection, import_package: ImportFile, quote: str, shown: str
) -> None:
    text = "Here $a < b$ holds"
    assert quote_in_anki(collection, import_package, text, (SpanKind.FORMULA, "$a < b$"), quote=quote) == shown


def test_a_quote_shows_code_and_tables_in_lines(collection: Collection, import_package: ImportFile) -> None:
    code, table = "```py\nif a:\n    b < c\n```", "| Metal | g |\n| --- | --- |\n| Iron | |"
    text = f"## So:\n\n{code}\n\nThen\nthis\n- one\n- two\n\n{table}"
    spans = [(SpanKind.HEADING, "## So:"), (SpanKind.CODE, code), (SpanKind.TABLE, table)]
    assert quote_in_anki(collection, import_package, text, *spans) == (
        "So:<pre>if a:<br>    b &lt; c</pre>Then this<br>- one<br>- two<br>Metal | g<br>Iron"
    )


def test_text_of_an_earlier_version_is_shown_as_it_is(collection: Collection, import_package: ImportFile) -> None:
    source = evidence("# x^{2} $y$\n[^1]")
    import_package(collection, to_apkg(kit([card(1, "f", "b", sources=[source])])).data)
    assert note_of(collection, 1)["Quote"] == "# x^{2} $y$ [^1]"


def test_items_show_formulas_code_and_raised_text(collection: Collection, import_package: ImportFile) -> None:
    study_kit = kit(
        [card(1, "Was gibt\n```c\n  x < 1;\n```\naus?", "10^{23}, \\(a < b\\)"), cloze(2, "{{c1::CO_{2}}} ist ein Gas")]
    )
    import_package(collection, to_apkg(study_kit).data)
    answer = note_of(collection, 1).cards()[0].render_output().answer_text
    assert "Was gibt<pre>  x &lt; 1;</pre>aus?" in answer
    assert "10<sup>23</sup>, \\(a &lt; b\\)" in answer
    rendered = note_of(collection, 2).cards()[0].render_output()
    assert "[...]</span> ist ein Gas" in rendered.question_text
    assert '<span class="cloze" data-ordinal="1">CO<sub>2</sub> </span>' in rendered.answer_text
    css = collection.models.by_name("HackTheStudy Basic")["css"]
    assert "text-align: left; white-space: pre-wrap" in css


def test_anki_takes_the_new_look_of_our_note_types(collection: Collection, import_package: ImportFile) -> None:
    """Anki replaces templates and styling only by newer ones, so their time is raised with each change."""
    note_types = to_apkg(mixed_kit()).data
    import_package(collection, note_types)
    before = collection.models.by_name("HackTheStudy Basic")
    assert before is not None
    assert before["mod"] == NOTE_TYPES_CHANGED_AT_S
    look = hashlib.sha256(repr([before["css"], before["tmpls"][0]["qfmt"], before["tmpls"][0]["afmt"]]).encode())
    assert (NOTE_TYPES_CHANGED_AT_S, look.hexdigest()[:12]) == (1_795_910_400, "c85e27e206ca")
