"""Sentences and headings come from the running text of a page, not from its notation."""

import pytest

from backend.generation.language_models.builtin.lexicon import ENGLISH
from backend.generation.language_models.builtin.prose import read_prose
from backend.generation.language_models.interface import SectionPage
from backend.library.types import Span, SpanKind
from tests.generation.builtin.texts import NETWORKS, write

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


GOOD = "A router is a device that forwards packets between networks of all kinds."


@pytest.mark.parametrize(
    ("kind", "part", "sentence"),
    [
        (None, "", "A router is a device that forwards 10^{3} packets between networks of all kinds."),
        (None, "", "A router is a device that forwards CO_{2} packets between networks of all kinds."),
        (None, "", "A router is a device that forwards [formula] packets between networks of all kinds."),
        (SpanKind.FORMULA, "$n$", "A router is a device that forwards $n$ packets between networks of all kinds."),
        (SpanKind.UNCERTAIN, "packets", GOOD),
        (SpanKind.HEADING, GOOD, GOOD),
        (SpanKind.CODE, GOOD, GOOD),
        (SpanKind.TABLE, GOOD, GOOD),
        (SpanKind.FORMULA, "ABC", "The Advanced Basic Code (ABC) maps the names of machines to addresses."),
    ],
)
def test_no_item_comes_from_what_a_card_would_mangle(kind: SpanKind | None, part: str, sentence: str) -> None:
    def quotes(text: str, spans: tuple[Span, ...]) -> list[str]:
        reply = write(SectionPage(1, None, text, spans))
        return [quote.quote for item in (*reply.flashcards, *reply.questions) for quote in item.quotes]

    sentence = f"## {sentence}" if kind is SpanKind.HEADING else sentence
    part = sentence if kind is SpanKind.HEADING else part
    text = f"{sentence}\n\n{NETWORKS.split('addresses.')[1]}"
    start = text.index(part)
    spans = (Span(kind, start, start + len(part), 2 if kind is SpanKind.HEADING else None),) if kind else ()
    found = quotes(text, spans)
    assert found
    assert not [quote for quote in found if quote in sentence]
    plain = GOOD if "router" in sentence else sentence
    assert [quote for quote in quotes(text.replace(sentence, plain), ()) if quote in plain]


def test_a_mark_of_a_note_is_in_the_quote_and_not_on_the_card() -> None:
    text = NETWORKS.replace("between networks.", "between networks.[^1]").replace("A firewall", "A firewall[^12]")
    reply = write(SectionPage(1, None, text))
    cards = {card.front: card for card in reply.flashcards}
    assert cards["What is a router?"].quotes[0].quote.endswith("between networks.[^1]")
    texts = [card.front + card.back for card in reply.flashcards]
    texts += [question.stem + "".join(option.text for option in question.options) for question in reply.questions]
    assert any("firewall" in text for text in texts)
    assert not [text for text in texts if "[^" in text or "]" in text]


def test_a_line_of_a_glossary_that_may_be_misread_defines_nothing() -> None:
    text = (
        "Begriffe\n• Diffusion: Ausbreitung von Teilchen entlang eines Gefälles\n"
        "• Mitose: Teilung des Zellkerns, bei der zwei gleiche Kerne entstehen.\n"
        "Das Wasser wird durch die Wurzel aufgenommen und nicht über die Blätter der Pflanze verteilt.\n"
    )
    start = text.index("Teilchen")
    for spans in ((), (Span(SpanKind.UNCERTAIN, start, start + 8),)):
        cards = {card.front for card in write(SectionPage(1, None, text, spans), language="de").flashcards}
        assert "Definiere: Mitose" in cards
        assert ("Definiere: Diffusion" in cards) is (not spans)
