"""What shows in comparison of pages, and what was typed into a file."""

import pytest
from reportlab.pdfgen.canvas import Canvas

from backend.library.extraction.pdf.language import is_garbage
from tests.library.extraction.pdf.raw_pdf import write_pdf

PARAGRAPH = "The cell membrane is a thin layer of lipids and proteins."
TEXTS = {
    "English": "Osmosis is the diffusion of water across a membrane that lets water pass but holds back salts. " * 4,
    "German": "Die Zellmembran ist eine dünne Schicht aus Lipiden, welche das Zytoplasma nach aussen abgrenzt. " * 4,
    "French": "La membrane plasmique est une fine couche de lipides qui sépare la cellule de son milieu. " * 4,
    "Italian": "La membrana cellulare è uno strato sottile di lipidi che separa la cellula dal suo ambiente. " * 4,
    "Latin": "Omnis cellula oritur ex cellula, quae membrana tenui circumdata nucleum continet atque plasma. " * 4,
    "Romansh": "La cellula è la pli pitschna unitad da mintga organissem viv e vegn circumdada da ina membrana. " * 4,
    "Finnish": "Solukalvo on ohut rasvojen ja proteiinien muodostama kerros, joka erottaa solun ympäristöstään. " * 4,
    "Polish": "Błona komórkowa oddziela wnętrze komórki od środowiska zewnętrznego i przepuszcza cząsteczki. " * 4,
    "Czech": "Buněčná membrána odděluje vnitřek buňky od prostředí; čtvrt hodiny trvá, než projde vrstvou. " * 4,
    "Greek": "Η κυτταρική μεμβράνη είναι ένα λεπτό στρώμα λιπιδίων που περιβάλλει το κύτταρο. " * 4,
    "Hebrew": "התא הוא היחידה הקטנה ביותר של החיים ומוקף בקרום דק של שומנים. " * 6,
    "Chinese": "细胞膜是由脂质和蛋白质组成的薄层,将细胞与环境隔开。" * 10,
    "code": "for index in range(len(buffer)): ptr = malloc(sizeof(struct node)); html_tbl += 1\n" * 5,
    "sequences": "ACGTTGCA GGCATTAC MKVLAAGI VWRSTQPF " * 40,
    "numbers": "12.5 13.7 14.9 1 024 65 536 kg mol cm 3.14 2.72 NaCl HCl KMnO4 pH 7.4 mmHg kJ 1/2 \n" * 8,
    "names": "Schwarz Schmidt Strnad Krč Hrdlička Wright Lynch Nguyen Ng Fitzgerald Brzezinski Szczepan " * 5,
}


@pytest.mark.parametrize("kind", TEXTS)
def test_no_language_is_garbage(kind):
    assert not is_garbage(TEXTS[kind])


@pytest.mark.parametrize("shift", [1, 3, 5, 7, 11, 13, 17, 19, 23])
@pytest.mark.parametrize("kind", ["English", "German", "French", "Italian"])
def test_shifted_letters_are_garbage(kind, shift):
    letters = "abcdefghijklmnopqrstuvwxyz"
    shifted = letters[shift:] + letters[:shift]
    assert is_garbage(TEXTS[kind].lower().translate(str.maketrans(letters, shifted)))


def test_running_heads_and_page_numbers_are_removed(make_pdf, read):
    pages, report = read(
        make_pdf(
            [[(72, 810, "Biology I - Winter"), (72, 700, f"{PARAGRAPH} {n}"), (290, 30, str(n + 11))] for n in range(4)]
        )
    )
    assert [page.text for page in pages] == [f"{PARAGRAPH} {n}" for n in range(4)]
    assert report.warnings == ()


@pytest.mark.parametrize(("number_y", "text_y"), [(150, 700), (700, 600)], ids=["foot", "top"])
def test_a_page_number_apart_from_the_text_is_the_label_of_its_page(make_pdf, read, number_y, text_y):
    pages, _ = read(make_pdf([[(72, text_y, f"{PARAGRAPH} {n}"), (290, number_y, f"- {n + 11} -")] for n in range(4)]))
    assert [(page.text, page.label) for page in pages] == [(f"{PARAGRAPH} {n}", str(n + 11)) for n in range(4)]


def test_a_page_of_its_number_only_has_it_as_its_label(make_pdf, read):
    pages, _ = read(make_pdf([[(72, 700, PARAGRAPH)] * (n != 2) + [(290, 150, str(n + 11))] for n in range(4)]))
    assert [page.label for page in pages] == ["11", "12", "13", "14"]


def test_counting_numbers_far_from_the_edge_of_the_page_stay(make_pdf, read):
    pages, _ = read(make_pdf([[(72, 700, f"{PARAGRAPH} {n}"), (290, 400, str(n + 11))] for n in range(4)]))
    assert [(page.text.split()[-1], page.label) for page in pages] == [(str(n + 11), None) for n in range(4)]


def test_a_counting_number_just_below_the_text_stays(make_pdf, read):
    # 1.5 times the size of the letters away, as the next line of a list.
    pages, _ = read(make_pdf([[(72, 168, "Result:"), (72, 150, str(n + 11))] for n in range(4)]))
    assert [(page.text.split()[-1], page.label) for page in pages] == [(str(n + 11), None) for n in range(4)]


def test_numbers_that_do_not_count_pages_stay(make_pdf, read):
    pages, _ = read(make_pdf([[(72, 700, PARAGRAPH), (290, 150, number)] for number in ("36", "12", "99", "37")]))
    assert [(page.text.split()[-1], page.label) for page in pages] == [(n, None) for n in ("36", "12", "99", "37")]


def test_counting_numbers_in_the_text_stay(make_pdf, read):
    pages, _ = read(make_pdf([[(72, 162, "Result:"), (72, 150, str(number))] for number in range(4)]))
    assert [page.text.split()[-1] for page in pages] == list("0123")


