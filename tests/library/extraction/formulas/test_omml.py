"""Office's mathematics in LaTeX: every structure that Word's editor makes."""

import pytest
from lxml import etree

from backend.library.extraction.formulas.omml import has_unknown, latex_of
from tests.library.extraction.word_files import NAMESPACES


def r(text: str, properties: str = "") -> str:
    """Return a run of mathematics."""
    return f"<m:r><m:rPr>{properties}</m:rPr><m:t>{text}</m:t></m:r>"


def tag(name: str, *content: str, pr: str = "") -> str:
    """Return an element of mathematics with its properties."""
    properties = f"<m:{name}Pr>{pr}</m:{name}Pr>" if pr else ""
    return f"<m:{name}>{properties}{''.join(content)}</m:{name}>"


def val(name: str, value: str) -> str:
    """Return a property."""
    return f'<m:{name} m:val="{value}"/>'


def e(*content: str) -> str:
    """Return an argument."""
    return tag("e", *content)


def latex(*content: str) -> str:
    """Return a formula in LaTeX."""
    return latex_of(etree.fromstring(f"<m:oMath {NAMESPACES}>{''.join(content)}</m:oMath>"))


UPRIGHT, WORDS, BOLD = '<m:sty m:val="p"/>', "<m:nor/>", '<m:sty m:val="b"/>'
HALF = tag("f", tag("num", r("1")), tag("den", r("2")))
SQUARE = tag("sSup", e(r("x")), tag("sup", r("2")))


def fraction(kind: str, above: str, below: str) -> str:
    """Return a fraction of a type."""
    return tag("f", tag("num", r(above)), tag("den", r(below)), pr=val("type", kind))


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (r("2") + HALF, r"2\frac{1}{2}"),
        (r("2") + fraction("skw", "1", "2"), r"2\frac{1}{2}"),
        (fraction("lin", "a+b", "c"), "(a+b)/c"),
        (fraction("lin", "1", "2"), "1/2"),
        (fraction("noBar", "n", "k"), r"{n \atop k}"),
        (tag("d", e(fraction("noBar", "n", "k"))), r"\binom{n}{k}"),
        (tag("d", e(r("2"), fraction("noBar", "n", "k"))), r"(2{n \atop k})"),
    ],
)
def test_fractions(formula, expected):
    assert latex(formula) == expected


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (tag("rad", tag("deg"), e(r("x")), pr=val("degHide", "1")), r"\sqrt{x}"),
        (tag("rad", tag("deg", r("3")), e(r("x"))), r"\sqrt[3]{x}"),
        (tag("rad", tag("deg", r("3")), e(r("x")), pr=val("degHide", "0")), r"\sqrt[3]{x}"),
        (SQUARE, "x^{2}"),
        (tag("sSup", e(r("10")), tag("sup", r("−3"))), "10^{-3}"),
        (tag("sSup", e(SQUARE), tag("sup", r("3"))), "{x^{2}}^{3}"),
        (tag("sSup", e(r("f")), tag("sup", r("′"))), "f'"),
        (tag("sSub", e(r("a")), tag("sub", r("n+1"))), "a_{n+1}"),
        (tag("sSubSup", e(r("x")), tag("sub", r("i")), tag("sup", r("2"))), "x_{i}^{2}"),
        (tag("sPre", tag("sub", r("6")), tag("sup", r("14")), e(r("C", UPRIGHT))), r"{}_{6}^{14}\mathrm{C}"),
    ],
)
def test_roots_and_scripts(formula, expected):
    assert latex(formula) == expected


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (tag("nary", tag("sub", r("i=1")), tag("sup", r("n")), e(r("i")), pr=val("chr", "∑")), r"\sum_{i=1}^{n}i"),
        (tag("nary", tag("sub", r("0")), tag("sup", r("1")), e(r("x"))), r"\int_{0}^{1}x"),
        (
            tag("nary", tag("sub", r("D")), tag("sup"), e(r("f")), pr=val("chr", "∬") + val("supHide", "1")),
            r"\iint_{D}f",
        ),
        (tag("nary", tag("sub"), tag("sup"), e(r("A")), pr=val("chr", "⋃")), r"\bigcup A"),
        (
            tag("func", tag("fName", tag("limLow", e(r("lim", UPRIGHT)), tag("lim", r("x→0")))), e(r("f"))),
            r"\lim_{x\rightarrow 0} f",
        ),
        (
            tag("func", tag("fName", tag("limLow", e(r("argmax")), tag("lim", r("x")))), e(r("f"))),
            r"\operatorname{argmax}_{x} f",
        ),
        (tag("func", tag("fName", r("sin", UPRIGHT)), e(r("x"))), r"\sin x"),
        (tag("func", tag("fName", r("sin", UPRIGHT)), e(tag("d", e(r("x"))))), r"\sin(x)"),
        (
            tag("func", tag("fName", tag("sSup", e(r("cos", UPRIGHT)), tag("sup", r("2")))), e(r("α"))),
            r"\cos^{2}\alpha",
        ),
        (tag("limUpp", e(r("=")), tag("lim", r("def", WORDS))), r"\overset{\text{def}}{=}"),
        (tag("limLow", e(r("x")), tag("lim", r("y"))), r"\underset{y}{x}"),
        (tag("limLow", e(r("max")), tag("lim", r("y"))), r"\max_{y}"),
    ],
)
def test_operators_and_functions(formula, expected):
    assert latex(formula) == expected


