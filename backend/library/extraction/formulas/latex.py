"""The signs of mathematics in LaTeX, and how pieces of LaTeX are put together."""

import re
import unicodedata
from typing import Final

_NAMES = r"""
α=alpha β=beta γ=gamma δ=delta ε=varepsilon ϵ=epsilon ζ=zeta η=eta θ=theta ϑ=vartheta ι=iota κ=kappa ϰ=varkappa
λ=lambda μ=mu µ=mu ν=nu ξ=xi π=pi ϖ=varpi ρ=rho ϱ=varrho σ=sigma ς=varsigma τ=tau υ=upsilon φ=varphi ϕ=phi χ=chi
ψ=psi ω=omega Γ=Gamma Δ=Delta ∆=Delta Θ=Theta Λ=Lambda Ξ=Xi Π=Pi Σ=Sigma ϒ=Upsilon Υ=Upsilon Φ=Phi Ψ=Psi Ω=Omega
Ω=Omega
±=pm ∓=mp ×=times ÷=div ⋅=cdot ·=cdot ∙=cdot ∗=ast ⋆=star ∘=circ •=bullet ⊕=oplus ⊖=ominus ⊗=otimes ⊘=oslash
⊙=odot ∩=cap ∪=cup ⊓=sqcap ⊔=sqcup ⊎=uplus ∧=land ∨=lor ¬=neg ∖=setminus ≀=wr ⋄=diamond △=triangle
▽=bigtriangledown †=dagger ‡=ddagger ⨿=amalg ∴=therefore ∵=because ∎=blacksquare □=square ■=blacksquare
◊=lozenge
∑=sum ∏=prod ∐=coprod ∫=int ∬=iint ∭=iiint ⨌=iiiint ∮=oint ∯=oiint ∰=oiiint ⋀=bigwedge ⋁=bigvee ⋂=bigcap
⋃=bigcup ⨁=bigoplus ⨂=bigotimes ⨀=bigodot ⨄=biguplus ⨆=bigsqcup
≤=leq ≥=geq ⩽=leqslant ⩾=geqslant ≦=leqq ≧=geqq ≪=ll ≫=gg ≠=neq ≡=equiv ≢=not\equiv ≈=approx ≉=not\approx ∼=sim
≁=nsim ≃=simeq ≄=not\simeq ≅=cong ≆=not\cong ≇=ncong ≍=asymp ≐=doteq ≙=stackrel{\wedge}{=} ≔=coloneqq ≕=eqqcolon
≟=stackrel{?}{=} ∝=propto ≺=prec ≻=succ ≼=preceq ≽=succeq ≮=nless ≯=ngtr ≰=nleq ≱=ngeq ∥=parallel ∦=nparallel
⊥=perp ∣=mid ∤=nmid ⊢=vdash ⊣=dashv ⊨=models ⊤=top ⊲=lhd ⊳=rhd ≲=lesssim ≳=gtrsim ⌣=smile ⌢=frown
∈=in ∉=notin ∋=ni ∌=not\ni ⊂=subset ⊃=supset ⊄=not\subset ⊅=not\supset ⊆=subseteq ⊇=supseteq ⊈=nsubseteq
⊉=nsupseteq ⊊=subsetneq ⊋=supsetneq ⊑=sqsubseteq ⊒=sqsupseteq ∅=emptyset ∀=forall ∃=exists ∄=nexists
∁=complement
←=leftarrow →=rightarrow ↑=uparrow ↓=downarrow ↔=leftrightarrow ↕=updownarrow ↖=nwarrow ↗=nearrow ↘=searrow
↙=swarrow ⇐=Leftarrow ⇒=Rightarrow ⇑=Uparrow ⇓=Downarrow ⇔=Leftrightarrow ⇕=Updownarrow ⟵=longleftarrow
⟶=longrightarrow ⟷=longleftrightarrow ⟸=Longleftarrow ⟹=Longrightarrow ⟺=Longleftrightarrow ↦=mapsto
⟼=longmapsto ↪=hookrightarrow ↩=hookleftarrow ⇀=rightharpoonup ⇁=rightharpoondown ↼=leftharpoonup
↽=leftharpoondown ⇌=rightleftharpoons ⇋=leftrightharpoons ⇄=rightleftarrows ⇆=leftrightarrows
↠=twoheadrightarrow ↝=leadsto ↛=nrightarrow ↚=nleftarrow ⇏=nRightarrow ⇍=nLeftarrow ⇎=nLeftrightarrow
∞=infty ∂=partial ∇=nabla √=surd ∠=angle ∡=measuredangle ∢=sphericalangle ℏ=hbar ℓ=ell ℘=wp ℜ=Re ℑ=Im ℵ=aleph
ℶ=beth …=ldots ⋯=cdots ⋮=vdots ⋱=ddots ⟨=langle ⟩=rangle 〈=langle 〉=rangle ⌈=lceil ⌉=rceil ⌊=lfloor
⌋=rfloor ‖=Vert ⟦=llbracket ⟧=rrbracket ⏞=overbrace ⏟=underbrace ı=imath ȷ=jmath ð=eth ℧=mho ℕ=mathbb{N}
ℤ=mathbb{Z} ℚ=mathbb{Q} ℝ=mathbb{R} ℂ=mathbb{C} ℙ=mathbb{P} ℍ=mathbb{H} ℒ=mathcal{L} ℋ=mathcal{H} ℐ=mathcal{I}
ℛ=mathcal{R} ℬ=mathcal{B} ℰ=mathcal{E} ℱ=mathcal{F} ℳ=mathcal{M} ℯ=mathcal{e} ℊ=mathcal{g} ℴ=mathcal{o}
ℭ=mathfrak{C} ℌ=mathfrak{H} ℨ=mathfrak{Z} ℎ=h
"""
_COMMANDS: Final = dict(pair.split("=", 1) for pair in _NAMES.split())
_LITERALS: Final = {
    "\\": "\\backslash",
    "{": "\\{",
    "}": "\\}",
    "$": "\\$",
    "%": "\\%",
    "&": "\\&",
    "#": "\\#",
    "_": "\\_",
    "^": "\\hat{}",
    "~": "\\sim",
    "−": "-",
    "‐": "-",
    "‑": "-",
    "′": "'",
    "″": "''",
    "‴": "'''",
    "‵": "\\backprime",
    "⁄": "/",
    "∕": "/",
    "∶": ":",
    "⟮": "(",
    "⟯": ")",
    "\u00a0": "\\ ",
    "\u2002": "\\ ",
    "\u2003": "\\quad",
    "\u2004": "\\ ",
    "\u2005": "\\ ",
    "\u2009": "\\,",
    "\u202f": "\\,",
    "\u200a": "",
    # Signs that only tell a program how to read the formula.
    "\u2061": "",
    "\u2062": "",
    "\u2063": "",
    "\u2064": "",
    "\u200b": "",
    "\u2060": "",
    "\u00ad": "",
}
# The same signs twice in Unicode, and letters of operators.
_MORE: Final = {"\u2329": "\\langle", "\u232a": "\\rangle", "\u3008": "\\langle", "\u3009": "\\rangle"}
_MORE.update({"ⅅ": "D", "ⅆ": "d", "ⅇ": "e", "ⅈ": "i", "ⅉ": "j"})
_SIGNS: Final = {
    **_MORE,
    **{sign: name if sign == "ℎ" else f"\\{name}" for sign, name in _COMMANDS.items()},
    **_LITERALS,
}
_TEXT_LITERALS: Final = str.maketrans(
    {"\\": "\\textbackslash{}", "^": "\\textasciicircum{}", "~": "\\textasciitilde{}"}
    | {sign: f"\\{sign}" for sign in "{}$%&#_"}
)

