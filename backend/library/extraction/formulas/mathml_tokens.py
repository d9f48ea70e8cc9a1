"""What one token of MathML (an identifier, a number, an operator or text) is in LaTeX."""

import re
import unicodedata
from typing import Final

FUNCTIONS: Final = frozenset({
    "arccos", "arcsin", "arctan", "arg", "cos", "cosh", "cot", "coth", "csc", "deg", "det",
    "dim", "exp", "gcd", "hom", "inf", "ker", "lg", "lim", "liminf", "limsup", "ln",
    "log", "max", "min", "Pr", "sec", "sin", "sinh", "sup", "tan", "tanh",
})  # fmt: skip
"""Names of functions that are commands of LaTeX."""

LIMITS: Final = frozenset({"lim", "liminf", "limsup", "max", "min", "sup", "inf", "det", "gcd", "Pr"})
"""Functions whose lower script stands below them."""

BIG_OPERATORS: Final = frozenset("∑∏∐∫∬∭∮∯∰⋀⋁⋂⋃⨀⨁⨂⨄⨆")
"""Signs whose scripts are their bounds."""

_COMMANDS: Final = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "varepsilon", "ϵ": "epsilon", "ζ": "zeta", "η": "eta",
    "θ": "theta", "ϑ": "vartheta", "ι": "iota", "κ": "kappa", "λ": "lambda", "μ": "mu", "µ": "mu", "ν": "nu",
    "ξ": "xi", "π": "pi", "ϖ": "varpi", "ρ": "rho", "ϱ": "varrho", "σ": "sigma", "ς": "varsigma", "τ": "tau",
    "υ": "upsilon", "φ": "varphi", "ϕ": "phi", "χ": "chi", "ψ": "psi", "ω": "omega", "Γ": "Gamma", "Δ": "Delta",
    "∆": "Delta", "Θ": "Theta", "Λ": "Lambda", "Ξ": "Xi", "Π": "Pi", "Σ": "Sigma", "Υ": "Upsilon", "Φ": "Phi",
    "Ψ": "Psi", "Ω": "Omega", "\u2126": "Omega",
    "∑": "sum", "∏": "prod", "∐": "coprod", "∫": "int", "∬": "iint", "∭": "iiint", "∮": "oint", "⋃": "bigcup",
    "⋂": "bigcap", "⋁": "bigvee", "⋀": "bigwedge", "⨁": "bigoplus", "⨂": "bigotimes",
    "±": "pm", "∓": "mp", "×": "times", "÷": "div", "⋅": "cdot", "·": "cdot", "∘": "circ", "∙": "bullet", "⊕": "oplus",
    "⊗": "otimes", "∗": "ast", "≤": "leq", "≥": "geq", "≠": "neq", "≈": "approx", "≡": "equiv", "∼": "sim",
    "≃": "simeq", "≅": "cong", "∝": "propto", "≪": "ll", "≫": "gg", "∈": "in", "∉": "notin", "∋": "ni",
    "⊂": "subset", "⊃": "supset", "⊆": "subseteq", "⊇": "supseteq", "∪": "cup", "∩": "cap", "∖": "setminus",
    "∅": "emptyset", "∀": "forall", "∃": "exists", "∄": "nexists", "¬": "neg", "∧": "wedge", "∨": "vee", "⊥": "perp",
    "∥": "parallel", "∠": "angle", "∣": "mid", "→": "to", "←": "leftarrow", "↔": "leftrightarrow",
    "⇒": "Rightarrow", "⇐": "Leftarrow", "⇔": "Leftrightarrow", "↦": "mapsto", "⟶": "longrightarrow",
    "⟵": "longleftarrow", "⟹": "Longrightarrow", "⟺": "Longleftrightarrow", "⇌": "rightleftharpoons",
    "↑": "uparrow", "↓": "downarrow", "∞": "infty", "∂": "partial", "∇": "nabla", "ℏ": "hbar", "ℓ": "ell",
    "ℜ": "Re", "ℑ": "Im", "ℵ": "aleph", "…": "ldots", "⋯": "cdots", "⋮": "vdots", "⋱": "ddots", "⟨": "langle",
    "⟩": "rangle", "〈": "langle", "〉": "rangle", "⌊": "lfloor", "⌋": "rfloor", "⌈": "lceil", "⌉": "rceil",
    "‖": "Vert", "∴": "therefore", "∵": "because", "⊢": "vdash", "⊨": "models", "†": "dagger", "√": "surd",
}  # fmt: skip
_ESCAPED = {sign: "\\" + sign for sign in "{}%#&_$"} | {"\\": r"\backslash", "~": r"\sim"}
_AS_PLAIN = {"−": "-", "\u2061": "", "\u2062": "", "\u2063": "", "\u2064": "", "′": "'", "″": "''", "‴": "'''"}
_AS_PLAIN |= {"\u00a0": "~", "\u200b": "", "\u2060": "", "∶": ":", "⁄": "/", "ʹ": "'"}
_SIGNS: Final = {**{sign: "\\" + name for sign, name in _COMMANDS.items()}, **_ESCAPED, **_AS_PLAIN}
_VARIANTS: Final = {
    "normal": "mathrm", "bold": "mathbf", "bold-italic": "boldsymbol", "double-struck": "mathbb",
    "fraktur": "mathfrak", "bold-fraktur": "mathfrak", "script": "mathcal", "bold-script": "mathcal",
    "sans-serif": "mathsf", "bold-sans-serif": "mathsf", "monospace": "mathtt",
}  # fmt: skip
_STYLES: Final = (
    ("DOUBLE-STRUCK", "mathbb"), ("FRAKTUR", "mathfrak"), ("BLACK-LETTER", "mathfrak"), ("SCRIPT", "mathcal"),
    ("SANS-SERIF", "mathsf"), ("MONOSPACE", "mathtt"), ("BOLD ITALIC", "boldsymbol"), ("BOLD", "mathbf"),
)  # fmt: skip
_STYLED = re.compile("[ℂℊℋℌℍℐℒℕℙℚℛℝℤℨℬℭℰℱℳℴ\U0001d400-\U0001d7ff]")
_TEXT_ESCAPES = {**{sign: "\\" + sign for sign in "{}%#&_$"}, "\\": r"\textbackslash{}", "^": r"\^{}", "~": r"\~{}"}
_COMMAND_END = re.compile(r"\\[A-Za-z]+$")


