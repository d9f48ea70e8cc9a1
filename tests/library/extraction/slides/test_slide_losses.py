"""What slides hide, repeat or cannot give is left out, and warned where it is a loss."""

import html
import io
import re

import pytest
from PIL import Image

from backend.library.extraction.errors import UnreadableFile
from tests.library.extraction.slides.deck import NAMESPACES, Deck, body, frame, group, paragraph, picture, shape, title

FULL = (0, 0, 25.4, 19.05)
TEXT = "Osmosis is the diffusion of water across a membrane that lets only some substances through it."


def _png() -> bytes:
    content = io.BytesIO()
    # Noise, in which there is nothing to read.
    Image.effect_noise((64, 64), 120).save(content, "PNG")
    return content.getvalue()


def _with_picture(deck: Deck) -> dict[str, tuple[str, str]]:
    deck.parts["ppt/media/image1.png"] = _png()
    return {"rIdP": ("image", "../media/image1.png")}


def test_hidden_slides_are_left_out_and_counted(deck, read_deck):
    deck.slide(title("Seen"))
    deck.slide(title("Not seen"), attributes='show="0"')
    deck.slide(title("Seen again"))
    pages, warnings = read_deck()
    assert [(page.number, page.label, page.heading) for page in pages] == [(1, None, "Seen"), (2, "3", "Seen again")]
    assert warnings == {"hidden_slides_left_out": 1}


def test_hidden_shapes_and_those_beside_the_slide_are_left_out_and_counted(read_slide):
    text, warnings = read_slide(
        shape("Seen.", at=(2, 2, 9, 2)),
        shape("Hidden.", at=(2, 5, 9, 2), attributes='hidden="1"'),
        group(shape("In a hidden group.", at=(2, 8, 9, 2)), at=(2, 8, 9, 2), attributes='hidden="true"'),
        shape("Beside the slide.", at=(-12, 2, 9, 2)),
        shape(at=(2, 5, 9, 2), attributes='hidden="1"'),
    )
    assert text == "Seen."
    assert warnings == {"hidden_text_removed": 3}


def test_struck_text_is_left_out_and_counted(read_slide):
    runs = "".join(
        f'<a:r><a:rPr strike="{strike}"/><a:t>{text}</a:t></a:r>'
        for strike, text in (("noStrike", "The heart has"), ("sngStrike", " three"), ("dblStrike", " two"))
    )
    text, warnings = read_slide(shape(f"<a:p>{runs}<a:r><a:t> four chambers.</a:t></a:r></a:p>", at=(2, 2, 9, 2)))
    assert text == "The heart has four chambers."
    assert warnings == {"struck_text_removed": 2}


def test_comments_follow_the_notes_with_a_warning(deck, read_slide):
    thread = (
        '<p188:cmLst xmlns:p188="http://schemas.microsoft.com/office/powerpoint/2018/8/main" '
        f"{NAMESPACES}><p188:cm><p188:replyLst><p188:reply>{body('In the exam.', tag='p188:txBody')}</p188:reply>"
        f"</p188:replyLst>{body('Where is', 'this needed?', tag='p188:txBody')}</p188:cm></p188:cmLst>"
    )
    deck.parts["ppt/comments/comment1.xml"] = (
        f"<p:cmLst {NAMESPACES}><p:cm><p:text>Learn this!</p:text></p:cm><p:cm><p:text> </p:text></p:cm></p:cmLst>"
    )
    deck.parts["ppt/comments/modernComment_1.xml"] = thread
    deck.parts["ppt/comments/comment2.xml"] = "<p:cmLst>"
    relations = {
        f"rId{name}": ("comments", f"../comments/{name}.xml") for name in ("comment1", "modernComment_1", "comment2")
    }
    text, warnings = read_slide(title("Cells"), relations=relations, notes=shape("A note."))
    comments = ("Learn this!", "In the exam.", "Where is / this needed?")
    assert text.split("\n\n") == ["## Cells", "A note.", *(f"[comment: {comment}]" for comment in comments)]
    assert warnings == {"annotations_read": 3, "objects_lost": 1}