_FUNCTIONS = """
arccos arcsin arctan arg cos cosh cot coth csc deg det dim exp gcd hom inf ker lg lim ln log max min Pr sec sin sinh
sup tan tanh liminf limsup
"""
FUNCTIONS: Final = frozenset(_FUNCTIONS.split())
"""Names that LaTeX sets upright by a command of their own."""

ACCENTS: Final = {
    "\u0300": "grave",
    "\u0301": "acute",
    "\u0302": "hat",
    "\u0303": "tilde",
    "\u0304": "bar",
    "\u0305": "overline",
    "\u0306": "breve",
    "\u0307": "dot",
    "\u0308": "ddot",
    "\u030a": "mathring",
    "\u030c": "check",
    "\u0331": "underline",
    "\u0332": "underline",
    "\u0333": "underline",
    "\u033f": "overline",
    "\u20d0": "overset{\\leftharpoonup}",
    "\u20d1": "overset{\\rightharpoonup}",
    "\u20d6": "overleftarrow",
    "\u20d7": "vec",
    "\u20db": "dddot",
    "\u20dc": "ddddot",
    "\u20e1": "overleftrightarrow",
    "\u20e9": "overbracket",
    "´": "acute",
    "`": "grave",
    "^": "hat",
    "ˆ": "hat",
    "~": "tilde",
    "˜": "tilde",
    "¯": "bar",
    "‾": "overline",
    "_": "underline",
    "˘": "breve",
    "˙": "dot",
    ".": "dot",
    "¨": "ddot",
    "ˇ": "check",
    "→": "vec",
    "←": "overleftarrow",
    "↔": "overleftrightarrow",
    "⏞": "overbrace",
    "⏟": "underbrace",
    "⎴": "overbracket",
    "⎵": "underbracket",
    "⏜": "overparen",
    "⏝": "underparen",
}
"""The commands of accents and bars by their sign, combining or spacing."""
WIDE_ACCENTS: Final = {
    "hat": "widehat",
    "tilde": "widetilde",
    "bar": "overline",
    "vec": "overrightarrow",
    "check": "widecheck",
}
"""The commands that span several letters."""

