"""Drawings, text boxes, pictures, diagrams and embedded objects."""

import pytest

from backend.library.extraction.office_package import OfficePackage
from backend.library.extraction.page_writer import PageWriter
from backend.library.extraction.word.document import WordDocument
from tests.library.extraction.word_files import NAMESPACES, paragraph, relation, row, run, table, write_word_file


def drawing(inside: str, described: str = "", width_cm: float = 10, height_cm: float = 8) -> str:
    """Return a run with a drawing of a size."""
    extent = f'<wp:extent cx="{int(width_cm * 360_000)}" cy="{int(height_cm * 360_000)}"/>'
    return (
        f'<w:r><w:drawing><wp:inline>{extent}<wp:docPr id="1" name="Picture 1" {described}/>'
        f"<a:graphic><a:graphicData>{inside}</a:graphicData></a:graphic></wp:inline></w:drawing></w:r>"
    )


PICTURE = '<pic:pic><pic:blipFill><a:blip r:embed="rId9"/></pic:blipFill></pic:pic>'


def ole(program: str) -> str:
    """Return a run with an embedded object."""
    return f'<w:r><w:object><v:shape/><o:OLEObject Type="Embed" ProgID="{program}" r:id="r9"/></w:object></w:r>'


@pytest.mark.parametrize("program", ["Equation.DSMT4", "Equation.3", "MathType.Equation", ""])
def test_a_formula_of_another_program_is_missing(read_word, program):
    body = paragraph("The energy is ", ole(program), " joule.")
    assert read_word(body) == ("The energy is [formula] joule.", ["formulas_lost"])


def test_objects_without_a_program_and_in_old_pictures(read_word):
    assert read_word(paragraph("x is ", "<w:r><w:object/></w:r>")) == ("x is [formula]", ["formulas_lost"])
    old = '<w:r><w:pict><v:shape/><o:OLEObject ProgID="Equation.3"/></w:pict></w:r>'
    assert read_word(paragraph("x is ", old)) == ("x is [formula]", ["formulas_lost"])
    assert read_word(paragraph("A sheet: ", ole("Excel.Sheet.12"))) == ("A sheet:", ["objects_lost"])
    control = '<w:r><w:object><v:shape/><w:control r:id="r9" w:name="Search"/></w:object></w:r>'
    assert read_word(paragraph("A form: ", control)) == ("A form:", ["objects_lost"])


def test_pictures_show_their_alternative_text(read_word):
    text, warnings = read_word(paragraph("See ", drawing(PICTURE, 'descr="A heart &#10;with valves"'), "."))
    assert (text, warnings) == ("See [image: A heart with valves].", [])


@pytest.mark.parametrize(
    ("described", "size", "expected"),
    [
        ("", (10, 8), ("Text.", ["pictures_not_read"])),
        ('descr="IMG_0001.jpg"', (10, 8), ("Text.", ["pictures_not_read"])),
        ('descr="Ein Bild. Automatisch generierte Beschreibung"', (10, 8), ("Text.", ["pictures_not_read"])),
        ("", (1, 1), ("Text.", [])),
        ("", (18, 0.2), ("Text.", [])),
    ],
)
def test_a_picture_that_may_have_text_is_warned_of(read_word, described, size, expected):
    assert read_word(paragraph("Text.", drawing(PICTURE, described, *size))) == expected


def test_a_picture_of_a_group_can_be_described(read_word):
    group = f'<pic:pic><pic:nvPicPr><pic:cNvPr id="2" name="x" descr="A leaf"/></pic:nvPicPr>{PICTURE}</pic:pic>'
    assert read_word(paragraph("See", drawing(group)))[0] == "See[image: A leaf]"


