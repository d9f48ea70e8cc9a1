"""Sentences and headings come from the running text of a page, not from its notation."""

from backend.generation.language_models.builtin.lexicon import ENGLISH
from backend.generation.language_models.builtin.prose import read_prose
from backend.generation.language_models.interface import SectionPage
from backend.library.types import Span, SpanKind

HEADING = "## Cell division"
FIRST = "The cell divides once a day.[^1]"
NOTE = "[^1]: This was found in a laboratory."
TABLE = "| Phase | Length |\n| --- | --- |\n| The first phase is short. | The second phase is long. |"
CODE = "```python\nThis is a comment in the code.\n```"
LOST = "The rate is [formula] in every cell."
DOUBTFUL = "This line is hard to read."
TEXT = "\n\n".join((HEADING, FIRST, NOTE, TABLE, CODE, LOST, DOUBTFUL))


def span(kind: SpanKind, part: str, level: int | None = None) -> Span:
    start = TEXT.index(part)
    return Span(kind, start, start + len(part), level)


def test_only_running_text_gives_sentences() -> None:
    spans = (
        span(SpanKind.HEADING, HEADING, 2),
        span(SpanKind.TABLE, TABLE),
        span(SpanKind.CODE, CODE),
        span(SpanKind.UNCERTAIN, DOUBTFUL),
    )
    prose = read_prose((SectionPage(1, None, TEXT, spans),), ENGLISH)
    assert [sentence.text for sentence in prose.sentences] == [
        "The cell divides once a day.",
        "This was found in a laboratory.",
    ]
    assert all(sentence.raw in TEXT for sentence in prose.sentences)
    assert prose.headings == (("Cell division", 2),)
    assert prose.sentences[0].heading == "Cell division"
