"""Footnotes, endnotes and comments: after their paragraph, under the label that a reader sees."""

from tests.library.extraction.word_files import cell, paragraph, row, run, table

RAISED = '<w:vertAlign w:val="superscript"/>'


def reference(identifier: str, kind: str = "footnote", custom: str = "") -> str:
    """Return the mark of a note in the text."""
    follows = ' w:customMarkFollows="1"' if custom else ""
    mark = f"<w:t>{custom}</w:t>" if custom else ""
    return f'<w:r><w:rPr>{RAISED}</w:rPr><w:{kind}Reference{follows} w:id="{identifier}"/>{mark}</w:r>'


def note(identifier: str, *texts: str, kind: str = "footnote") -> str:
    """Return a note with its paragraphs."""
    first, *more = texts
    own = paragraph(f"<w:r><w:{kind}Ref/></w:r>", run(f" {first}")) + "".join(paragraph(text) for text in more)
    return f'<w:{kind} w:id="{identifier}">{own}</w:{kind}>'


SEPARATOR = f'<w:footnote w:type="separator" w:id="-1">{paragraph("<w:r><w:separator/></w:r>")}</w:footnote>'


def test_notes_follow_their_paragraph_in_the_order_of_their_marks(read_word):
    body = paragraph("proposed in 1953", reference("7"), ". It won", reference("3"), " in 1962.") + paragraph("Next.")
    notes = {"footnotes": SEPARATOR + note("3", "The prize.") + note("7", "Nature 171.", "With a figure.")}
    assert read_word(body, notes=notes) == (
        "proposed in 1953[^1]. It won[^2] in 1962.\n\n[^1]: Nature 171.\nWith a figure.\n\n[^2]: The prize.\n\nNext.",
        [],
    )


def test_endnotes_have_their_own_labels_and_settings_decide(read_word):
    body = paragraph("A", reference("1"), " B", reference("1", "endnote"), " C", reference("2", "endnote"))
    notes = {
        "footnotes": note("1", "foot"),
        "endnotes": note("1", "end", kind="endnote") + note("2", "last", kind="endnote"),
    }
    assert read_word(body, notes=notes)[0] == "A[^1] B[^i] C[^ii]\n\n[^1]: foot\n\n[^i]: end\n\n[^ii]: last"
    settings = {
        "settings": '<w:footnotePr><w:numFmt w:val="upperLetter"/><w:numStart w:val="3"/></w:footnotePr>'
        '<w:endnotePr><w:numFmt w:val="decimal"/></w:endnotePr>'
    }
    assert read_word(body, notes={**notes, **settings})[0].startswith("A[^C] B[^1] C[^2]")


def test_a_mark_of_the_authors_own_does_not_count(read_word):
    body = paragraph("A", reference("1", custom="*"), " B", reference("2"))
    notes = {"footnotes": note("1", "star") + note("2", "first")}
    assert read_word(body, notes=notes)[0] == "A[^*] B[^1]\n\n[^*]: star\n\n[^1]: first"


def test_notes_of_a_table_follow_the_table(read_word):
    body = table(row("Drug", "Dose"), row("Aspirin", cell(paragraph("500", reference("1"))))) + paragraph("End.")
    text, _ = read_word(body, notes={"footnotes": note("1", "mg, daily")})
    assert text.endswith("| Aspirin | 500[^1] |\n\n[^1]: mg, daily\n\nEnd.")


def test_a_note_that_is_not_in_the_file_is_a_loss(read_word):
    assert read_word(paragraph("A", reference("5"), " B")) == ("A[^1] B", ["objects_lost"])


def test_hidden_text_of_a_note_is_left_out(read_word):
    notes = {"footnotes": f'<w:footnote w:id="1">{paragraph("Seen", run(" SECRET", "<w:vanish/>"))}</w:footnote>'}
    assert read_word(paragraph("A", reference("1")), notes=notes) == ("A[^1]\n\n[^1]: Seen", ["hidden_text_removed"])


def test_comments_are_told_from_the_text(read_word):
    mark = '<w:commentRangeStart w:id="0"/><w:r><w:t>osmosis</w:t></w:r><w:commentRangeEnd w:id="0"/>'
    body = paragraph("This is ", mark, '<w:r><w:commentReference w:id="0"/></w:r>', ".")
    comments = f'<w:comment w:id="0" w:author="A">{paragraph("Will be asked!")}</w:comment>'
    assert read_word(body, notes={"comments": comments}) == (
        "This is osmosis.\n\n[comment: Will be asked!]",
        ["annotations_read"],
    )


def test_a_mark_can_be_a_symbol(read_word):
    symbol = '<w:sym w:font="Symbol" w:char="F02A"/>'
    body = paragraph("in 1953", reference("1", custom="*").replace("<w:t>*</w:t>", symbol), ".")
    assert read_word(body, notes={"footnotes": note("1", "Nature.")})[0] == "in 1953[^*].\n\n[^*]: Nature."
