"""Word and PowerPoint: all visible text in order, and no hidden text."""

import pytest
from docx import Document
from pptx import Presentation
from pptx.util import Inches

from backend.library.extraction.errors import UnreadableFile

SENTENCE = "Mitochondria make most of the energy that a cell uses. "


def _warnings(report):
    return [(warning.code, warning.count) for warning in report.warnings]


def test_word_is_read_in_document_order_with_tables(tmp_path, read):
    document = Document()
    document.add_paragraph("Before the table.")
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip(table._cells, ["Organelle", "Task", "Ribosome", "Makes proteins"], strict=True):
        cell.text = text
    document.add_paragraph("After the table.")
    document.save(str(tmp_path / "x.docx"))
    pages, report = read(tmp_path / "x.docx")
    assert pages[0].text == "Before the table.\n\nOrganelle | Task\nRibosome | Makes proteins\n\nAfter the table."
    assert report.warnings == ()


def test_word_headings_begin_pages(tmp_path, read):
    document = Document()
    for title in ("Cells", "Energy"):
        document.add_heading(title, 1)
        document.add_paragraph(SENTENCE * 20)
        document.add_heading("A detail", 3)
        document.add_paragraph(SENTENCE * 2)
    document.save(str(tmp_path / "x.docx"))
    pages, _ = read(tmp_path / "x.docx")
    assert [page.heading for page in pages] == ["Cells", "Energy"]
    assert pages[1].text.startswith("Energy\n\nMitochondria")
    assert "A detail" in pages[1].text


def test_a_long_word_section_is_split_between_paragraphs(tmp_path, read):
    document = Document()
    document.add_heading("Cells", 1)
    for _ in range(20):
        document.add_paragraph((SENTENCE * 10).strip())
    document.save(str(tmp_path / "x.docx"))
    pages, _ = read(tmp_path / "x.docx")
    assert len(pages) >= 4
    assert {page.heading for page in pages} == {"Cells"}
    assert all(1_000 < len(page.text) <= 3_000 and page.text.endswith("uses.") for page in pages[:-1])
    assert sum(page.text.count("Mitochondria") for page in pages) == 200


def test_hidden_and_deleted_word_text_is_left_out_and_counted(make_raw_docx, read):
    path = make_raw_docx(
        [
            b"<w:p><w:r><w:t>Seen. </w:t></w:r>",
            b"<w:r><w:rPr><w:vanish/></w:rPr><w:t>Vanished. </w:t></w:r>",
            b'<w:r><w:rPr><w:vanish w:val="false"/></w:rPr><w:t>Shown. </w:t></w:r>',
            b"<w:del><w:r><w:delText>Deleted. </w:delText></w:r></w:del>",
            b"<w:ins><w:r><w:t>Inserted.</w:t></w:r></w:ins></w:p>",
            b"<w:sdt><w:sdtContent><w:p><w:r><w:t>In a control.</w:t></w:r></w:p></w:sdtContent></w:sdt>",
        ]
    )
    pages, report = read(path)
    assert pages[0].text == "Seen. Shown. Inserted.\n\nIn a control."
    assert _warnings(report) == [("hidden_text_removed", 2)]


def test_a_word_file_without_text_has_no_text(tmp_path, read, make_raw_docx):
    with pytest.raises(UnreadableFile, match="no_text"):
        read(make_raw_docx([b"<w:p/>"]))


def test_a_slide_is_a_page_with_title_table_group_and_notes(tmp_path, read):
    presentation = Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[5])
    box = slide.shapes.add_textbox(0, 0, Inches(2), Inches(1))
    box.text_frame.text = "First line\vsame paragraph"
    group = slide.shapes.add_group_shape()
    group.shapes.add_textbox(0, 0, Inches(1), Inches(1)).text_frame.text = "In the group"
    table = slide.shapes.add_table(1, 2, 0, 0, Inches(2), Inches(1)).table
    table.cell(0, 0).text, table.cell(0, 1).text = "ATP", "energy"
    slide.shapes.title.text = "Energy of the cell"
    slide.notes_slide.notes_text_frame.text = "Ask about glycolysis."
    presentation.slides.add_slide(presentation.slide_layouts[6])
    presentation.save(str(tmp_path / "x.pptx"))
    pages, report = read(tmp_path / "x.pptx")
    assert pages[0].heading == "Energy of the cell"
    assert pages[0].text.split("\n\n") == [
        "Energy of the cell",
        "First line\nsame paragraph",
        "In the group",
        "ATP | energy",
        "Ask about glycolysis.",
    ]
    assert pages[1].skipped == "blank"
    assert report.total_pages == 2


def test_hidden_shapes_are_left_out_and_counted(tmp_path, read):
    presentation = Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[6])
    for text, hidden in (("Seen.", "0"), ("Not seen.", "1")):
        box = slide.shapes.add_textbox(0, 0, Inches(2), Inches(1))
        box.text_frame.text = text
        box._element.nvSpPr.cNvPr.set("hidden", hidden)
    presentation.save(str(tmp_path / "x.pptx"))
    pages, report = read(tmp_path / "x.pptx")
    assert pages[0].text == "Seen."
    assert _warnings(report) == [("hidden_text_removed", 1)]
