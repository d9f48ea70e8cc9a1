"""Where the words of a page are."""

import pypdfium2
import pytest

from backend.library.extraction.pdf.geometry import words_of_page
from tests.library.extraction.pdf.raw_pdf import write_pdf


@pytest.mark.parametrize(
    ("turned", "across", "up"), [(0, 0.12, 0.83), (90, 0.83, 0.88), (180, 0.88, 0.17), (270, 0.17, 0.12)]
)
def test_words_have_boxes_on_the_page_as_shown(tmp_path, turned, across, up):
    path = write_pdf(tmp_path / "words.pdf", ["BT /F 11 Tf 72 700 Td (Cell walls) Tj ET"], page=f"/Rotate {turned}")
    document = pypdfium2.PdfDocument(path)
    words = words_of_page(document[0])
    assert [word.text for word in words] == ["Cell", "walls"]
    first = words[0]
    assert first.left - 0.01 <= across <= first.right + 0.01
    assert first.bottom - 0.01 <= up <= first.top + 0.01
    document.close()
