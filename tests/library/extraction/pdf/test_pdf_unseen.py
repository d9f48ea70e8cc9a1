"""Text that is in a file and that no reader sees: it is left out, and text on a ground or a scan is not."""

import pytest

from tests.library.extraction.pdf.raw_pdf import HELVETICA, write_pdf

SEEN = "Osmosis is the diffusion of water across a membrane."
UNSEEN = "A lysosome is a planet of a distant star."
LETTERS = len(UNSEEN)
# A picture of one grey pixel, to be drawn over a square unit.
PICTURE = "BI /W 1 /H 1 /CS /G /BPC 8 ID \x80 EI"
PAPER = "BI /W 1 /H 1 /CS /G /BPC 8 ID \xff EI"


def line(text, y, look="", size=11):
    return f"q {look} BT /F {size} Tf 72 {y} Td ({text}) Tj ET Q"


@pytest.fixture
def read_drawn(tmp_path, read):
    """Read a page of a content stream; returns its text and the counts of hidden characters."""

    def _read(*parts, **options):
        (page,), report = read(write_pdf(tmp_path / "unseen.pdf", ["\n".join(parts)], **options))
        return page.text, [warning.count for warning in report.warnings if warning.code == "hidden_text_removed"]

    return _read


@pytest.mark.parametrize(
    "hidden",
    [
        pytest.param(line(UNSEEN, 600, "3 Tr"), id="not drawn"),
        pytest.param(line(UNSEEN, 600, size=0.5), id="tiny"),
        pytest.param(line(UNSEEN, 600, "0.05 0 0 0.05 0 0 cm"), id="tiny by its scale"),
        pytest.param(line(UNSEEN, 600, "1 g"), id="white"),
        pytest.param(line(UNSEEN, 600, "0.98 0.99 1 rg"), id="nearly white"),
        pytest.param(line(UNSEEN, 600, "0 0 0 0 k"), id="white of a printer"),
        pytest.param(f"0.3 g 60 500 400 40 re f {line(UNSEEN, 600, '1 g')}", id="white beside a ground"),
        pytest.param(f"0.3 g 60 590 400 25 re n {line(UNSEEN, 600, '1 g')}", id="white in a box that is not drawn"),
        pytest.param(f"0.3 g 60 590 400 40 re 64 594 392 32 re f* {line(UNSEEN, 606, '1 g')}", id="white in a frame"),
        pytest.param(
            f"q 90 0 0 90 72 300 cm {PICTURE} Q {line(UNSEEN, 600, '3 Tr')}", id="not drawn, beside a picture"
        ),
        pytest.param(f"{line(UNSEEN, 600, '1 g')} {line('Turgor is a pressure.', 650, '1 g')}", id="two lines"),
    ],
)
def test_text_that_is_not_seen_is_left_out(read_drawn, hidden):
    count = LETTERS + (len("Turgor is a pressure.") if "Turgor" in hidden else 0)
    assert read_drawn(line(SEEN, 700), hidden) == (SEEN, [count])


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_white_text_is_told_from_its_ground_on_a_turned_page(read_drawn, rotation):
    ground = f"0 0 0.4 rg 60 590 400 25 re f {line('Turgor is a pressure.', 600, '1 g')}"
    parts = [line(SEEN, 700), ground, line(UNSEEN, 400, "1 g")]
    text, hidden = read_drawn(*parts, page=f"/Rotate {rotation}")
    assert (sorted(text.split("\n")), hidden) == ([SEEN, "Turgor is a pressure."], [LETTERS])


@pytest.mark.parametrize("box", ["/CropBox[50 50 500 800]", "/MediaBox[-20 -30 595 842]"])
def test_white_text_is_told_from_its_ground_on_a_cropped_page(read_drawn, box):
    ground = f"0 0 0.4 rg 60 590 400 25 re f {line('Turgor is a pressure.', 600, '1 g')}"
    parts = [line(SEEN, 700), ground, line(UNSEEN, 400, "1 g")]
    assert read_drawn(*parts, page=box) == (f"{SEEN}\nTurgor is a pressure.", [LETTERS])


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param(f"0.1 0.3 0.6 rg 60 590 400 25 re f {line(UNSEEN, 600, '1 g')}", id="white on a dark head"),
        pytest.param(f"1 1 0 rg 60 590 400 25 re f {line(UNSEEN, 600, '1 g')}", id="white on yellow"),
        pytest.param(f"q 500 0 0 90 40 560 cm {PICTURE} Q {line(UNSEEN, 600, '1 g')}", id="white on a picture"),
        pytest.param(line(UNSEEN, 600, "1 g 0 G 0.4 w 2 Tr"), id="white with an outline"),
        pytest.param(line(UNSEEN, 600, "0.8 g"), id="grey"),
        pytest.param(line(UNSEEN, 600, "1 1 0 rg"), id="yellow"),
        pytest.param(line(UNSEEN, 600, size=2), id="small"),
        pytest.param(f"q 500 0 0 90 40 560 cm {PICTURE} Q {line(UNSEEN, 600, '3 Tr')}", id="layer of a figure"),
    ],
)
def test_text_that_is_seen_stays(read_drawn, shown):
    assert read_drawn(line(SEEN, 700), shown) == (f"{SEEN}\n{UNSEEN}", [])


@pytest.mark.parametrize("look", ["3 Tr", "1 g"])
def test_the_text_layer_of_a_scan_stays(read_drawn, look):
    scan = f"q 595 0 0 842 0 0 cm {PAPER} Q"
    assert read_drawn(scan, line(SEEN, 700, look), line(UNSEEN, 600, look)) == (f"{SEEN}\n{UNSEEN}", [])


def test_the_text_layer_of_letters_that_are_outlines_stays(read_drawn):
    outlines = " ".join(f"{72 + 3 * n} 700 2 8 re" for n in range(90)) + " f"
    assert read_drawn(outlines, line(SEEN, 700, "3 Tr")) == (SEEN, [])


def test_letters_of_a_bitmap_font_are_not_tiny(read_drawn):
    glyph = "<</Length 31>>stream\n40 0 0 0 40 60 d1 0 0 40 60 re f\nendstream"
    font = (
        "<</Type/Font/Subtype/Type3/FontBBox[0 0 40 60]/FontMatrix[1 0 0 1 0 0]/FirstChar 97/LastChar 97/Widths[44]"
        "/CharProcs<</a 4 0 R>>/Encoding<</Type/Encoding/Differences[97/a]>>/Resources<<>>>>"
    )
    text, hidden = read_drawn(
        line(SEEN, 700), "BT /X 0.2 Tf 72 680 Td (aaaa) Tj ET", fonts={"F": HELVETICA, "X": font}, objects=[glyph]
    )
    assert (text, hidden) == (f"{SEEN}\naaaa", [])


def test_a_tiny_page_has_small_text(read_drawn):
    parts = ["0.05 0 0 0.05 0 0 cm", line(SEEN, 700), line("Turgor is a pressure.", 600)]
    assert read_drawn(*parts, page="/MediaBox[0 0 30 42]") == (f"{SEEN}\nTurgor is a pressure.", [])
