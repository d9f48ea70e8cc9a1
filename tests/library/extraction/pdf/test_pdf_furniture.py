"""Watermarks, artifacts and headings: what is told by the look of a line, not by its words."""

from reportlab.pdfgen.canvas import Canvas

from tests.library.extraction.pdf.raw_pdf import write_pdf

PARAGRAPH = "The cell membrane is a thin layer of lipids and proteins."


def _write_watermarked(path, pages):
    canvas = Canvas(str(path))
    for number in range(pages):
        for row in range(3):
            canvas.drawString(72, 700 - 14 * row, f"{PARAGRAPH} {number}{row}")
        canvas.saveState()
        canvas.translate(200, 300)
        canvas.rotate(45)
        canvas.setFont("Helvetica", 60)
        canvas.drawString(0, 0, "DRAFT")
        canvas.restoreState()
        canvas.showPage()
    canvas.save()
    return path


def test_a_watermark_on_all_pages_is_left_out(tmp_path, read):
    pages, report = read(_write_watermarked(tmp_path / "draft.pdf", 3))
    assert ["DRAFT" in page.text for page in pages] == [False] * 3
    assert report.warnings == ()


def test_oblique_text_of_one_page_stays_and_is_no_heading(tmp_path, read):
    pages, _ = read(_write_watermarked(tmp_path / "draft.pdf", 1))
    assert pages[0].text.endswith("\nDRAFT")
    assert pages[0].spans == ()


def test_artifacts_are_removed_from_the_margins_only(tmp_path, read):
    content = (
        "/Artifact BMC BT /F 9 Tf 72 815 Td (Biology I) Tj ET EMC "
        f"/P <</MCID 0>> BDC BT /F 11 Tf 72 700 Td ({PARAGRAPH}) Tj ET EMC "
        "/Artifact BMC BT /F 11 Tf 72 600 Td (A label of a list) Tj ET EMC"
    )
    pages, report = read(write_pdf(tmp_path / "tagged.pdf", [content]))
    assert "Biology" not in pages[0].text
    assert "A label of a list" in pages[0].text
    assert report.warnings == ()


def test_bookmarks_find_headings_in_the_size_of_the_text(tmp_path, read):
    canvas = Canvas(str(tmp_path / "outline.pdf"))
    canvas.drawString(72, 730, "1.1 Membranes")
    canvas.drawString(72, 716, PARAGRAPH)
    for level, title in enumerate(["1 Cells", "1.1 Membranes"]):
        canvas.bookmarkPage(title)
        canvas.addOutlineEntry(title, title, level=level)
    canvas.save()
    pages, _ = read(tmp_path / "outline.pdf")
    assert pages[0].text == f"## 1.1 Membranes\n\n{PARAGRAPH}"


def test_a_bold_line_is_a_heading_and_a_bold_sentence_is_not(tmp_path, read):
    canvas = Canvas(str(tmp_path / "bold.pdf"))
    for row in range(12):
        is_bold = row in {0, 6}
        canvas.setFont("Helvetica-Bold" if is_bold else "Helvetica", 11)
        text = {0: "Passive transport", 6: "Learn this well."}.get(row, f"{PARAGRAPH} {row}")
        canvas.drawString(72, 760 - 14 * row, text)
    canvas.save()
    pages, _ = read(tmp_path / "bold.pdf")
    assert pages[0].text.startswith("# Passive transport\n\n")
    assert [span.kind for span in pages[0].spans] == ["heading"]
    assert "\nLearn this well.\n" in pages[0].text


def test_code_keeps_its_indentation(tmp_path, read):
    canvas = Canvas(str(tmp_path / "code.pdf"))
    canvas.drawString(72, 740, PARAGRAPH)
    canvas.setFont("Courier", 10)
    for row, line in enumerate(["def area(r):", "    return 3 * r"]):
        text = line.lstrip()
        canvas.drawString(72 + 6 * (len(line) - len(text)), 700 - 12 * row, text)
    canvas.save()
    pages, _ = read(tmp_path / "code.pdf")
    assert pages[0].text == f"{PARAGRAPH}\n\n```\ndef area(r):\n    return 3 * r\n```"
