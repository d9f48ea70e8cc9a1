"""MathML in LaTeX."""

import pytest
from lxml import etree

from backend.library.extraction.formulas.mathml import mathml_to_latex

CASES = {
    "fraction": ("<mfrac><mn>1</mn><mrow><mn>2</mn><mi>a</mi></mrow></mfrac>", r"\frac{1}{2a}"),
    "binomial": ('<mo>(</mo><mfrac linethickness="0"><mi>n</mi><mi>k</mi></mfrac><mo>)</mo>', r"\binom{n}{k}"),
    "stack": ('<mfrac linethickness="0pt"><mi>n</mi><mi>k</mi></mfrac>', r"{n \atop k}"),
    "slanted": ('<mfrac bevelled="true"><mrow><mi>a</mi><mo>+</mo><mi>b</mi></mrow><mi>c</mi></mfrac>', "(a+b)/c"),
    "roots": (
        "<msqrt><mi>x</mi><mo>+</mo><mn>1</mn></msqrt><mroot><mi>x</mi><mn>3</mn></mroot>",
        r"\sqrt{x+1}\sqrt[3]{x}",
    ),
    "scripts": (
        "<msup><mn>10</mn><mrow><mo>−</mo><mn>3</mn></mrow></msup><msub><mi>x</mi><mi>i</mi></msub>",
        "10^{-3}x_{i}",
    ),
    "scripts of scripts": ("<msup><msup><mi>x</mi><mn>2</mn></msup><mn>3</mn></msup>", "{x^{2}}^{3}"),
    "prime": ("<msup><mi>f</mi><mo>′</mo></msup>", "f'"),
    "sum": (
        "<munderover><mo>∑</mo><mrow><mi>i</mi><mo>=</mo><mn>1</mn></mrow><mi>n</mi></munderover><mi>x</mi>",
        r"\sum_{i=1}^{n}x",
    ),
    "limit": ("<munder><mo>lim</mo><mi>x</mi></munder><mi>f</mi>", r"\lim_{x}f"),
    "accents": ("<mover><mi>v</mi><mo>‾</mo></mover><mover><mi>a</mi><mo>→</mo></mover>", r"\bar{v}\vec{a}"),
    "long accent": ("<mover><mrow><mi>A</mi><mi>B</mi></mrow><mo>→</mo></mover>", r"\overrightarrow{AB}"),
    "brace": ("<munder><munder><mi>a</mi><mo>⏟</mo></munder><mi>n</mi></munder>", r"\underbrace{a}_{n}"),
    "arrow": ("<munderover><mo>→</mo><mi>a</mi><mi>b</mi></munderover>", r"\xrightarrow[a]{b}"),
    "isotope": ("<mmultiscripts><mi>C</mi><mprescripts/><mn>6</mn><mn>14</mn></mmultiscripts>", "{}_{6}^{14}C"),
    "matrix": (
        "<mo>[</mo><mtable><mtr><mtd><mn>1</mn></mtd><mtd/></mtr><mtr><mtd><mn>3</mn></mtd><mtd><mn>4</mn></mtd></mtr></mtable>"
        "<mo>]</mo>",
        r"\begin{bmatrix}1 &   \\ 3 & 4\end{bmatrix}",
    ),
    "cases": (
        "<mo>{</mo><mtable><mtr><mtd><mn>1</mn></mtd><mtd><mtext>if </mtext><mi>x</mi></mtd></mtr></mtable>",
        r"\begin{cases}1 & \text{if }x\end{cases}",
    ),
    "fences": ('<mfenced open="[" close=")"><mi>a</mi><mi>b</mi></mfenced>', "[a,b)"),
    "strike": ('<menclose notation="updiagonalstrike"><mi>x</mi></menclose>', r"\cancel{x}"),
    "letters": ('<mi mathvariant="double-struck">R</mi><mi>𝐱</mi><mi>λ</mi><mi>sin</mi><mi>kg</mi>', None),
    "invisible": ("<mi>f</mi><mo>&#x2061;</mo><mi>x</mi><mphantom><mi>y</mi></mphantom>", "fx"),
    "annotation": (
        '<semantics><mi>x</mi><annotation encoding="application/x-tex">{\\displaystyle x^{2}}</annotation></semantics>',
        "x^{2}",
    ),
    "broken annotation": (
        '<semantics><mi>x</mi><annotation encoding="application/x-tex">{x^{2}</annotation></semantics>',
        "x",
    ),
    "content only": ("<apply><power/><ci>x</ci><cn>2</cn></apply>", ""),
}


@pytest.mark.parametrize("name", CASES)
def test_elements(name: str) -> None:
    source, expected = CASES[name]
    latex = mathml_to_latex(etree.fromstring(f"<math>{source}</math>"))
    assert latex == (r"\mathbb{R}\mathbf{x}\lambda\sin\mathrm{kg}" if expected is None else expected)


def test_any_depth_is_read() -> None:
    root = inner = etree.Element("math")
    for depth in range(50_000):
        inner = etree.SubElement(inner, "msqrt" if depth % 1_000 == 0 else "mrow")
    etree.SubElement(inner, "mi").text = "x"
    assert mathml_to_latex(root) == "\\sqrt{" * 50 + "x" + "}" * 50
