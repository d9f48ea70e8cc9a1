"""Runs: what their position, their fonts and their fields mean."""

import pytest

from tests.library.extraction.word_files import paragraph, run

RAISED = '<w:vertAlign w:val="superscript"/>'
LOWERED = '<w:vertAlign w:val="subscript"/>'
SYMBOL = '<w:rFonts w:ascii="Symbol" w:hAnsi="Symbol"/>'


def field(*instruction: str, result: str | None = None) -> str:
    """Return a complex field."""
    begin, separate, end = (f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>' for kind in ("begin", "separate", "end"))
    codes = "".join(
        piece if piece.startswith("<") else f"<w:r><w:instrText>{piece}</w:instrText></w:r>" for piece in instruction
    )
    return f"{begin}{codes}{separate + run(result) if result is not None else ''}{end}"


def test_raised_and_lowered_runs_are_marked_and_neighbours_are_one(read_word):
    body = paragraph(
        "10", run("2", RAISED), run("3", RAISED), " and H", run("2", LOWERED), "O and m", run("2 ", RAISED), "x"
    )
    assert read_word(body) == ("10^{23} and H_{2}O and m^{2} x", [])


def test_a_style_can_raise_and_a_run_can_undo_it(read_word):
    styles = f'<w:style w:type="character" w:styleId="Up"><w:name w:val="up"/><w:rPr>{RAISED}</w:rPr></w:style>'
    up, down = '<w:rStyle w:val="Up"/>', '<w:rStyle w:val="Up"/><w:vertAlign w:val="baseline"/>'
    assert read_word(paragraph("2", run("10", up), " bytes, ", run("5", down)), styles=styles)[0] == "2^{10} bytes, 5"


def test_a_run_moved_up_is_raised_unless_it_is_moved_for_its_looks(read_word):
    up, little = '<w:position w:val="6"/>', '<w:position w:val="1"/>'
    body = paragraph(
        "10", run("-3", up), " and x", run("2", '<w:position w:val="-4"/>'), run(" a whole sentence moved", up)
    )
    assert read_word(body)[0] == "10^{-3} and x_{2} a whole sentence moved"
    assert read_word(paragraph("10", run("3", little)))[0] == "103"


def test_characters_of_symbol_fonts_are_those_that_a_reader_sees(read_word):
    body = paragraph(
        "p ",
        '<w:r><w:sym w:font="Symbol" w:char="F0A3"/></w:r>',
        " 0.05, 50 ",
        run("\uf06d", SYMBOL),
        "g, angle ",
        run("a", SYMBOL),
        ", done ",
        run("\uf0fc", '<w:rFonts w:ascii="Arial" w:hAnsi="Wingdings"/>'),
        " A ",
        '<w:r><w:sym w:font="Wingdings" w:char="F0E0"/></w:r>',
        " B",
    )
    assert read_word(body) == ("p ≤ 0.05, 50 μg, angle α, done ✓ A → B", [])


def test_a_symbol_font_of_a_style_counts(read_word):
    styles = f'<w:style w:type="character" w:styleId="G"><w:name w:val="greek"/><w:rPr>{SYMBOL}</w:rPr></w:style>'
    assert read_word(paragraph("angle ", run("q", '<w:rStyle w:val="G"/>')), styles=styles)[0] == "angle θ"


def test_a_character_that_nobody_knows_is_warned_of(read, tmp_path, read_word):
    body = paragraph("Dose ", '<w:r><w:sym w:font="Strange Pictures" w:char="F0B3"/></w:r>', " 38, ", "\uf0b3 40")
    assert read_word(body) == ("Dose \ufffd 38, \ufffd 40", ["characters_unknown"])
    pages, _ = read(tmp_path / "x.docx")
    assert [span.kind for span in pages[0].spans] == ["uncertain", "uncertain"]


def test_signs_and_ticks_typed_in_a_symbol_font_are_those_that_it_shows(read_word):
    ticks = '<w:rFonts w:ascii="Wingdings" w:hAnsi="Wingdings"/>'
    body = paragraph("fever ", run("³", SYMBOL), " 38, a ", run("¹", SYMBOL), " b, ", run("ü", ticks), " done")
    assert read_word(body) == ("fever ≥ 38, a ≠ b, ✓ done", [])


@pytest.mark.parametrize(("font", "code", "shown"), [("MS Gothic", "2612", "☒"), ("Cambria Math", "2265", "≥")])
def test_symbols_of_ordinary_fonts_are_characters_of_unicode(read_word, font, code, shown):
    symbol = f'<w:r><w:sym w:font="{font}" w:char="{code}"/></w:r>'
    assert read_word(paragraph("a ", symbol, " b")) == (f"a {shown} b", [])


def test_small_letters_are_raised_by_any_shift(read_word):
    small = '<w:position w:val="3"/><w:sz w:val="14"/>'
    body = paragraph("10", run("23", small), " and 5", run("2", '<w:position w:val="4pt"/>'))
    assert read_word(body)[0] == "10^{23} and 5^{2}"
    assert read_word(paragraph("A", run("B", '<w:position w:val="3"/><w:sz w:val="22"/>')))[0] == "AB"


@pytest.mark.parametrize("strike", ["strike", "dstrike"])
def test_text_that_is_struck_through_is_left_out_and_warned_of(read_word, strike):
    body = paragraph(
        "Humans have ", run("48 ", f"<w:{strike}/>"), "46", run(" chromosomes", f'<w:{strike} w:val="0"/>')
    )
    assert read_word(body) == ("Humans have 46 chromosomes", ["struck_text_removed"])


def test_formulas_in_hidden_text_are_hidden(read_word):
    style = '<w:style w:type="paragraph" w:styleId="A"><w:name w:val="answer"/><w:rPr><w:vanish/></w:rPr></w:style>'
    root = "<m:rad><m:e><m:r><m:t>SOLUTION</m:t></m:r></m:e></m:rad>"
    own = "<m:r><w:rPr><w:vanish/></w:rPr><m:t>SECRET</m:t></m:r><m:r><m:t>x</m:t></m:r>"
    body = paragraph("What?", f"<m:oMath>{own}</m:oMath>") + paragraph(f"<m:oMath>{root}</m:oMath>", style="A")
    assert read_word(body, styles=style) == ("What?$x$", ["hidden_text_removed"])


def test_numbers_of_equations_are_the_texts_of_buttons(read_word):
    inner = field(" SEQ MTEqn \\c \\* Arabic ").replace(
        '<w:r><w:fldChar w:fldCharType="end"/></w:r>',
        '<w:r><w:fldChar w:fldCharType="separate"/></w:r><w:r><w:instrText>7</w:instrText></w:r>'
        '<w:r><w:fldChar w:fldCharType="end"/></w:r>',
    )
    body = paragraph("E ", field(" MACROBUTTON MTPlaceRef \\* MERGEFORMAT (", inner, ")"))
    assert read_word(body)[0] == "E (7)"


def test_ruby_stands_after_its_word(read_word):
    reading, base = (f"<w:r><w:t>{text}</w:t></w:r>" for text in ("さいぼう", "細胞"))
    ruby = f"<w:ruby><w:rubyPr/><w:rt>{reading}</w:rt><w:rubyBase>{base}</w:rubyBase></w:ruby>"
    assert read_word(paragraph(f"<w:r>{ruby}</w:r>", "は最小の単位"))[0] == "細胞(さいぼう)は最小の単位"


def test_special_characters_of_runs(read_word):
    body = paragraph(
        "<w:r><w:t>pH</w:t><w:noBreakHyphen/><w:t>value</w:t><w:tab/><w:t>Zell</w:t><w:softHyphen/>"
        "<w:t>kern</w:t><w:br/><w:t>new line</w:t></w:r>"
    )
    assert read_word(body)[0] == "pH\u2011value\tZellkern\nnew line"
    assert read_word(paragraph("two\nwords"))[0] == "two words"


def test_hidden_and_deleted_text_is_left_out_and_counted(read_word, read, tmp_path):
    body = paragraph(
        "Seen. ",
        run("Vanished. ", "<w:vanish/>"),
        run("Shown. ", '<w:vanish w:val="false"/>'),
        "<w:del><w:r><w:delText>Deleted. </w:delText></w:r></w:del>",
        "<w:moveFrom><w:r><w:t>Moved away. </w:t></w:r></w:moveFrom>",
        "<w:ins><w:r><w:t>Inserted.</w:t></w:r></w:ins>",
    )
    assert read_word(body) == ("Seen. Shown. Inserted.", ["hidden_text_removed"])
    assert read(tmp_path / "x.docx")[1].warnings[0].count == 3


def test_a_deleted_paragraph_end_joins_two_paragraphs(read_word):
    body = (
        paragraph("Photo", properties='<w:rPr><w:del w:id="1"/></w:rPr>') + paragraph("synthesis") + paragraph("Next")
    )
    assert read_word(body)[0] == "Photosynthesis\n\nNext"


def test_a_field_shows_its_result_only(read_word):
    nested = field("IF ", field("PAGE", result="7"), ' = 7 "yes" "no"', result="yes")
    body = paragraph(
        "See ", field(' HYPERLINK "http://x.example" ', result="chapter 2"), ", ", nested, field("XE term"), "."
    )
    assert read_word(body)[0] == "See chapter 2, yes."


def test_a_field_may_go_over_paragraphs(read_word):
    begin = '<w:r><w:fldChar w:fldCharType="begin"/></w:r><w:r><w:instrText>TOC \\o</w:instrText></w:r>'
    separate, end = (f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>' for kind in ("separate", "end"))
    body = paragraph(begin, separate, "Cells\t1") + paragraph("Energy\t4") + paragraph(end) + paragraph("Text")
    assert read_word(body)[0] == "Cells\t1\n\nEnergy\t4\n\nText"


@pytest.mark.parametrize(
    ("instruction", "shown"),
    [
        (r"EQ \f(1;2)", r"$\frac{1}{2}$"),
        (r"EQ \f(-b±\r(b\s\up6(2)-4ac),2a)", r"$\frac{-b\pm\sqrt{b^{2}-4ac}}{2a}$"),
        (r"EQ \r(3,x+1)", r"$\sqrt[3]{x+1}$"),
        (r"EQ H\s\do8(2)O", r"$H_{2}O$"),
        (r"EQ \b\bc\[(\a\al\co2\vs3(1,2,3,4))", r"$\left[\begin{matrix}1 & 2\\ 3 & 4\end{matrix}\right]$"),
        (r"EQ \i\su(k=1,n,k)", r"$\sum_{k=1}^{n}k$"),
        (r"EQ \o(v,→)", r"$\vec{v}$"),
        (r"EQ \x\to(AB)", r"$\overline{AB}$"),
        ("EQ \\* jc2 \\* &quot;Font:MS Mincho&quot; \\o\\ad(\\s\\up 9(さいぼう),細胞)", "細胞(さいぼう)"),
        (r"SYMBOL 179 \f &quot;Symbol&quot; \s 12", "≥"),
        (r"SYMBOL 0x2265 \f Arial \u", "≥"),
    ],
)
def test_a_field_that_word_computes_is_shown(read_word, instruction, shown):
    assert read_word(paragraph("a ", field(instruction), " b")) == (f"a {shown} b", [])
    simple = f'<w:fldSimple w:instr="{instruction}"><w:r><w:t>old</w:t></w:r></w:fldSimple>'
    assert read_word(paragraph("a ", simple, " b"))[0] == f"a {shown} b"


@pytest.mark.parametrize("instruction", [r"EQ \q(1)", r"EQ \f(1,2", r"EQ \f(1)", "EQ " + r"\r(" * 60 + "1" + ")" * 60])
def test_an_equation_field_that_cannot_be_read_is_missing(read_word, instruction):
    assert read_word(paragraph("a ", field(instruction), " b")) == ("a [formula] b", ["formulas_lost"])


def test_a_symbol_in_an_equation_field(read_word):
    nested = field("EQ \\f(", field(r"SYMBOL 112 \f &quot;Symbol&quot;"), ",2)")
    assert read_word(paragraph(nested))[0] == r"$\frac{\pi}{2}$"


def test_boxes_to_tick_show_whether_they_are_ticked(read_word):
    boxes = [
        f'<w:r><w:fldChar w:fldCharType="begin"><w:ffData><w:checkBox>{state}</w:checkBox></w:ffData></w:fldChar></w:r>'
        '<w:r><w:instrText>FORMCHECKBOX</w:instrText></w:r><w:r><w:fldChar w:fldCharType="end"/></w:r>'
        for state in ('<w:default w:val="0"/>', '<w:default w:val="0"/><w:checked/>', '<w:default w:val="1"/>')
    ]
    assert read_word(paragraph(boxes[0], "a ", boxes[1], "b ", boxes[2], "c"))[0] == "☐a ☒b ☒c"


def test_a_list_to_choose_from_shows_what_is_chosen(read_word):
    entries = '<w:result w:val="1"/><w:listEntry w:val="anode"/><w:listEntry w:val="cathode"/>'
    begin = (
        f'<w:r><w:fldChar w:fldCharType="begin"><w:ffData><w:ddList>{entries}</w:ddList></w:ffData></w:fldChar></w:r>'
    )
    codes = '<w:r><w:instrText>FORMDROPDOWN</w:instrText></w:r><w:r><w:fldChar w:fldCharType="end"/></w:r>'
    assert read_word(paragraph("It is the ", begin, codes, "."))[0] == "It is the cathode."


def test_what_encloses_runs_is_walked_through(read_word):
    body = paragraph(
        '<w:hyperlink r:id="gone"><w:r><w:t>A link</w:t></w:r></w:hyperlink>',
        "<w:smartTag><w:smartTag><w:r><w:t> and a tag</w:t></w:r></w:smartTag></w:smartTag>",
        "<w:sdt><w:sdtPr/><w:sdtContent><w:r><w:t> and a control</w:t></w:r></w:sdtContent></w:sdt>",
        "<w:futureElement><w:r><w:t> and more</w:t></w:r></w:futureElement>",
        "<mc:AlternateContent><mc:Choice Requires='w'><w:r><w:t> once</w:t></w:r></mc:Choice>"
        "<mc:Fallback><w:r><w:t> once</w:t></w:r></mc:Fallback></mc:AlternateContent>",
    )
    assert read_word(body)[0] == "A link and a tag and a control and more once"


def test_marks_of_the_notation_do_not_come_in_with_the_text(read_word, read, tmp_path):
    assert read_word(paragraph("a\ufdd8b\ufdda &#xFDD7;c&#xFDDA;"))[0] == "ab c"
    assert read(tmp_path / "x.docx")[0][0].spans == ()


def test_a_formula_in_a_line_and_one_on_its_own(read_word, read, tmp_path):
    fraction = "<m:f><m:num><m:r><m:t>1</m:t></m:r></m:num><m:den><m:r><m:t>2</m:t></m:r></m:den></m:f>"
    body = paragraph("Half is ", f"<m:oMath>{fraction}</m:oMath>", ".")
    body += paragraph(f"<m:oMathPara><m:oMath>{fraction}</m:oMath></m:oMathPara>")
    body += f"<m:oMathPara><m:oMath>{fraction}</m:oMath></m:oMathPara>"
    assert read_word(body)[0] == r"Half is $\frac{1}{2}$." + "\n\n$$\\frac{1}{2}$$" * 2
    assert [span.kind for span in read(tmp_path / "x.docx")[0][0].spans] == ["formula"] * 3
