"""Folding removes only typography, and keeps the original offsets."""

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from backend.text.folding import fold

TRICKY = "aZéß\u00a0 \n\t-‐–—…„“«»’ﬁﬀœŒæ²½µΩİſ\u00ad\ufffe\u200b\u202e\U000e0041\u0301\u0308´ǆ㎏각한\U0001d465\ufb1d0\r"
NOTATION = "^_{}()$|#`[]<½⅓①₂⁻\\½²2a 1"
texts = st.text(st.one_of(st.sampled_from(TRICKY + NOTATION), st.characters(codec="utf-8")), max_size=60)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("“Das” ‚ist’ «so» – oder — so", '"das" \'ist\' "so" - oder - so'),
        ("oﬃzin ﬁnden cœur Œuvre Ægir", "offizin finden coeur oeuvre aegir"),
        (
            "Ver-\nfahren, Ver\u00adfahren, Ver\u00ad\nfahren, Ver\ufffefahren",
            "verfahren, verfahren, verfahren, verfahren",
        ),
        ("Ver-fahren", "verfahren"),
        ("Ein- und Ausgang", "einund ausgang"),
        ("a-b, x - y, ICD-10, 5-10, wenn - dann", "a-b, x - y, icd-10, 5-10, wenn - dann"),
        ("  viel \t\n Platz\u00a0\u2003hier ", " viel platz hier "),
        ("nichts\u200b\u202e\U000e0041\ufeff da", "nichts da"),
        ("wa\u0308chst ﬀ Straße µ ½ x²", "wächst ff strasse μ 1/2 x^{2}"),
        ("", ""),
    ],
)
def test_fold(text: str, folded: str) -> None:
    assert fold(text).text == folded


@given(texts)
@example("a \u200b b")
@example("\u0301")
def test_map_is_monotone_and_within_the_text(text: str) -> None:
    folded = fold(text)
    starts, ends = list(folded.starts), list(folded.ends)
    assert len(folded.text) == len(starts) == len(ends)
    assert starts == sorted(starts)
    assert ends == sorted(ends)
    assert all(0 <= start < end <= len(text) for start, end in zip(starts, ends, strict=True))


@given(texts, st.data())
def test_the_original_span_folds_to_the_needle(text: str, data: st.DataObject) -> None:
    folded = fold(text)
    assume(folded.text)
    start = data.draw(st.integers(0, len(folded.text) - 1))
    end = data.draw(st.integers(start + 1, len(folded.text)))
    first, last = folded.original_span(start, end)
    # A span that begins after a hyphen or a number, or ends before a letter, lacks the context in which it was folded.
    plain = folded.text[start:end].replace("-", "").strip().lower()
    assert plain in fold(text[first:last]).text.replace("-", "").lower()


@given(st.text("a \n\u200b\u00ad\u00a0-\u00a8\u0301´", max_size=12))
@example("a \u200b b")
@example("a \u00a8")
def test_white_space_is_collapsed(text: str) -> None:
    assert "  " not in fold(text).text
    assert not set(fold(text).text) & set("\n\t\r\u00a0\u00ad\u200b\ufffe“”„’–")


def test_spans_are_exact() -> None:
    text = "A \u200b\n B\u00a8 und e\u0301 \u00a8"
    folded = fold(text)
    assert folded.text == "a b \u0308 und é \u0308"
    assert [text[slice(*folded.original_span(at, at + 1))] for at in range(5)] == [
        "A",
        " \u200b\n ",
        "B",
        "\u00a8",
        "\u00a8",
    ]
    assert text[slice(*folded.original_span(10, 11))] == "e\u0301"
    assert folded.original_span(11, 12) == (len(text) - 2, len(text))


@pytest.mark.parametrize("length", [8190, 8191, 8192, 9000])
def test_long_texts_keep_their_offsets(length: int) -> None:
    folded = fold("A" * (length - 1) + "\n")
    assert folded.text == "a" * (length - 1) + " "
    assert list(folded.starts) == list(range(length))
    assert list(folded.ends) == list(range(1, length + 1))


def test_original_span_refuses_an_empty_or_outside_span() -> None:
    with pytest.raises(ValueError, match="no such span"):
        fold("abc").original_span(2, 2)
    with pytest.raises(ValueError, match="no such span"):
        fold("abc").original_span(0, 4)


@pytest.mark.parametrize(
    "text", ["10²³", "10^23", "10^{23}", "$10^{23}$", "$$10^{23}$$", "10<sup>23</sup>", r"\(10^{23}\)", "10^(23)"]
)
def test_every_notation_of_an_exponent_folds_to_one(text: str) -> None:
    assert fold(text).text == "10^{23}"