def test_footers_dates_and_numbers_are_left_out(read_slide):
    field = '<a:p><a:fld id="{{1}}" type="{}"><a:t>7</a:t></a:fld></a:p>'
    text, warnings = read_slide(
        title("Cells"),
        shape("Do not distribute", placeholder='type="ftr" idx="11"'),
        shape("1.1.2026", placeholder='type="dt" idx="10"'),
        shape(field.format("slidenum"), placeholder='type="sldNum" idx="12"'),
        shape(field.format("slidenum"), at=(22, 17, 2, 1)),
        shape(field.format("datetime1"), at=(2, 17, 2, 1)),
    )
    assert text == "## Cells"
    assert warnings == {}


def test_a_text_box_that_most_slides_repeat_at_their_edge_is_a_footer(deck, read_deck):
    for number in range(1, 5):
        deck.slide(
            title(f"Part {number}"),
            shape("A build slide repeats this.", at=(2, 8, 20, 2)),
            shape(f"Prof. Example, page {number}", at=(2, 18, 20, 0.8)),
        )
    pages, warnings = read_deck()
    assert pages[1].text == "## Part 2\n\nA build slide repeats this."
    assert warnings == {}


def test_a_text_at_the_edge_of_two_slides_stays(deck, read_deck):
    for number in range(1, 3):
        deck.slide(title(f"Part {number}"), shape("Source: Example 2020", at=(2, 18, 20, 0.8)))
    pages, _ = read_deck()
    assert pages[0].text == "## Part 1\n\nSource: Example 2020"


def test_notes_follow_the_slide_without_their_own_furniture(read_slide):
    notes = (
        shape(placeholder='type="sldImg"')
        + shape("Ask about glycolysis.", "And about ATP.", placeholder='type="body" idx="1"')
        + shape("Handout", placeholder='type="hdr"')
        + shape("3", placeholder='type="sldNum"')
    )
    text, _ = read_slide(title("Energy"), notes=notes)
    assert text == "## Energy\n\nAsk about glycolysis.\n\nAnd about ATP."


@pytest.mark.parametrize("kind", ["picture", "fill", "background"])
def test_a_slide_that_is_a_picture_is_not_readable(deck, read_deck, kind):
    relations = _with_picture(deck)
    fill = '<a:blipFill><a:blip r:embed="rIdP"/></a:blipFill>'
    deck.slide(
        *{"picture": [picture("rIdP", FULL)], "fill": [shape("", at=FULL, fill=fill)], "background": []}[kind],
        relations=relations,
        background=f"<p:bg><p:bgPr>{fill}</p:bgPr></p:bg>" if kind == "background" else "",
    )
    deck.slide(title("Cells"))
    pages, warnings = read_deck()
    assert [page.skipped for page in pages] == ["not_readable", None]
    assert warnings == {"pictures_not_read": 1, "pages_not_readable": 1}


def test_pictures_of_the_design_and_small_ones_are_no_loss(deck, read_deck):
    relations = _with_picture(deck)
    deck.parts["ppt/media/image2.png"] = _png()
    for number in range(3):
        deck.slide(
            title(f"Part {number}"),
            picture("rIdP", FULL),
            picture("rIdQ", (20, 1, 3, 3)) if number == 0 else "",
            relations={**relations, "rIdQ": ("image", "../media/image2.png")},
        )
    _, warnings = read_deck()
    assert warnings == {}


def test_a_background_behind_text_is_no_loss(read_slide, deck):
    fill = '<a:blipFill><a:blip r:embed="rIdP"/></a:blipFill>'
    text, warnings = read_slide(
        shape(TEXT, at=(2, 5, 20, 5)), relations=_with_picture(deck), background=f"<p:bg><p:bgPr>{fill}</p:bgPr></p:bg>"
    )
    assert text == TEXT
    assert warnings == {}


@pytest.mark.parametrize(
    ("description", "expected"),
    [
        ("A cell with its nucleus", "[image: A cell with its nucleus]"),
        ("Picture 3", ""),
        ("IMG_2041 copy.JPG", ""),
        ("C:\\Users\\x\\cell.png", ""),
        ("Ein Bild, das Text enthält.&#10;&#10;Automatisch generierte Beschreibung", ""),
        ("A diagram. AI-generated content may be incorrect.", ""),
    ],
)
def test_descriptions_of_pictures_are_read_if_somebody_wrote_them(read_slide, deck, description, expected):
    text, warnings = read_slide(
        shape(TEXT, at=(2, 2, 20, 2)),
        picture("rIdP", (2, 6, 12, 9), f'descr="{description}"'),
        relations=_with_picture(deck),
    )
    assert text == f"{TEXT}\n\n{expected}".strip()
    assert warnings == ({} if expected else {"pictures_not_read": 1})