def matrix(*rows: str) -> str:
    """Return a matrix; the cells of a row are separated by blanks."""
    return tag("m", *(tag("mr", *(e(r(one)) for one in one_row.split())) for one_row in rows))


def brackets(begin: str, end: str) -> str:
    """Return the properties of brackets."""
    return val("begChr", begin) + val("endChr", end)


EQUATIONS = tag("eqArr", e(r("x,&amp;"), r("x>0")), e(r("−x,&amp;"), r("x≤0")))


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (tag("d", e(r("a")), e(r("b"))), "(a|b)"),
        (tag("d", e(r("a")), e(r("b")), pr=brackets("[", "[") + val("sepChr", ";")), "[a;b["),
        (tag("d", e(HALF)), r"\left(\frac{1}{2}\right)"),
        (tag("d", e(HALF), pr=brackets("", "|")), r"\left.\frac{1}{2}\right|"),
        (tag("d", e(r("P(A")), e(HALF)), r"\left(P(A\middle|\frac{1}{2}\right)"),
        (tag("d", e(r("x")), pr=brackets("⌊", "⌋")), r"\lfloor x\rfloor"),
        (tag("d", e(r("1")), e(r("2")), pr=brackets("{", "}") + val("sepChr", ",")), r"\{1,2\}"),
        (matrix("a b", "c d"), r"\begin{matrix}a & b\\ c & d\end{matrix}"),
        (tag("d", e(matrix("a b", "c d"))), r"\begin{pmatrix}a & b\\ c & d\end{pmatrix}"),
        (tag("d", e(matrix("a b", "c d")), pr=brackets("|", "|")), r"\begin{vmatrix}a & b\\ c & d\end{vmatrix}"),
        (tag("d", e(matrix("a"), matrix("b"))), r"\left(\begin{matrix}a\end{matrix}\begin{matrix}b\end{matrix}\right)"),
        (EQUATIONS, r"\begin{aligned}x,&x>0\\ -x,&x\leq 0\end{aligned}"),
        (tag("d", e(EQUATIONS), pr=brackets("{", "")), r"\begin{cases}x,&x>0\\ -x,&x\leq 0\end{cases}"),
        (tag("eqArr", e(r("E=m"), r("#(1)")), pr=val("maxDist", "1")), r"E=m\qquad (1)"),
    ],
)
def test_brackets_and_arrays(formula, expected):
    assert latex(formula) == expected


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (tag("acc", e(r("x"))), r"\hat{x}"),
        (tag("acc", e(r("v")), pr=val("chr", "\u20d7")), r"\vec{v}"),
        (tag("acc", e(r("AB")), pr=val("chr", "\u0305")), r"\overline{AB}"),
        (tag("acc", e(r("x")), pr=val("chr", "\u0307")), r"\dot{x}"),
        (tag("acc", e(r("x")), pr=val("chr", "★")), r"\overset{★}{x}"),
        (tag("bar", e(r("x")), pr=val("pos", "top")), r"\overline{x}"),
        (tag("bar", e(r("x"))), r"\underline{x}"),
        (
            tag("limLow", e(tag("groupChr", e(r("a+b")))), tag("lim", r("n"))),
            r"\underbrace{a+b}_{n}",
        ),
        (
            tag("limUpp", e(tag("groupChr", e(r("a")), pr=val("chr", "⏞") + val("pos", "top"))), tag("lim", r("n"))),
            r"\overbrace{a}^{n}",
        ),
        (r("A") + tag("groupChr", e(r("k")), pr=val("chr", "→") + val("pos", "bot")), r"A\xrightarrow{k}"),
        (tag("groupChr", e(r("k")), pr=val("chr", "⇌") + val("pos", "top")), r"\xrightleftharpoons[k]{}"),
        (tag("borderBox", e(r("x"))), r"\boxed{x}"),
        (tag("borderBox", e(r("x")), pr=val("strikeBLTR", "1")), r"\cancel{x}"),
        (
            tag("borderBox", e(r("x")), pr="".join(val(f"hide{side}", "1") for side in ("Bot", "Left", "Right"))),
            r"\overline{x}",
        ),
        (
            tag(
                "borderBox", e(r("x")), pr="".join(val(f"hide{side}", "1") for side in ("Top", "Bot", "Left", "Right"))
            ),
            "x",
        ),
        (tag("groupChr", e(r("AB")), pr=val("chr", "¯") + val("pos", "top")), r"\overline{AB}"),
        (tag("box", e(r("≔"))), r"\coloneqq"),
        (tag("phant", e(r("x")), pr=val("show", "0")) + r("y"), "y"),
    ],
)
def test_accents_bars_and_boxes(formula, expected):
    assert latex(formula) == expected


