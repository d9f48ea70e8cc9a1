"""OpenDocument presentations: a page for each slide, in reading order."""

from tests.library.extraction.opendocument.odf_files import box, bullets, frame, list_style, page, paragraph

TITLE = 'presentation:class="title"'
HIDDEN = (
    '<style:style style:name="dp1" style:family="drawing-page">'
    '<style:drawing-page-properties presentation:visibility="hidden"/></style:style>'
)


def _title(text: str) -> str:
    return box(text, at=(2, 1, 20, 2), attributes=TITLE)


def test_a_slide_has_its_title_then_its_boxes_by_position_then_its_notes(read_odf):
    pages, warnings = read_odf(
        page(
            box("Second", at=(2, 12, 20, 2)),
            f"<draw:g>{box('Right', at=(14, 6, 8, 2))}{box('Left', at=(2, 6, 8, 2))}</draw:g>",
            '<draw:custom-shape draw:transform="rotate (1.57) translate (2cm 16cm)">'
            f"{paragraph('Last')}</draw:custom-shape>",
            _title("Cells"),
            notes=box("Ask about ATP.", attributes='presentation:class="notes"')
            + '<draw:page-thumbnail presentation:class="page"/>',
        ),
        kind="odp",
    )
    assert pages[0].heading == "Cells"
    assert pages[0].text.split("\n\n") == ["## Cells", "Left", "Right", "Second", "Last", "Ask about ATP."]
    assert warnings == {}


def test_comments_on_a_slide_follow_it_with_a_warning(read_odf):
    comment = f"<office:annotation>{paragraph('Learn this!')}</office:annotation>"
    pages, warnings = read_odf(page(_title("Cells"), comment), kind="odp")
    assert pages[0].text == "## Cells\n\n[comment: Learn this!]"
    assert warnings == {"annotations_read": 1}


def test_hidden_slides_are_left_out_and_counted(read_odf):
    pages, warnings = read_odf(
        page(_title("Seen")) + page(_title("Not seen"), style="dp1") + page(_title("Last")),
        kind="odp",
        automatic=HIDDEN,
    )
    assert [(one.heading, one.label) for one in pages] == [("Seen", None), ("Last", "3")]
    assert warnings == {"hidden_slides_left_out": 1}


def test_footers_numbers_and_empty_placeholders_are_left_out(read_odf):
    pages, warnings = read_odf(
        page(
            _title("Cells"),
            box("Do not distribute", at=(2, 19, 9, 1), attributes='presentation:class="footer"'),
            box("<text:p><text:page-number>7</text:page-number></text:p>", at=(22, 19, 2, 1)),
            box("Click to add text", at=(2, 5, 9, 1), attributes='presentation:placeholder="true"'),
            box("Beside the slide.", at=(30, 5, 9, 1)),
        ),
        kind="odp",
    )
    assert pages[0].text == "## Cells"
    assert warnings == {"hidden_text_removed": 1}


def test_lists_and_tables_of_slides_are_read(read_odf):
    cells = "".join(f"<table:table-cell>{paragraph(text)}</table:table-cell>" for text in ("a", "b"))
    pages, _ = read_odf(
        page(
            frame(f"<table:table><table:table-row>{cells}</table:table-row></table:table><draw:image/>", (2, 12, 9, 5)),
            box(bullets("One", "Two", style="L1"), at=(2, 5, 20, 5), attributes='presentation:class="outline"'),
        ),
        kind="odp",
        automatic=list_style("L1", "1 - ."),
    )
    assert pages[0].text == "1. One\n2. Two\n\n| a | b |\n| --- | --- |"


def test_a_slide_that_is_a_picture_is_not_readable(read_odf):
    fill = (
        '<style:style style:name="gr1" style:family="graphic"><style:graphic-properties draw:fill="bitmap" '
        'draw:fill-image-name="B1"/></style:style>'
    )
    image = '<draw:image xlink:href="Pictures/1.png"/>'
    pages, warnings = read_odf(
        page(frame(image, (0, 0, 28, 21)))
        + page('<draw:custom-shape draw:style-name="gr1" svg:x="0cm" svg:y="0cm" svg:width="28cm" svg:height="20cm"/>')
        + page(_title("Cells"), frame(image, (2, 5, 2, 2))),
        kind="odp",
        automatic=fill,
        named='<draw:fill-image draw:name="B1" xlink:href="Pictures/2.png"/>',
        parts={"Pictures/1.png": b"x", "Pictures/2.png": b"x"},
    )
    assert [one.skipped for one in pages] == ["not_readable", "not_readable", None]
    assert warnings == {"pictures_not_read": 2, "pages_not_readable": 2}
