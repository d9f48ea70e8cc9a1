"""The languages in which scans of a study set are recognised.

Tesseract prefers the first of several languages: with the page's own language first, reading took a fifth less time.
The others stay, because one document may be in another language than the rest.
"""

from typing import Final
from uuid import UUID

import sqlalchemy as sa

from backend.core.database.database import db
from backend.library.models import Document, Page
from backend.library.types import PageSource
from backend.text.languages import detect_language

_TESSERACT_NAMES: Final = {"en": "eng", "de": "deu", "fr": "fra", "it": "ita"}
_SAMPLE_PAGES: Final = 20
_PAGE_CHARS: Final = 1_000
# Fewer do not tell the language by their function words.
_MIN_CHARS: Final = 400


def order_languages(study_set_id: UUID, languages: str) -> str:
    """Return Tesseract's names, joined by ``+``, with the language of the study set's text first."""
    text = "\n".join(db.session.scalars(_sample(study_set_id)))
    if len(text) < _MIN_CHARS:
        return languages
    main = _TESSERACT_NAMES[detect_language(text)]
    return "+".join(sorted(languages.split("+"), key=lambda name: name != main))


def _sample(study_set_id: UUID) -> sa.Select[tuple[str]]:
    return (
        sa.select(sa.func.left(Page.text, _PAGE_CHARS))
        .join(Document, Document.id == Page.document_id)
        .where(Document.study_set_id == study_set_id, Page.source == PageSource.TEXT.value, Page.text != "")
        .order_by(Document.id.desc(), Page.number)
        .limit(_SAMPLE_PAGES)
    )
