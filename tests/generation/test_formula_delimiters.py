"""Formulas of a model's reply get the delimiters of items only where the pages name them as formulas."""

from uuid import UUID

import pytest

from backend.generation.checks.formulas import delimit_formulas, formulas_of
from backend.generation.checks.section import check_reply
from backend.generation.language_models.interface import (
    DraftFlashcard,
    DraftOption,
    DraftQuestion,
    DraftQuote,
    SectionPage,
    SectionReply,
    SectionRequest,
)
from backend.library.types import PageText, Span, SpanKind
from backend.study.types import Counts, Difficulty, FlashcardKind

TEXT = "At rest the energy is $E = mc^{2}$ for a mass $m$, and it costs $5 or $6.\n\n$$\\frac{a}{b} > 0$$"
PAGE = PageText(
    1,
    TEXT,
    spans=tuple(
        Span(SpanKind.FORMULA, TEXT.index(part), TEXT.index(part) + len(part))
        for part in ("$E = mc^{2}$", "$m$", "$$\\frac{a}{b} > 0$$")
    ),
)


@pytest.mark.parametrize(
    ("text", "delimited"),
    [
        ("Is $E=mc^2$ right?", r"Is \(E=mc^2\) right?"),
        ("Is $m$ a mass?", r"Is \(m\) a mass?"),
        (r"$$ \frac{a}{b}>0 $$", r"\[\frac{a}{b}>0\]"),
        ("From $x + E = mc^{2} - y$", r"From \(x + E = mc^{2} - y\)"),
        ("It costs $5, and $m$ is 6$.", r"It costs $5, and \(m\) is 6$."),
        ("It costs $5 or $6.", "It costs $5 or $6."),
        ("It costs $5 for E = mc^2 or 6$.", "It costs $5 for E = mc^2 or 6$."),
        ("Take $n$ and $m + 1$.", "Take $n$ and $m + 1$."),
        (r"\(\text{$m$}\) and ```$m$```", r"\(\text{$m$}\) and ```\(m\)```"),
        ("```sh\necho $m$\n```", "```sh\necho $m$\n```"),
    ],
)
def test_only_formulas_of_the_pages_are_delimited(text: str, delimited: str) -> None:
    assert delimit_formulas(text, formulas_of([PAGE])) == delimited


def test_a_reply_gets_its_delimiters_and_the_fix_is_counted() -> None:
    quotes = (DraftQuote(1, "At rest the energy is $E = mc^{2}$ for a mass"),)
    card = DraftFlashcard(
        FlashcardKind.BASIC, "What is the energy at rest?", "$E = mc^{2}$, not $5", Difficulty.EASY, "Energy", quotes
    )
    options = tuple(DraftOption(name, text) for name, text in zip("abcd", ("$m$", "$5", "$6", "$7"), strict=True))
    question = DraftQuestion("Which is a mass?", options, "a", "It is $m$.", Difficulty.EASY, "Energy", quotes)
    request = SectionRequest(UUID(int=1), "n.pdf", (SectionPage(1, None, TEXT, PAGE.spans),), Counts(1, 1), "en")
    checked = check_reply(SectionReply((), (card,), (question,)), request, [PAGE])
    assert checked.fixed == {"formula_delimiters": 2}
    first, second = checked.items
    assert first.content.back == r"\(E = mc^{2}\), not $5"
    assert {option.text for option in second.content.options} == {r"\(m\)", "$5", "$6", "$7"}
    assert second.content.explanation == r"It is \(m\)."
    assert first.evidence[0].quote == "At rest the energy is $E = mc^{2}$ for a mass"