def test_text_boxes_follow_their_paragraph_once(read_word):
    content = paragraph("Box title", style="H3") + paragraph("In the box") + table(row("a", "b"))
    inside = f"<w:txbxContent>{content}</w:txbxContent>"
    both = (
        f'<w:r><mc:AlternateContent><mc:Choice Requires="wps"><w:drawing><wp:anchor><wp:docPr id="1" name="x"/>'
        f"<a:graphic><a:graphicData><wps:wsp><wps:txbx>{inside}</wps:txbx></wps:wsp></a:graphicData></a:graphic>"
        f"</wp:anchor></w:drawing></mc:Choice><mc:Fallback><w:pict><v:shape><v:textbox>{inside}</v:textbox></v:shape>"
        "</w:pict></mc:Fallback></mc:AlternateContent></w:r>"
    )
    content = f"<w:txbxContent>{paragraph('Old box')}</w:txbxContent>"
    old = f"<w:r><w:pict><v:shape><v:textbox>{content}</v:textbox></v:shape></w:pict></w:r>"
    text, warnings = read_word(paragraph("Before", both, " and after.") + paragraph(old) + paragraph("End."))
    assert text.split("\n\n") == [
        "Before and after.",
        "### Box title",
        "In the box",
        "| a | b |\n| --- | --- |",
        "Old box",
        "End.",
    ]
    assert warnings == []


def test_a_box_in_a_box_and_fields_of_a_box_stay_apart(read_word):
    def box(inside: str) -> str:
        return f"<w:r><w:pict><v:textbox><w:txbxContent>{inside}</w:txbxContent></v:textbox></w:pict></w:r>"

    begin = '<w:r><w:fldChar w:fldCharType="begin"/></w:r>'
    body = paragraph("a", box(paragraph("b", box(paragraph("c"))) + paragraph(begin)), run(" d")) + paragraph("e")
    assert read_word(body)[0].split("\n\n") == ["a d", "b", "c", "e"]


def test_words_drawn_as_art(read_word):
    art = '<w:r><w:pict><v:shape><v:textpath string="Chapter of cells"/></v:shape></w:pict></w:r>'
    assert read_word(paragraph(art, "Text"))[0] == "Text\n\nChapter of cells"


def test_diagrams_are_read_from_their_part(read_word):
    data = (
        '<dgm:dataModel xmlns:dgm="http://schemas.openxmlformats.org/drawingml/2006/diagram" '
        'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"><dgm:ptLst>'
        '<dgm:pt modelId="1"><dgm:t><a:bodyPr/><a:p><a:r><a:t>Glycolysis</a:t></a:r></a:p></dgm:t></dgm:pt>'
        '<dgm:pt modelId="2"><dgm:t><a:bodyPr/><a:p><a:r><a:t>Citric acid</a:t></a:r><a:r><a:t> cycle</a:t></a:r></a:p>'
        "</dgm:t></dgm:pt></dgm:ptLst></dgm:dataModel>"
    )
    body = paragraph("Steps:", drawing('<dgm:relIds r:dm="r9"/>'))
    parts = {"word/diagrams/data1.xml": data}
    found = read_word(body, relations=relation("r9", "diagramData", "diagrams/data1.xml"), parts=parts)
    assert found == ("Steps:\n\n- Glycolysis\n- Citric acid cycle", ["charts_as_tables"])
    assert read_word(body) == ("Steps:", ["objects_lost"])


def test_charts_are_read_as_tables(read_word):
    def cells(kind: str, cache: str, *values: str) -> str:
        points = "".join(f'<c:pt idx="{at}"><c:v>{value}</c:v></c:pt>' for at, value in enumerate(values))
        return f"<c:{kind}><c:{cache}Ref><c:{cache}Cache>{points}</c:{cache}Cache></c:{cache}Ref></c:{kind}>"

    series = cells("tx", "str", "Share") + cells("cat", "str", "Cancer", "Stroke") + cells("val", "num", "24", "9")
    chart = f"<c:chartSpace {NAMESPACES}><c:chart><c:plotArea><c:barChart><c:ser>{series}</c:ser></c:barChart>"
    chart += "</c:plotArea></c:chart></c:chartSpace>"
    body = paragraph("Deaths:", drawing('<c:chart r:id="r9"/>')) + paragraph("After.")
    parts = {"word/charts/chart1.xml": chart}
    text, warnings = read_word(body, relations=relation("r9", "chart", "charts/chart1.xml"), parts=parts)
    assert text.startswith("Deaths:\n\n|")
    assert "| Cancer | 24 |\n| Stroke | 9 |" in text
    assert text.endswith("\n\nAfter.")
    assert warnings == ["charts_as_tables"]
    dangling = read_word(body, relations=relation("r9", "chart", "NULL"))
    assert dangling == ("Deaths:\n\nAfter.", ["objects_lost"])