_ALPHABETS: Final = (
    ("DOUBLE-STRUCK", "mathbb"),
    ("BOLD SCRIPT", "mathcal"),
    ("SCRIPT", "mathcal"),
    ("BOLD FRAKTUR", "mathfrak"),
    ("FRAKTUR", "mathfrak"),
    ("SANS-SERIF BOLD ITALIC", "mathsf"),
    ("SANS-SERIF BOLD", "mathsf"),
    ("SANS-SERIF ITALIC", "mathsf"),
    ("SANS-SERIF", "mathsf"),
    ("MONOSPACE", "mathtt"),
    ("BOLD ITALIC", "mathbf"),
    ("BOLD", "mathbf"),
    ("ITALIC", ""),
)
_COMMAND_END = re.compile(r"\\[A-Za-z]+\Z")
_NEGATION = "\u0338"


def sign(character: str) -> str:
    """Return one character of mathematics in LaTeX; one that LaTeX has no name for stays as it is."""
    found = _SIGNS.get(character)
    if found is not None:
        return found
    if "\U0001d400" <= character <= "\U0001d7ff":
        return _styled(character)
    return character


def mathematics(text: str) -> str:
    """Return text of a formula in LaTeX, each character in its own right. Letters stay letters."""
    if text.isascii() and text.isalnum():
        return text
    parts: list[str] = []
    for character in text:
        if character == _NEGATION and parts:
            parts[-1] = "\\neq" if parts[-1] == "=" else f"\\not{parts[-1]}"
        elif character in ACCENTS and unicodedata.combining(character) and parts:
            parts[-1] = f"\\{ACCENTS[character]}{{{parts[-1]}}}"
        else:
            parts.append(sign(character))
    return join(parts)


def words(text: str) -> str:
    """Return words within a formula: ``\\text{…}``, with blanks and accents as they are."""
    return f"\\text{{{text.translate(_TEXT_LITERALS)}}}" if text else ""


def upright(name: str) -> str:
    """Return a name set upright, such as that of a function or a unit."""
    if name in FUNCTIONS:
        return f"\\{name}"
    return f"\\mathrm{{{mathematics(name)}}}" if name else ""


def styled(text: str, command: str) -> str:
    """Return letters and digits of a text in an alphabet such as ``mathbb``, other signs as they are."""
    parts: list[str] = []
    for match in re.finditer(r"[^\W_]+|.", text, re.DOTALL):
        piece = match.group()
        parts.append(f"\\{command}{{{mathematics(piece)}}}" if piece.isalnum() else mathematics(piece))
    return join(parts)


def join(parts: list[str]) -> str:
    """Put pieces of LaTeX together, with a blank where a command would swallow or touch the letter after it."""
    joined: list[str] = []
    last = ""
    for part in parts:
        if not part:
            continue
        if part[0].isalnum() and _COMMAND_END.search(last):
            joined.append(" ")
        joined.append(part)
        last = part
    return "".join(joined)


def group(latex: str) -> str:
    """Return LaTeX in braces: always, so that ``^{2}`` and ``10^{23}`` look alike."""
    return f"{{{latex}}}"


def _styled(character: str) -> str:
    name = unicodedata.name(character, "")
    plain = unicodedata.normalize("NFKC", character)
    for style, command in _ALPHABETS:
        if name.startswith(f"MATHEMATICAL {style} "):
            return f"\\{command}{{{sign(plain)}}}" if command else sign(plain)
    return sign(plain)
