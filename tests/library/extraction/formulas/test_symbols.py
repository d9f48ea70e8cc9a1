"""Characters that fonts of their own stand for, and their names in LaTeX."""

import pytest

from backend.library.extraction.formulas import latex
from backend.library.extraction.formulas.symbols import character_of, decode, is_symbol_font


@pytest.mark.parametrize(
    ("font", "codes", "shown"),
    [
        ("Symbol", "abgdDSWq", "αβγδΔΣΩθ"),
        ("Symbol", "\uf0a3\uf0b3\uf0b9\uf0b1\uf0b4\uf0d7\uf0a5\uf0ae\uf0de\uf0ce\uf0c6", "≤≥≠±×⋅∞→⇒∈∅"),
        ("symbol", "\uf0e5\uf0f2\uf0d6\uf0b6\uf0d1\uf0b0", "∑∫√∂∇°"),
        ("Wingdings", "\uf0fc\uf0fb\uf0fe\uf0a8\uf0e0\uf0df\uf04a\uf04c", "✓✗☑□→←☺☹"),
        ("Wingdings 2", "\uf050\uf04f\uf052\uf0a3", "✓✗☑□"),
        ("Wingdings 3", "\uf067\uf07d", "→▶"),
        ("Webdings", "\uf061\uf072", "✓✗"),
        ("Symbol", "≥ é", "≥ é"),
        ("Calibri", "a\uf0b7\uf020b", "a• b"),
    ],
)
def test_codes_are_decoded_by_their_font(font, codes, shown):
    assert decode(codes, font) == (shown, 0)


def test_a_code_that_nobody_knows_is_counted():
    assert decode("x\uf0b3y", "Calibri") == ("x\ufffdy", 1)
    assert decode("\uf0b3", None) == ("\ufffd", 1)
    assert character_of("Symbol", 0xFF) is None
    assert not is_symbol_font("Calibri")
    assert not is_symbol_font(None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("αx≤10", r"\alpha x\leq 10"),
        ("a⋅b", r"a\cdot b"),
        ("ℝ⊆ℂ", r"\mathbb{R}\subseteq\mathbb{C}"),
        ("𝔼[𝑋]", r"\mathbb{E}[X]"),
        ("x̄", r"\bar{x}"),
        ("a−b", "a-b"),
        ("Ω", r"\Omega"),
        ("5 €", "5 €"),
    ],
)
def test_signs_have_their_names(text, expected):
    assert latex.mathematics(text) == expected