def test_a_picture_that_fills_a_page_can_be_recognised(tmp_path):
    old = '<w:r><w:pict><v:shape style="width:450pt; height:600pt"><v:imagedata r:id="rId9"/></v:shape></w:pict></w:r>'
    body = paragraph("Before.", drawing(PICTURE, "", 16, 22)) + paragraph("Small:", drawing(PICTURE)) + paragraph(old)
    path = write_word_file(
        tmp_path / "x.docx",
        body,
        relations=relation("rId9", "image", "media/scan.png"),
        parts={"word/media/scan.png": b"picture"},
    )
    seen = []

    def read_picture(content: bytes, width: int, height: int) -> str:
        seen.append((content, width // 360_000, height // 360_000))
        return "Recognised."

    with (tmp_path / "pages").open("wb") as file:
        document = WordDocument(OfficePackage(str(path)), PageWriter(file.fileno(), 10, 1_000), read_picture)
        texts = [block.text for block in document.blocks()]
    assert texts == ["Before.", "Recognised.", "Small:", "Recognised."]
    assert seen == [(b"picture", 16, 22), (b"picture", 15, 21)]


def test_a_low_drawing_in_a_line_is_a_formula_of_which_only_the_picture_is_left(read_word):
    parts = {"relations": relation("rId9", "image", "media/eq.wmf"), "parts": {"word/media/eq.wmf": b"x"}}
    assert read_word(paragraph("E is ", drawing(PICTURE, "", 3, 0.8), " joule."), **parts) == (
        "E is [formula] joule.",
        ["formulas_lost"],
    )
    old = '<v:shape style="width:40pt;height:18pt"><v:imagedata r:id="rId9"/></v:shape>'
    assert read_word(paragraph("E is ", f"<w:r><w:pict>{old}</w:pict></w:r>"), **parts)[0] == "E is [formula]"
    assert read_word(paragraph("A map: ", drawing(PICTURE, "", 10, 8)), **parts)[1] == ["pictures_not_read"]


def test_a_picture_within_a_sentence_is_warned_of(read_word):
    assert read_word(paragraph("E is ", drawing(PICTURE, "", 2.5, 0.8), " joule.")) == (
        "E is  joule.",
        ["pictures_not_read"],
    )
    assert read_word(paragraph("Done ", drawing(PICTURE, "", 0.6, 0.6)))[1] == []
    assert read_word(paragraph(drawing(PICTURE, "", 2.5, 0.8), "At the start"))[1] == []


def test_a_picture_that_is_described_by_tex_is_a_formula(read_word):
    described = 'descr="{\\displaystyle E=mc^{2}}"'
    assert read_word(paragraph("It is ", drawing(PICTURE, described, 3, 0.8), "."))[0] == "It is $E=mc^{2}$."


def test_drawings_that_are_invisible_are_left_out(read_word):
    content = f"<w:txbxContent>{paragraph('SOLUTION')}</w:txbxContent>"
    inside = f"<wps:wsp><wps:txbx>{content}</wps:txbx></wps:wsp>"
    assert read_word(paragraph("What?", drawing(inside, 'hidden="1"'))) == ("What?", ["hidden_text_removed"])
    old = f'<v:shape style="visibility:hidden"><v:textbox>{content}</v:textbox></v:shape>'
    assert read_word(paragraph("What?", f"<w:r><w:pict>{old}</w:pict></w:r>"))[0] == "What?"


def test_an_empty_choice_leaves_its_place_to_the_fallback(read_word):
    box = f"<w:pict><v:textbox><w:txbxContent>{paragraph('In the box')}</w:txbxContent></v:textbox></w:pict>"
    choice = f'<mc:AlternateContent><mc:Choice Requires="x"/><mc:Fallback>{box}</mc:Fallback></mc:AlternateContent>'
    assert read_word(paragraph("x", f"<w:r>{choice}</w:r>"))[0] == "x\n\nIn the box"