def join(parts: list[str]) -> str:
    """Put LaTeX together, with a blank where a command would swallow the letter after it."""
    joined: list[str] = []
    for part in parts:
        if joined and part[:1].isalpha() and part[0].isascii() and _COMMAND_END.search(joined[-1]):
            joined.append(" ")
        if part:
            joined.append(part)
    return "".join(joined)


def signs(text: str) -> str:
    """Return signs and letters in LaTeX, each by itself."""
    return join([_sign(sign) for sign in " ".join(text.split())])


def identifier(text: str, variant: str | None) -> str:
    """Return a variable or the name of a function."""
    name = text.strip()
    if name in FUNCTIONS:
        return "\\" + name
    if len(name) > 1 and name.isalpha() and name.isascii():
        # Several letters are one upright name.
        return "\\" + _VARIANTS.get(variant or "", "mathrm") + "{" + name + "}"
    latex = signs(name)
    command = _VARIANTS.get(variant or "")
    return f"\\{command}{{{latex}}}" if command and latex and not latex.startswith("\\") else latex


def number(text: str, variant: str | None) -> str:
    """Return a number as it is written; a thin space divides its groups."""
    groups = text.split()
    latex = r"\,".join(signs(group) for group in groups)
    command = _VARIANTS.get(variant or "")
    return f"\\{command}{{{latex}}}" if command and command != "mathrm" and latex else latex


def operator(text: str) -> str:
    """Return an operator: a sign, or a word such as "mod"."""
    name = text.strip()
    if name in FUNCTIONS:
        return "\\" + name
    if len(name) > 1 and name.isalpha() and name.isascii():
        return f"\\operatorname{{{name}}}"
    return signs(name)


def text_in_formula(text: str) -> str:
    """Return words inside a formula; blanks at their ends stay, because formulas have none of their own."""
    inner = re.sub(r"\s+", " ", text)
    if not inner.strip(" \u00a0"):
        return r"\ " if inner else ""
    return "\\text{" + "".join(_TEXT_ESCAPES.get(sign, sign) for sign in inner) + "}"


def _sign(sign: str) -> str:
    known = _SIGNS.get(sign)
    if known is not None:
        return known
    if _STYLED.match(sign):
        name, plain = unicodedata.name(sign, ""), unicodedata.normalize("NFKC", sign)
        letter = _SIGNS.get(plain, plain)
        command = next((command for word, command in _STYLES if word in name), None)
        return f"\\{command}{{{letter}}}" if command else letter
    return sign