@pytest.mark.parametrize("text", ["H₂O", "H_{2}O", "$H_2O$", "H<sub>2</sub>O", r"\(H_{2}O\)"])
def test_every_notation_of_a_subscript_folds_to_one(text: str) -> None:
    assert fold(text).text == "h_{2}o"


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("10⁻³, 10^-3, 10^{−3}", "10^{-3}, 10^{-3}, 10^{-3}"),
        ("2½ l, ½", "2 1/2 l, 1/2"),
        ("㎡ 5① 37 ℃ 5‰ 5% µg 20^\\circ", "m^{2} 5(1) 37 °c 5‰ 5% μg 20°"),
        ("5 MW, 5MW, 5 ㎿, 5 mW, 5 ㎽", "5 MW, 5MW, 5 MW, 5 mW, 5 mW"),
        ("5 mL, 5 Ml, MW 5 MeV, 5 In", "5 ml, 5 Ml, mw 5 MeV, 5 in"),
        ("2⋅10^–3 ⩾ 1", "2·10^{-3} ≥ 1"),
        ("|x| = 5\n\n| | a |\n| --- | --- |\n| b | |", "|x| = 5 | || a | b | "),
        ("≥ 38 ± 2 − 1", "≥ 38 ± 2 - 1"),
        (r"$6 \times 10^{23}$", "6 × 10^{23}"),
        ("$5 and $6", "$5 and $6"),
        ("the 21^{st} century, 21^{2}", "the 21st century, 21^{2}"),
        ("## A title\n\nText", "a title text"),
        ("Text\n\n# A title", "text a title"),
        ("a\n```python\n    b\n```\nc", "a b c"),
        ("in 1953[^1] they [^2] went, 5[^3]0", "in 1953 they went, 5 0"),
        ("| A | B |\n| --- | --- |\n| c | | d |\n| e | f | g |\n\nText |x|", "| a b | c || d | e f g | text |x|"),
        ("P(A|B) and P(A | B)", "p(a|b) and p(a | b)"),
    ],
)
def test_notation_folds_without_losing_meaning(text: str, folded: str) -> None:
    assert fold(text).text == folded


@given(st.integers(0, 999), st.integers(0, 99))
def test_raised_lowered_and_plain_digits_never_fold_alike(number: int, shifted: int) -> None:
    texts = [f"{number}{shifted}", f"{number}^{{{shifted}}}", f"{number}_{{{shifted}}}", f"{number} {shifted}"]
    assert len({fold(text).text for text in texts}) == len(texts)


_UNITS = (
    *("", "g", "kg", "mg", "µg", "ng", "Mg", "m", "mm", "Mm", "nm", "mW", "MW", "mHz", "MHz", "K", "°C", "°", "%"),
    *("‰", "s", "S", "A", "V", "mV", "MV", "m/s", "mg/kg", "mg/l", "µmol", "mmol", "mol", "pF", "PF", "T", "t"),
)
_RAISED = dict(zip("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻", strict=True))
_LOWERED = dict(zip("0123456789", "₀₁₂₃₄₅₆₇₈₉", strict=True))
_POWERS = (
    lambda power: "".join(_RAISED[sign] for sign in power),
    lambda power: f"^{{{power}}}",
    lambda power: f"^{{{power.replace('-', '−')}}}",
    lambda power: f"^{power}",
    lambda power: f"^({power})",
    lambda power: f"<sup>{power}</sup>",
)
_WRAPS = ("{}", "${}$", r"\({}\)")
numbers = st.builds("{}{}".format, st.sampled_from(["", "0.", "1,", "12"]), st.integers(0, 99))
quantities = st.tuples(
    st.sampled_from(["", "-", "±", "≥ ", "≤ ", "~", "< "]),
    numbers,
    st.none() | st.integers(-30, 30),
    st.sampled_from(_UNITS),
)


def write(quantity: tuple[str, str, int | None, str], power: int, wrap: int) -> str:
    sign, number, exponent, unit = quantity
    value = number if exponent is None else _WRAPS[wrap].format(f"{number}·10{_POWERS[power](str(exponent))}")
    return f"{sign}{value}{unit and ' '}{unit}"


places = st.tuples(st.integers(0, len(_POWERS) - 1), st.integers(0, len(_WRAPS) - 1))


@given(quantities, quantities, places, places)
def test_quantities_fold_alike_only_if_they_are_equal(
    one: tuple[str, str, int | None, str],
    other: tuple[str, str, int | None, str],
    first: tuple[int, int],
    second: tuple[int, int],
) -> None:
    assert fold(write(one, *first)).text == fold(write(one, *second)).text
    assert (fold(write(one, *first)).text == fold(write(other, *second)).text) is (one == other)


@given(quantities, places, st.data())
def test_one_changed_part_changes_the_folded_text(
    quantity: tuple[str, str, int | None, str], place: tuple[int, int], data: st.DataObject
) -> None:
    other = list(quantity)
    part = data.draw(st.integers(0, 3))
    other[part] = data.draw(quantities)[part]
    assume(tuple(other) != quantity)
    assert fold(write(quantity, *place)).text != fold(write((other[0], other[1], other[2], other[3]), *place)).text


@given(st.integers(0, 99), st.integers(0, 99), st.sampled_from("xyT"))
def test_indices_fold_alike_only_if_they_are_equal(one: int, other: int, letter: str) -> None:
    def notations(index: int) -> set[str]:
        lowered = "".join(_LOWERED[digit] for digit in str(index))
        return {f"{letter}{lowered}", f"{letter}_{{{index}}}", f"${letter}_{{{index}}}$", f"{letter}<sub>{index}</sub>"}

    folded = {fold(text).text for text in notations(one)}
    assert len(folded) == 1
    assert (folded == {fold(text).text for text in notations(other)}) is (one == other)
    assert fold(f"{letter}{one}").text not in folded
    assert fold(f"{letter}^{{{one}}}").text not in folded


def test_formulas_are_known_by_their_spans() -> None:
    assert fold("$x$ costs 5$, not 6$", formulas=[(0, 3)]).text == "x costs 5$, not 6$"