def test_repeated_lines_of_two_pages_or_of_the_body_stay(make_pdf, read):
    pages, _ = read(make_pdf([[(72, 810, "Chapter"), (72, 700, PARAGRAPH)]] * 2))
    assert [page.text for page in pages] == [f"Chapter\n{PARAGRAPH}"] * 2
    slides = [
        [(72, 700, "Transport layer"), *((72, 600 - 30 * n, f"Point {n}") for n in range(1, last))]
        for last in (2, 3, 4)
    ]
    pages, _ = read(make_pdf(slides))
    assert [page.text.split("\n")[0] for page in pages] == ["Transport layer"] * 3
    assert pages[2].text.endswith("Point 1\nPoint 2\nPoint 3")


def test_line_numbers_are_removed_and_numbers_of_lists_stay(make_pdf, read):
    text = [
        "1 Osmosis is the diffusion of water across a",
        "2 membrane. Turgor is the pressure of the",
        "3 content on the wall. A buffer",
        "4 keeps its pH.",
    ]
    pages, _ = read(make_pdf([text]))
    assert pages[0].text.startswith("Osmosis is the diffusion of water across a\nmembrane.")
    tasks = ["1 Name the artery.", "2 Draw the heart.", "3 Define the pulse.", "4 Explain the valve."]
    pages, _ = read(make_pdf([tasks]))
    assert pages[0].text == "\n".join(tasks)


def test_lines_in_larger_type_are_headings(tmp_path, read):
    canvas = Canvas(str(tmp_path / "headings.pdf"))
    for size, y, text in [
        (20, 760, "Transport"),
        (14, 700, "Passive transport"),
        *((11, 680 - 14 * n, PARAGRAPH) for n in range(9)),
    ]:
        canvas.setFont("Helvetica", size)
        canvas.drawString(72, y, text)
    canvas.save()
    pages, _ = read(tmp_path / "headings.pdf")
    assert pages[0].text.split("\n\n")[:2] == ["# Transport", "## Passive transport"]
    assert [(span.kind, span.level) for span in pages[0].spans] == [("heading", 1), ("heading", 2)]


def test_bullets_become_hyphens(make_pdf, read):
    pages, _ = read(make_pdf([["\u2022 The cell wall", "\u2022 The membrane", "1. The nucleus"]]))
    assert pages[0].text == "- The cell wall\n- The membrane\n1. The nucleus"


def test_a_page_knows_its_printed_label(tmp_path, read):
    canvas = Canvas(str(tmp_path / "labels.pdf"))
    for number in range(3):
        canvas.addPageLabel(number, "ROMAN_LOWER" if number < 2 else "ARABIC", 1 if number != 1 else 2)
        canvas.drawString(72, 700, f"{PARAGRAPH} {number}")
        canvas.showPage()
    canvas.save()
    pages, _ = read(tmp_path / "labels.pdf")
    assert [page.label for page in pages] == ["i", "ii", "1"]


def test_typed_comments_are_read_at_their_place(tmp_path, read):
    content = "BT /F 11 Tf 72 700 Td (The heart pumps blood.) Tj 0 -100 Td (The lung takes up oxygen.) Tj ET"
    note = "<</Type/Annot/Subtype/FreeText/Rect[72 640 400 660]/Contents(The aorta is an artery.)/DA(/F 11 Tf)%s>>"
    for flags, is_read in (("", True), ("/F 2", False)):
        path = write_pdf(tmp_path / "notes.pdf", [content], page="/Annots[4 0 R]", objects=[note % flags])
        pages, report = read(path)
        typed = ["The aorta is an artery."] if is_read else []
        assert pages[0].text.split("\n") == ["The heart pumps blood.", *typed, "The lung takes up oxygen."]
        assert [warning.code for warning in report.warnings] == ["annotations_read"] * is_read


def test_values_of_form_fields_are_read(tmp_path, read):
    canvas = Canvas(str(tmp_path / "form.pdf"))
    canvas.drawString(72, 705, "Osmosis:")
    canvas.acroForm.textfield(name="osmosis", x=140, y=700, width=300, value="The diffusion of water.", borderWidth=0)
    canvas.acroForm.textfield(name="empty", x=140, y=600, width=300, value="", borderWidth=0)
    canvas.save()
    pages, report = read(tmp_path / "form.pdf")
    assert pages[0].text == "Osmosis:\nThe diffusion of water."
    assert [(warning.code, warning.count) for warning in report.warnings] == [("annotations_read", 1)]


def _code_font(name):
    return {"X": f"<</Type/Font/Subtype/Type1/BaseFont/{name}/FirstChar 0/LastChar 255/Widths[{'600 ' * 256}]>>"}


def test_ligatures_of_tex_fonts_have_their_meaning(tmp_path, read):
    content = f"BT /F 11 Tf 72 700 Td ({PARAGRAPH}) Tj /X 11 Tf 0 -20 Td (An e\\033ect) Tj ET"
    pages, report = read(write_pdf(tmp_path / "cork.pdf", [content], fonts=_code_font("ABCDEF+SFRM1000")))
    assert "An effect" in pages[0].text
    assert report.warnings == ()


def test_characters_without_a_meaning_are_shown_as_unknown(tmp_path, read, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    content = f"BT /F 11 Tf 72 700 Td ({PARAGRAPH}) Tj /X 11 Tf 0 -20 Td (An e\\033ect) Tj ET"
    pages, report = read(write_pdf(tmp_path / "unknown.pdf", [content], fonts=_code_font("ABCDEF+Custom")))
    assert "An e\ufffdect" in pages[0].text
    assert [warning.code for warning in report.warnings] == ["characters_unknown"]
