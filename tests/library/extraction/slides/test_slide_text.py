"""The text of shapes: lists, raised text, breaks, symbols, formulas, tables."""

import pytest

from tests.library.extraction.slides.deck import frame, paragraph, run, shape, table, title

BODY = 'idx="1"'


def _numbered(text: str, scheme: str, start: str = "", level: int = 0) -> str:
    return paragraph(text, properties=f'<a:buAutoNum type="{scheme}" {start}/>', level=level)


def test_a_slide_is_a_heading_with_its_list(read_slide):
    text, warnings = read_slide(
        title("Cells"),
        shape("A cell is alive.", paragraph("It has a membrane.", level=1), "It divides.", placeholder=BODY),
    )
    assert text == "## Cells\n\n- A cell is alive.\n  - It has a membrane.\n- It divides."
    assert warnings == {}


def test_bullets_come_from_the_master_unless_the_paragraph_has_none(read_slide):
    text, _ = read_slide(
        shape(paragraph("Plain.", properties="<a:buNone/>"), "Item.", placeholder=BODY, at=(2, 5, 20, 2)),
        shape("A text box has no bullets.", at=(2, 9, 20, 2)),
    )
    assert text == "Plain.\n\n- Item.\n\nA text box has no bullets."


@pytest.mark.parametrize(
    ("scheme", "labels"),
    [
        ("arabicPeriod", ["1.", "2."]),
        ("alphaLcParenR", ["a)", "b)"]),
        ("romanUcParenBoth", ["(I)", "(II)"]),
        ("circleNumDbPlain", ["①", "②"]),
        ("arabicPlain", ["1", "2"]),
    ],
)
def test_automatic_numbers_are_written_out(read_slide, scheme, labels):
    text, _ = read_slide(shape(_numbered("Heat.", scheme), _numbered("Cool.", scheme), at=(2, 2, 9, 9)))
    assert text == f"{labels[0]} Heat.\n{labels[1]} Cool."


def test_numbers_go_on_after_deeper_items_and_begin_again_after_other_text(read_slide):
    text, _ = read_slide(
        shape(
            _numbered("One.", "arabicPeriod", 'startAt="4"'),
            _numbered("Deeper.", "alphaLcPeriod", level=1),
            _numbered("Two.", "arabicPeriod", 'startAt="4"'),
            _numbered("Deeper again.", "alphaLcPeriod", level=1),
            "Between.",
            _numbered("Three.", "arabicPeriod"),
            at=(2, 2, 9, 9),
        )
    )
    assert text == ("4. One.\n  a. Deeper.\n5. Two.\n  a. Deeper again.\n\nBetween.\n\n1. Three.")


def test_an_empty_item_has_no_number_and_an_empty_line_without_one_interrupts(read_slide):
    text, _ = read_slide(
        shape(
            _numbered("One.", "arabicPeriod"),
            _numbered("", "arabicPeriod"),
            _numbered("Two.", "arabicPeriod"),
            paragraph(properties="<a:buNone/>"),
            _numbered("One again.", "arabicPeriod"),
            at=(2, 2, 9, 9),
        )
    )
    assert text == "1. One.\n2. Two.\n1. One again."


def test_check_marks_of_wingdings_stay_and_other_bullets_become_hyphens(read_slide):
    bullet = '<a:buFont typeface="Wingdings"/><a:buChar char="{}"/>'
    text, _ = read_slide(
        shape(
            *(
                paragraph(word, properties=bullet.format(sign))
                for word, sign in (("Yes", "ü"), ("No", "û"), ("So", "§"))
            ),
            at=(2, 2, 9, 9),
        )
    )
    assert text == "- ✓ Yes\n- ✗ No\n- So"


def test_raised_and_lowered_text_joins_over_runs(read_slide):
    text, _ = read_slide(
        shape(
            paragraph(run("10"), run("2", 'baseline="30000"'), run("3", 'baseline="30%"'), run(" and H")),
            paragraph(run("H"), run("2", 'baseline="-25000"'), run("O")),
            at=(2, 2, 9, 9),
        )
    )
    assert text == "10^{23} and H\n\nH_{2}O"


def test_breaks_and_escapes_are_line_ends(read_slide):
    text, _ = read_slide(shape(paragraph(run("one"), "<a:br/>", run("two_x000B_three, a_x005F_b")), at=(2, 2, 9, 9)))
    assert text == "one\ntwo\nthree, a_b"


def test_letters_of_symbol_fonts_are_what_they_show(read_slide):
    symbol, wingdings = '<a:latin typeface="Symbol"/>', '<a:sym typeface="Wingdings"/>'
    text, warnings = read_slide(
        shape(
            paragraph(
                run("a", inner=symbol), run(" = 5 "), run("\uf06d", inner='<a:sym typeface="Symbol"/>'), run("g")
            ),
            paragraph(
                run("heat "), run("à", 'lang="de-DE"', inner=wingdings), run(" energy à work", 'lang="de"', wingdings)
            ),
            paragraph(run("à l’eau", 'lang="fr-FR"', inner=wingdings)),
            at=(2, 2, 9, 9),
        )
    )
    assert text == "α = 5 μg\n\nheat → energy → work\n\nà l’eau"
    assert warnings == {}