SOURCE = "\\documentclass{article}\n\\begin{document}\n%s %% a comment\n\\end{document}"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("$$E = mc^2$$", "$$E = mc^2$$"),
        ("$E = mc^2$", "$E = mc^2$"),
        (r"\begin{align*}a &= b\\ c &= d\end{align*}", r"$$\begin{aligned}a &= b\\ c &= d\end{aligned}$$"),
        ("Energy is $mc^2$.", "Energy is $mc^2$."),
    ],
)
@pytest.mark.parametrize("is_tagged", [True, False])
def test_a_picture_of_a_formula_that_carries_its_latex_is_read(read_slide, deck, source, expected, is_tagged):
    escaped = html.escape(SOURCE % source).replace("\n", "_x000D_" if is_tagged else "&#10;")
    deck.parts["ppt/tags/tag1.xml"] = f'<p:tagLst {NAMESPACES}><p:tag name="LATEXADDIN" val="{escaped}"/></p:tagLst>'
    shown = picture("rIdP", (2, 6, 12, 3), "" if is_tagged else f'descr="{escaped}"')
    if is_tagged:
        shown = shown.replace("<p:nvPr/>", '<p:nvPr><p:custDataLst><p:tags r:id="rIdT"/></p:custDataLst></p:nvPr>')
    text, warnings = read_slide(shown, relations={**_with_picture(deck), "rIdT": ("tags", "../tags/tag1.xml")})
    assert text == expected
    assert warnings == {}


def test_embedded_objects_handwriting_and_films_are_lost_objects(read_slide, deck):
    film = picture("rIdP", (2, 2, 3, 3)).replace("<p:nvPr/>", '<p:nvPr><a:videoFile r:link="rIdV"/></p:nvPr>')
    _, warnings = read_slide(
        title("Cells"),
        frame('<p:oleObj progId="Excel.Sheet.12"/>'),
        '<p:contentPart r:id="rIdI"/>',
        film,
        relations=_with_picture(deck),
    )
    assert warnings == {"objects_lost": 3}


@pytest.mark.parametrize("target", ["NULL", "../media/image9.png", "slide%201.png", ""])
def test_relations_that_lead_nowhere_do_no_harm(read_slide, target):
    text, _ = read_slide(title("Cells"), picture("rIdP", (20, 1, 3, 3)), relations={"rIdP": ("image", target)})
    assert text == "## Cells"


def test_a_slide_that_is_missing_is_a_page_that_cannot_be_read(deck, read_deck):
    deck.slide(title("Cells"))
    deck.slide(title("Gone"))
    deck.parts["ppt/slides/slide2.xml"], path = "", deck.path
    del deck.parts["ppt/slides/slide2.xml"]
    pages, warnings = read_deck()
    assert path.exists()
    assert [page.skipped for page in pages] == [None, "not_readable"]
    assert warnings == {"pages_not_readable": 1}


def test_a_damaged_layout_costs_nothing_but_its_positions(deck, read_deck):
    deck.slide(title("Cells"), shape("A cell is alive.", placeholder='idx="1"'))
    deck.parts["ppt/slideLayouts/slideLayout1.xml"] = "<broken"
    pages, _ = read_deck()
    assert "A cell is alive." in pages[0].text


def test_names_of_the_strict_format_are_understood(deck, read_deck):
    deck.slide(title("Cells"), shape("Step 2", at=(2, 9, 9, 1)), shape("Step 1", at=(2, 6, 9, 1)))
    for name, content in deck.parts.items():
        deck.parts[name] = re.sub(
            r"http://schemas\.openxmlformats\.org/(drawingml|presentationml|officeDocument)/2006/",
            r"http://purl.oclc.org/ooxml/\1/",
            str(content),
        )
    pages, _ = read_deck()
    assert pages[0].text == "## Cells\n\nStep 1\n\nStep 2"


def test_nothing_but_empty_slides_has_no_text(deck, read_deck):
    deck.slide(shape(paragraph(), placeholder='idx="1"'))
    with pytest.raises(UnreadableFile, match="no_text"):
        read_deck()


def test_groups_nested_without_end_are_damaged(deck, read_deck):
    deck.slide("<p:grpSp>" * 50_000 + "</p:grpSp>" * 50_000)
    with pytest.raises(UnreadableFile, match="damaged"):
        read_deck()
