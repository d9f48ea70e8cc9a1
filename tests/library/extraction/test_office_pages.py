"""PowerPoint: all visible text in order, and no hidden text."""

from pptx import Presentation
from pptx.util import Inches


def _warnings(report):
    return [(warning.code, warning.count) for warning in report.warnings]


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
