"""Quotes are found on their page and returned as printed, or not found at all."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.library.types import OCR_TRUSTED, PageSource, PageText, Span, SpanKind
from backend.study.evidence import PageIndex, QuoteProblem
from backend.study.types import Evidence, EvidenceStatus

DOCUMENT = UUID("00000000-0000-7000-8000-000000000001")


def index_of(*texts: str) -> PageIndex:
    return PageIndex(DOCUMENT, (PageText(number, text) for number, text in enumerate(texts, start=1)))


def locate(text: str, quote: str) -> Evidence | QuoteProblem:
    return index_of(text).locate(quote, 1)


def page_of(index: PageIndex, quote: str, cited_page: int) -> int:
    found = index.locate(quote, cited_page)
    assert isinstance(found, Evidence)
    return found.page


@pytest.mark.parametrize(
    ("text", "quote", "expected"),
    [
        pytest.param("A. The cell is small. B", "The cell is small.", "The cell is small", id="verbatim"),
        pytest.param("The “oﬃcial” naïve cœur – here", 'the "official" naïve coeur - here', None, id="typography"),
        pytest.param("Das Ver-\nfahren  wirkt\nsofort.", "Das Verfahren wirkt sofort", None, id="line hyphen"),
        pytest.param("Das Ver\u00adfahren wirkt sofort.", "Das Verfahren wirkt sofort", None, id="soft hyphen"),
        pytest.param("Das Ver\ufffefahren wirkt sofort.", "Das Verfahren wirkt sofort", None, id="pdf hyphen"),
        pytest.param("Die Zelle wa\u0308chst schnell.", "Die Zelle wächst schnell", None, id="combining mark"),
        pytest.param("Ein\u200bzeller sind klein.", "Einzeller sind klein.", None, id="zero width"),
        pytest.param("Mitochondria make ATP. ", "“Mitochondria make ATP...”", None, id="edges are trimmed"),
    ],
)
def test_the_quote_is_returned_as_printed_on_the_page(text: str, quote: str, expected: str | None) -> None:
    found = locate(text, quote)
    assert isinstance(found, Evidence)
    assert found.quote == text[found.start : found.end]
    assert found.status is EvidenceStatus.VERIFIED
    assert (found.document_id, found.page) == (DOCUMENT, 1)
    if expected:
        assert found.quote == expected


@pytest.mark.parametrize(
    ("quote", "problem"),
    [
        ("The cell", QuoteProblem.TOO_SHORT),
        ("  The cell i  ", QuoteProblem.TOO_SHORT),
        ("------------------", QuoteProblem.TOO_SHORT),
        ("", QuoteProblem.TOO_SHORT),
        ("The cell … many parts", QuoteProblem.HAS_ELLIPSIS),
        ("The cell ... many parts", QuoteProblem.HAS_ELLIPSIS),
        ("The cell [...] many parts", QuoteProblem.HAS_ELLIPSIS),
        ("The cell . . . many parts", QuoteProblem.HAS_ELLIPSIS),
        ("The liver has many parts", QuoteProblem.NOT_FOUND),
    ],
)
def test_invalid_quotes(quote: str, problem: QuoteProblem) -> None:
    assert locate("The cell is small and has ----------------------- many parts. The cell i", quote) is problem


def test_twelve_characters_are_enough() -> None:
    assert isinstance(locate("It is so: Water is wet, always", "Water is wet"), Evidence)
    assert locate("It is so: Water is we, always", "Water is we") is QuoteProblem.TOO_SHORT


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("The enzyme catalyses the first step of the pathway.", "The enzyme catalyzes the first step of the pathway."),
        (
            "Im Jahr 1995 wurde die Zelle nicht mehr im Labor untersucht, sondern im Feld.",
            "Im Jahr 1995 wurde die Zelle nicht mehr im Labor untersuch, sondern im Feld.",
        ),
        (
            "So it came: The heart pumps the blood through all the vessels.",
            "The heart pumps blood through all the vessels",
        ),
    ],
)
def test_nearly_verbatim_is_found(text: str, quote: str) -> None:
    found = locate(text, quote)
    assert isinstance(found, Evidence)
    assert found.quote == text[found.start : found.end]
    assert found.quote.split()[0] == quote.split(maxsplit=1)[0]
    assert found.quote.split()[-1].strip(".") == quote.rsplit(maxsplit=1)[-1].strip(".")


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        (
            "A total of 39 patients were treated in the second year.",
            "A total of 37 patients were treated in the second year.",
        ),
        (
            "39 patients were treated with the drug in the second year.",
            "37 patients were treated with the drug in the second year.",
        ),
        ("In all, 137 patients were treated with it.", "37 patients were treated with it."),
        ("The mean of the measured values rose to 3.75", "The mean of the measured values rose to 3"),
        ("The mean of the measured values was 2.5 metres", "5 metres"),
        ("The mean of the measured values was -5 degrees in winter", "5 degrees in winter"),
        ("The mean was found to be 3.5 times the first value", "The mean was found to be 35 times the first value"),
        ("The mean was found to be −5 in all of the groups", "The mean was found to be 5 in all of the groups"),
        (
            "It is not permitted to smoke in the corridors of a building.",
            "It is permitted to smoke in the corridors of a building.",
        ),
        (
            "It is permitted to smoke in the corridors of a building.",
            "It is not permitted to smoke in the corridors of a building.",
        ),
        (
            "The patient can't be treated with penicillin at any time",
            "The patient can be treated with penicillin at any time",
        ),
        (
            "Das Rauchen ist in den Gängen der Schule nicht erlaubt.",
            "Das Rauchen ist in den Gängen der Schule erlaubt.",
        ),
        (
            "Die Schule hat für diesen Fall keine Regel im Reglement",
            "Die Schule hat für diesen Fall eine Regel im Reglement",
        ),
        (
            "Il est possible de traiter ce patient sans antibiotiques",
            "Il est possible de traiter ce patient avec antibiotiques",
        ),
        (
            "Questo farmaco non riduce il dolore dei pazienti anziani",
            "Questo farmaco riduce il dolore dei pazienti anziani",
        ),
        (
            "The result of this long study is B and surely not A at all",
            "The result of this long study is not B and surely A at all",
        ),
        ("The kidney does not regulate the body temperature.", "regulate the body temperature"),
        ("Dieses Mittel hilft den Patienten nicht.", "Dieses Mittel hilft den Patienten"),
        ("They said that they don't", "They said that they don"),
        (
            "It is an unimportant part of the whole long chain of reactions",
            "It is an important part of the whole long chain of reactions",
        ),
    ],
)
def test_a_quote_with_another_claim_is_not_found(text: str, quote: str) -> None:
    assert not isinstance(locate(text, quote), Evidence)


def test_quotes_less_than_92_percent_similar_are_not_found() -> None:
    text = "The kidney filters the blood of the whole body all day long."
    assert isinstance(locate(text, "The kidney filters blood of a whole body all day long."), Evidence)
    # This one is 88 % similar, measured in whole words.
    assert locate(text, "The kidney filters much blood of a whole body each day long") is QuoteProblem.NOT_FOUND


def test_contraction_and_long_form_are_the_same_negation() -> None:
    found = locate(
        "Patients with this severe allergy cannot be treated with the common penicillins at all",
        "Patients with this severe allergy can't be treated with the common penicillins at all",
    )
    assert isinstance(found, Evidence)


def test_cited_page_comes_first_then_its_neighbours_then_the_document() -> None:
    sentence = "Osmosis moves water."
    everywhere = index_of(*[sentence] * 9)
    assert page_of(everywhere, sentence, 5) == 5
    beside = index_of(sentence, "", "", sentence, "", "", sentence)
    assert page_of(beside, sentence, 5) == 4
    assert page_of(beside, sentence, 2) == 1
    assert page_of(index_of(sentence, "", sentence), sentence, 2) == 1
    far = index_of(*["nothing here"] * 8, sentence)
    assert page_of(far, sentence, 1) == 9
    assert page_of(far, sentence, 4711) == 9


def test_far_pages_are_searched_for_exact_matches_only() -> None:
    texts = ["nothing here"] * 8
    typo = "The enzyme catalyzes the first step of the pathway."
    original = "The enzyme catalyses the first step of the pathway."
    assert index_of(*texts, original).locate(typo, 1) is QuoteProblem.NOT_FOUND
    assert isinstance(index_of(*texts, original).locate(typo, 9), Evidence)


def test_quote_over_a_page_break_keeps_its_longer_part() -> None:
    pages = index_of("Intro. The liver stores", "  glycogen and releases glucose. More.")
    found = pages.locate("The liver stores glycogen and releases glucose.", 1)
    assert isinstance(found, Evidence)
    assert (found.page, found.quote, found.start) == (2, "glycogen and releases glucose", 2)
    found = index_of("A. The liver stores the gly-", "cogen. More.").locate("The liver stores the glycogen", 2)
    assert isinstance(found, Evidence)
    assert (found.page, found.quote) == (1, "The liver stores the gly")


@pytest.mark.parametrize(
    "text",
    [
        "the frequency is f_T/√2 at the edge",
        "so that x^2 is the area of it",
        "the angle α is the smaller one",
        r"the value \frac{a}{b} is rational",
        "it follows that y = 3 for all of them",
    ],
)
def test_formulas_are_uncheckable(text: str) -> None:
    found = locate(f"First. {text}. Last.", text)
    assert isinstance(found, Evidence)
    assert found.status is EvidenceStatus.UNCHECKABLE


@pytest.mark.parametrize(
    "text",
    [
        "On 23.11.2026 about 37.5 % of 1'200 patients (n. 3)",
        "It costs CHF 12.50, i.e. 5-10 % more than in 2019/20",
        "A dose of 50 µg/ml or 3 mg/kg is given twice a day",
        "Files in /usr/share/doc hold C++ code: read <stdio.h> first",
        "The function g_free of a library takes a pointer",
        "Eingabe → Verarbeitung → Ausgabe ist das Prinzip",
    ],
)
def test_ordinary_numbers_are_not_formulas(text: str) -> None:
    found = locate(f"First. {text}. Last.", text)
    assert isinstance(found, Evidence)
    assert found.status is EvidenceStatus.VERIFIED


def test_a_changed_exponent_is_not_found() -> None:
    for page, quote in [("10² square", "102 square"), ("102 square", "10² square"), ("10^{23} square", "1023 square")]:
        assert locate(f"The area is {page} metres in all.", f"The area is {quote} metres in all.") is (
            QuoteProblem.NOT_FOUND
        )


words = st.lists(
    st.sampled_from(["Zelle", "ﬁne", "„so“", "Ver-\nfahren", "é", "e\u0301tat", "x", "2019", "–"]), min_size=8
)


@given(words, st.data())
def test_any_run_of_whole_words_is_found(chosen: list[str], data: st.DataObject) -> None:
    text = "  ".join(chosen)
    first = data.draw(st.integers(0, len(chosen) - 4))
    quote = " ".join(chosen[first:])
    found = locate(text, quote)
    if not isinstance(found, QuoteProblem):
        assert found.quote == text[found.start : found.end]
    assert found is not QuoteProblem.NOT_FOUND


def status_of(page: PageText, quote: str) -> EvidenceStatus | None:
    found = PageIndex(DOCUMENT, [page]).locate(quote, 1)
    return found.status if isinstance(found, Evidence) else None


@pytest.mark.parametrize("uncertain", [True, False])
def test_both_parts_of_a_quote_over_a_page_break_must_be_readable(uncertain: bool) -> None:
    first = PageText(1, "Intro. The liver", spans=(Span(SpanKind.UNCERTAIN, 7, 10),) if uncertain else ())
    index = PageIndex(DOCUMENT, [first, PageText(2, "stores glycogen and releases glucose. More.")])
    found = index.locate("The liver stores glycogen and releases glucose.", 1)
    assert isinstance(found, Evidence)
    assert found.page == 2
    assert found.status is (EvidenceStatus.UNCHECKABLE if uncertain else EvidenceStatus.VERIFIED)


def test_a_quote_of_code_keeps_its_first_indentation() -> None:
    text = "So:\n\n```py\nif a:\n    call_it(once)\n    call_it(twice)\n```"
    page = PageText(1, text, spans=(Span(SpanKind.CODE, 5, len(text)),))
    found = PageIndex(DOCUMENT, [page]).locate("call_it(once)\ncall_it(twice)", 1)
    assert isinstance(found, Evidence)
    assert found.quote == text[found.start : found.end] == "    call_it(once)\n    call_it(twice)"


def test_a_quote_that_touches_an_uncertain_span_is_uncheckable() -> None:
    text = "The first sentence is right. The second one is doubtful."
    page = PageText(1, text, spans=(Span(SpanKind.UNCERTAIN, 29, len(text)),))
    assert status_of(page, "The first sentence is right.") is EvidenceStatus.VERIFIED
    assert status_of(page, "sentence is right. The second one") is EvidenceStatus.UNCHECKABLE


@pytest.mark.parametrize(
    ("confidence", "status"),
    [(OCR_TRUSTED - 1, EvidenceStatus.UNCHECKABLE), (OCR_TRUSTED, EvidenceStatus.VERIFIED)],
)
def test_a_quote_of_a_badly_recognised_page_is_uncheckable(confidence: int, status: EvidenceStatus) -> None:
    page = PageText(1, "The cell is small indeed.", source=PageSource.OCR, confidence=confidence)
    assert status_of(page, "The cell is small indeed.") is status


@pytest.mark.parametrize(
    ("quote", "status"),
    [
        (r"the energy is $E = mc^{2}$ at rest", EvidenceStatus.VERIFIED),
        (r"the energy is \(E = mc^2\) at rest", EvidenceStatus.VERIFIED),
        (r"the energy is E = mc² at rest", EvidenceStatus.VERIFIED),
        (r"the energy is $e = Mc^{2}$ at rest", EvidenceStatus.UNCHECKABLE),
        (r"the energy is $E = mc^{3}$ at rest", None),
        (r"= mc^{2} at rest and slow", EvidenceStatus.UNCHECKABLE),
    ],
)
def test_a_formula_counts_if_its_whole_span_is_quoted(quote: str, status: EvidenceStatus | None) -> None:
    text = "Here the energy is $E = mc^{2}$ at rest and slow."
    start = text.index("$")
    span = Span(SpanKind.FORMULA, start, text.rindex("$") + 1)
    assert status_of(PageText(1, text, spans=(span,)), quote) is status


@pytest.mark.parametrize("version", [1, 2])
def test_exponents_count_where_the_page_carries_them(version: int) -> None:
    page = PageText(1, "A mole has 10^{23} particles or more.", text_version=version)
    expected = EvidenceStatus.VERIFIED if version == 2 else EvidenceStatus.UNCHECKABLE
    assert status_of(page, "A mole has 10²³ particles or more.") is expected


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("A kilobyte equals 2^{10} bytes.", "A kilobyte equals 2"),
        ("A kilobyte equals 2^{10} bytes in all of memory.", "A kilobyte equals 2 10 bytes in all of memory."),
        ("Fever is a temperature of ≥ 38 degrees or so", "Fever is a temperature of 38 degrees or so"),
        ("Fever: ≥ 38 degrees of the body or so", "38 degrees of the body or so"),
        ("Take a single dose of 50 µg in the morning", "Take a single dose of 50 g in the morning"),
        ("| Iron | 7.9 |\n| Copper | 8.9 |", "Iron 7.9 Copper 8.9"),
        ("| Kidney | filters blood |\n| Liver | makes bile |", "Kidney makes bile"),
        ("It weighs 5[^1] kg in all of the cases", "It weighs 51 kg in all of the cases"),
        ("1. The kidney cleans.\n2. The liver works.", "The kidney cleans. The liver works."),
    ],
)
def test_a_quote_that_loses_meaning_is_not_found(text: str, quote: str) -> None:
    assert status_of(PageText(1, text), quote) is None


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("# A long title\n\nThe text.", "A long title"),
        ("| Iron ore | 7.9 | g |\n| Copper | 8.9 | g |", "Iron ore 7.9 g"),
        ("| Iron ore | 7.9 | g |\n| Copper | 8.9 | g |", "Iron ore | 7.9 | g"),
        ("| Iron ore | 7.9 | g |\n| Copper | 8.9 | g |", "| Iron ore | 7.9 | g |\n| Copper | 8.9 | g |"),
        ("They found it in 1953.[^1] It was new.\n\n[^1]: Really.", "They found it in 1953. It was new."),
        ("| Iron ore | 7.9 | g |\n| Copper | 8.9 | g |", "Iron ore | 7.9 | g |\n| Copper | 8.9 | g"),
        ("The parts:\n\n1. The kidney cleans.\n2. The liver works.", "1. The kidney cleans.\n2. The liver works."),
        ("a) The kidney filters blood\nb) The liver works", "The kidney filters blood"),
        ("The kidney[^1] works.\n\n[^1]: All of it, each day.", "All of it, each day"),
        ("Water is H_{2}O, and it is polar as we all know.", "Water is H2O, and it is polar as we all know."),
        ("It costs $5, not 6$ as they say.", "It costs $5, not 6$ as they say."),
    ],
)
def test_structure_does_not_hide_a_quote(text: str, quote: str) -> None:
    assert status_of(PageText(1, text), quote) is not None
