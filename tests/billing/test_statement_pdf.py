"""A statement as PDF: its figures, fonts, pages and names, and that it is safe to make in threads."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType

import pytest
import reportlab
from reportlab.platypus import BaseDocTemplate

from backend.billing.statements.pdf import to_pdf
from backend.billing.statements.statement import CreditMovements, Movement, Statement
from tests.billing.statement_files import LANGUAGES, credits_of, money_of, read_csv, read_pdf
from tests.conftest import CHECKOUT

pytestmark = pytest.mark.usefixtures("billing")


def test_a_pdf_shows_the_same_figures_as_the_csv(client, book):
    payment = book.pay("2026-03-04T10:00:00", 10_000, tax_rappen=75)
    book.pay("2026-03-05T10:00:00", 2_000_000)
    book.refund("2026-06-01T10:00:00", payment, 250)
    book.spend("2026-06-02T10:00:00", 1234)
    _, text, _ = read_pdf(client, language="de")
    one_line = " ".join(text.split())
    for figure in ("04.03.2026", "10.00", "0.75", "8.1", "2’000.00", "-2.50", "2’007.50", "-1’234", "2’006’266"):
        assert figure in one_line
    assert "Seite 1 von 1" in one_line
    assert money_of(read_csv(client))[-1][2] == "2007.50"
    assert credits_of(read_csv(client))[-1] == 2_006_266


def test_a_long_pdf_repeats_its_head_and_numbers_its_pages(client, book):
    for day in range(1, 29):
        for month in range(1, 4):
            book.pay(f"2026-{month:02}-{day:02}T10:00:00", 1000)
    _, text, pages = read_pdf(client)
    assert pages > 2
    for number in range(1, pages + 1):
        assert f"Page {number} of {pages}" in text
    assert text.count("Description") >= pages - 1
    assert "840.00" not in text
    assert "84.00" in text


def test_the_same_statement_is_the_same_file(client, book):
    book.pay("2026-03-04T10:00:00", 10_000)
    first, _, _ = read_pdf(client)
    assert read_pdf(client)[0] == first
    assert read_pdf(client, language="de")[0] != first


def test_the_pdf_has_its_fonts_and_nothing_of_the_machine(client, book):
    book.pay("2026-03-04T10:00:00", 10_000)
    data, _, _ = read_pdf(client)
    assert b"/FontFile2" in data
    for font in (b"Helvetica", b"Times"):
        # ReportLab always lists its default font, but no text may use it.
        assert data.count(b"/BaseFont /" + font) <= 1
    assert str(Path(reportlab.__file__).parent).encode() not in data
    assert b"anonymous" not in data


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Zoë Müller-Weiß", "Zoë Müller-Weiß"),
        ("Cœline Šćepanović Đorđević", "Cœline Šćepanović Đorđević"),
        ("Łukasz Żak", "Łukasz Zak"),
        ("Erdős Pál", "Erdos Pál"),
        # Not in the font at all: the address tells who it is.
        ("Иван Петров", "anna@example.org"),
        ("山田太郎", "anna@example.org"),
        ("<b>Bob</b> & Söhne", "<b>Bob</b> & Söhne"),
        ("=HYPERLINK(1)\nsecond line", "=HYPERLINK(1) second line"),
    ],
)
def test_every_name_can_be_printed(client, book, name, shown):
    book.pay("2026-03-04T10:00:00", 10_000, payer_name=name)
    _, text, _ = read_pdf(client)
    assert f"Issued to {shown}\n" in text


def test_one_thread_at_a_time_writes_a_pdf():
    # ReportLab's fonts are not safe to use in several threads: about one file in 200 fails or gets wrong letters.
    nothing = CreditMovements(0, tuple((movement, 0) for movement in Movement), 0)
    jobs = [(Statement(2026, ("Zoë Šćepanović",), (), nothing), language) for language in LANGUAGES]
    expected = [to_pdf(*job) for job in jobs]
    writing, most = set(), 0

    def note(frame: FrameType, event: str, _argument: object) -> None:
        nonlocal most
        if frame.f_code is BaseDocTemplate.build.__code__ and event in ("call", "return"):
            (writing.add if event == "call" else writing.discard)(threading.get_ident())
            most = max(most, len(writing))

    interval = sys.getswitchinterval()
    # Threads take turns as often as possible.
    sys.setswitchinterval(1e-6)
    threading.setprofile(note)
    try:
        with ThreadPoolExecutor(4) as threads:
            written = list(threads.map(lambda job: to_pdf(*job), jobs * 2))
    finally:
        threading.setprofile(None)
        sys.setswitchinterval(interval)
    assert written == expected * 2
    assert most == 1


def test_the_pdf_library_is_loaded_only_for_a_pdf():
    program = "import sys, backend.billing.routes; print(sorted({'reportlab', 'PIL'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], cwd=CHECKOUT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
