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
    # A span that begins after a hyphen or ends before a letter lacks the context in which they were folded.
    plain = folded.text[start:end].replace("-", "").strip()
    assert plain in fold(text[first:last]).text.replace("-", "")


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
        ("≥ 38 ± 2 − 1", "≥ 38 ± 2 - 1"),
        (r"$6 \times 10^{23}$", "6 × 10^{23}"),
        ("$5 and $6", "$5 and $6"),
        ("the 21^{st} century, 21^{2}", "the 21st century, 21^{2}"),
        ("## A title\n\nText", "a title text"),
        ("Text\n\n# A title", "text a title"),
        ("a\n```python\n    b\n```\nc", "a b c"),
        ("in 1953[^1] they [^2] went, 5[^3]0", "in 1953 they went, 5 0"),
        ("| A | B |\n| --- | --- |\n| c | | d |\n| e | f | g |\n\nText |x|", "| a b | c d | e f g | text |x|"),
        ("P(A|B) and P(A | B)", "p(a|b) and p(a | b)"),
    ],
)
def test_notation_folds_without_losing_meaning(text: str, folded: str) -> None:
    assert fold(text).text == folded


@given(st.integers(0, 999), st.integers(0, 99))
def test_raised_lowered_and_plain_digits_never_fold_alike(number: int, shifted: int) -> None:
    texts = [f"{number}{shifted}", f"{number}^{{{shifted}}}", f"{number}_{{{shifted}}}", f"{number} {shifted}"]
    assert len({fold(text).text for text in texts}) == len(texts)


def test_formulas_are_known_by_their_spans() -> None:
    assert fold("$x$ costs 5$, not 6$", formulas=[(0, 3)]).text == "x costs 5$, not 6$"