def test_text_without_fill_is_hidden(read_slide):
    text, warnings = read_slide(
        shape(paragraph(run("Seen. "), run("Unseen.", inner="<a:noFill/>")), at=(2, 2, 9, 9)),
    )
    assert text == "Seen."
    assert warnings == {"hidden_text_removed": 1}


FRACTION = "<m:oMath><m:f><m:num><m:r><m:t>a</m:t></m:r></m:num><m:den><m:r><m:t>b</m:t></m:r></m:den></m:f></m:oMath>"


def _alternatives(choice: str, fallback: str, requires: str = "a14") -> str:
    return (
        f'<mc:AlternateContent><mc:Choice Requires="{requires}">{choice}</mc:Choice>'
        f"<mc:Fallback>{fallback}</mc:Fallback></mc:AlternateContent>"
    )


def test_the_box_of_an_equation_is_read_as_latex(read_slide):
    at = (2, 4, 9, 3)
    blank = paragraph(run(" ", inner="<a:noFill/>"))
    text, warnings = read_slide(
        _alternatives(
            shape(
                paragraph(run("The share is "), f"<a14:m>{FRACTION}</a14:m>", run(".")),
                paragraph(f"<a14:m><m:oMathPara>{FRACTION}</m:oMathPara></a14:m>"),
                at=at,
            ),
            shape(blank, at=at, fill='<a:blipFill><a:blip r:embed="rId7"/></a:blipFill>'),
        )
    )
    assert text == "The share is $\\frac{a}{b}$.\n\n$$\\frac{a}{b}$$"
    assert warnings == {}


def test_a_formula_that_is_only_a_picture_is_named_as_missing(read_slide):
    blank = paragraph(run(" ", inner="<a:noFill/>"))
    text, warnings = read_slide(
        title("Share"),
        shape(blank, at=(2, 4, 9, 3), fill='<a:blipFill><a:blip r:embed="rId7"/></a:blipFill>'),
        frame('<p:oleObj progId="Equation.3"/>', at=(2, 9, 9, 3)),
    )
    assert text == "## Share\n\n[formula]\n\n[formula]"
    assert warnings == {"formulas_lost": 2}


def test_tables_keep_empty_cells_and_repeat_merged_ones(read_slide):
    text, warnings = read_slide(
        frame(
            table(
                ["Vaccine", ('gridSpan="2"', "Doses"), ('hMerge="1"', "")],
                [('rowSpan="2"', "Tetanus"), "", "3"],
                [('vMerge="1"', ""), "child", "1"],
            )
        )
    )
    assert text.split("\n") == [
        "| Vaccine | Doses | Doses |",
        "| --- | --- | --- |",
        "| Tetanus | | 3 |",
        "| Tetanus | child | 1 |",
    ]
    assert warnings == {}


def test_a_table_without_a_header_row_says_so(read_slide):
    text, _ = read_slide(frame(table(["a", "b"], properties='firstRow="0"')))
    assert text == "| | |\n| --- | --- |\n| a | b |"


def test_an_empty_table_is_left_out(read_slide):
    text, _ = read_slide(shape("Text.", at=(2, 2, 9, 2)), frame(table(["", ""])))
    assert text == "Text."


_CHART = "http://schemas.openxmlformats.org/drawingml/2006/chart"


def test_charts_and_diagrams_are_read_at_their_place(read_slide, deck):
    deck.parts["ppt/charts/chart1.xml"] = (
        f'<c:chartSpace xmlns:c="{_CHART}"><c:ser><c:tx><c:v>Share</c:v></c:tx>'
        '<c:val><c:numLit><c:pt idx="0"><c:v>34</c:v></c:pt></c:numLit></c:val></c:ser></c:chartSpace>'
    )
    deck.parts["ppt/diagrams/data1.xml"] = (
        '<dgm:dataModel xmlns:dgm="http://schemas.openxmlformats.org/drawingml/2006/diagram" '
        'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"><dgm:ptLst><dgm:pt modelId="1">'
        "<dgm:t><a:p><a:r><a:t>Heat</a:t></a:r></a:p></dgm:t></dgm:pt></dgm:ptLst></dgm:dataModel>"
    )
    text, warnings = read_slide(
        frame('<dgm:relIds r:dm="rIdD"/>', at=(2, 12, 20, 4)),
        frame('<c:chart r:id="rIdC"/>', at=(2, 6, 20, 4)),
        relations={"rIdC": ("chart", "../charts/chart1.xml"), "rIdD": ("diagramData", "../diagrams/data1.xml")},
    )
    assert text == "| | Share |\n| --- | --- |\n| 1 | 34 |\n\n- Heat"
    assert warnings == {"charts_as_tables": 2}


@pytest.mark.parametrize("target", ["NULL", "../charts/broken.xml"])
def test_a_chart_that_is_missing_or_damaged_is_a_lost_object(read_slide, deck, target):
    deck.parts["ppt/charts/broken.xml"] = "<c:chartSpace"
    text, warnings = read_slide(title("Deaths"), frame('<c:chart r:id="rIdC"/>'), relations={"rIdC": ("chart", target)})
    assert text == "## Deaths"
    assert warnings == {"objects_lost": 1}