@pytest.mark.parametrize(
    ("formula", "expected"),
    [
        (r("R", val("scr", "double-struck")), r"\mathbb{R}"),
        (r("F", val("scr", "script")), r"\mathcal{F}"),
        (r("A", BOLD) + r("x"), r"\mathbf{A}x"),
        (r("x∈ℝ, 𝛼𝑣𝐁"), r"x\in\mathbb{R}, \alpha v\mathbf{B}"),
        (r("12") + r(" kg", UPRIGHT), r"12 \mathrm{kg}"),
        (r("dx", UPRIGHT), r"\mathrm{dx}"),
        (r("falls x_1 &gt; 0 &amp; 50 %", WORDS), r"\text{falls x\_1 > 0 \& 50 \%}"),
        (r("50%"), r"50\%"),
        (r("{a}$#"), r"\{a\}\$\#"),
        (r("if x"), r"if\ x"),
        (r("10^23"), "10^{23}"),
        (r("x_(i+1)"), "x_{i+1}"),
        (r("a\u2061b\u2062c"), "abc"),
        (r("a=\u0338b"), r"a\neq b"),
        ("<m:r><m:t>α</m:t><m:t>x</m:t></m:r>", r"\alpha x"),
        ('<m:r><w:rPr><w:rFonts w:ascii="Symbol"/></w:rPr><m:t>\uf0b3</m:t></m:r>' + r("1"), r"\geq 1"),
    ],
)
def test_letters_words_and_signs(formula, expected):
    assert latex(formula) == expected


def test_tracked_deletions_are_left_out_and_unknown_elements_walked_through():
    deleted = f'<w:del w:id="1">{r("old")}</w:del><w:ins w:id="2">{r("a")}</w:ins>'
    assert latex(
        deleted, f"<m:newThing>{e(r('b'))}</m:newThing>", tag("f", tag("num", r("1")), tag("den", r("2")))
    ) == (r"ab\frac{1}{2}")


def test_lines_of_a_formula_become_lines():
    assert latex(r("a=b"), "<m:r><w:br/></m:r>", r("=c")) == r"\begin{gathered}a=b\\ =c\end{gathered}"


def test_an_unknown_character_is_told():
    assert has_unknown(latex(r("x\uf0ff")))
    assert not has_unknown(latex(r("x≥1")))


def test_deep_formulas_do_not_recurse():
    deep = etree.fromstring(f"<m:oMath {NAMESPACES}/>")
    place = deep
    for _ in range(3_000):
        place = etree.SubElement(place, deep.tag.replace("oMath", "box"))
        place = etree.SubElement(place, deep.tag.replace("oMath", "e"))
    place.append(etree.fromstring(f"<m:oMath {NAMESPACES}>{r('x')}</m:oMath>"))
    assert latex_of(deep) == "x"
