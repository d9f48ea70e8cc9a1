"""Office's mathematics (OMML, ISO/IEC 29500-1, 22.1) in LaTeX, for Word and PowerPoint.

A formula is put together from its innermost elements outwards, so nothing here recurses. Elements without a rule of
their own hand on what they hold.
"""

import re
from collections.abc import Callable
from typing import Any, Final

from lxml import etree

from backend.library.extraction.formulas import latex
from backend.library.extraction.formulas.omml_runs import MATH, NEW_LINE, OFF, is_on, latex_of_run, local_name
from backend.library.extraction.formulas.symbols import UNKNOWN

Parts = list[tuple[str, str]]
"""The children of an element that gave something: local name and LaTeX."""

_SKIPPED = frozenset({"Fallback", "ctrlPr", "argPr", "del", "moveFrom", "delText", "instrText"})
_MATRICES = {"()": "pmatrix", "[]": "bmatrix", "{}": "Bmatrix", "||": "vmatrix", "‖‖": "Vmatrix"}
_LINES = frozenset("¯‾̅̄")
_ARROWS = {
    "→": "xrightarrow",
    "←": "xleftarrow",
    "↔": "xleftrightarrow",
    "⇒": "xRightarrow",
    "⇐": "xLeftarrow",
    "⇌": "xrightleftharpoons",
    "⇄": "xrightleftarrows",
}
_TALL = re.compile(
    r"\\(?:[dt]?frac|binom|sum|prod|coprod|i*int|oint|big\w+|begin|overset|underset|sqrt|overbrace|underbrace|x\w+arrow)"
)
_TAKES_LIMITS = re.compile(
    r"\\(?:lim|max|min|sup|inf|liminf|limsup|gcd|det|Pr|sum|prod|coprod|i*int|oint|big\w+|operatorname\{[^{}]*\}"
    r"|(?:over|under)(?:brace|bracket|paren)\{.*\})\Z",
    re.DOTALL,
)
_ONE_TERM = re.compile(r"[\w.,]+|\\[A-Za-z]+|\w(?:[_^]\{\w+\})+|\([^()]*\)")
_HAS_SCRIPT = re.compile(r"(?:[_^]\{.*\}|')\Z", re.DOTALL)
_FULL = re.compile(r"\\begin\{matrix\}(.*)\\end\{matrix\}\Z", re.DOTALL)


def latex_of(math: Any) -> str:
    """Return the formula below an element (``m:oMath``, or anything that holds one) in LaTeX.

    Characters that only an unknown font could explain are ``UNKNOWN``.
    """
    walker = etree.iterwalk(math, events=("start", "end"))
    open_parts: list[Parts] = [[]]
    skipped = False
    for event, element in walker:
        if skipped:
            # The next event after a skipped start is its end.
            skipped = False
            continue
        name = local_name(element)
        if event == "start":
            if name in _SKIPPED or name.endswith("Pr"):
                walker.skip_subtree()
                skipped = True
            elif name == "r":
                open_parts[-1].append((name, latex_of_run(element)))
                walker.skip_subtree()
                skipped = True
            else:
                open_parts.append([])
            continue
        parts = open_parts.pop()
        rule = _RULES.get(name)
        open_parts[-1].append((name, rule(element, parts) if rule else _all(parts)))
    return _with_lines(_all(open_parts[0]))


def has_unknown(formula: str) -> bool:
    """Whether a formula has characters that could not be read."""
    return UNKNOWN in formula


def _with_lines(formula: str) -> str:
    formula = formula.strip()
    if NEW_LINE in formula and not re.search(r"\\begin\{", formula):
        lines = [line.strip() for line in formula.split(NEW_LINE)]
        return f"\\begin{{gathered}}{NEW_LINE.join(filter(None, lines))}\\end{{gathered}}"
    return formula


# Structures


def _fraction(element: Any, parts: Parts) -> str:
    above, below = _part(parts, "num"), _part(parts, "den")
    kind = _property(element, "fPr", "type")
    if kind == "lin":
        return f"{_bracketed(above)}/{_bracketed(below)}"
    if kind == "noBar":
        return f"\\binom{{{above}}}{{{below}}}" if _is_binomial(element) else f"{{{above} \\atop {below}}}"
    return f"\\frac{{{above}}}{{{below}}}"


def _is_binomial(fraction: Any) -> bool:
    """Whether a fraction without a bar is all that a pair of round brackets holds."""
    parent = fraction.getparent()
    delimiters = parent.getparent() if parent is not None else None
    if delimiters is None or local_name(delimiters) != "d" or len(delimiters.findall(f"{MATH}e")) != 1:
        return False
    content = [child for child in parent if not local_name(child).endswith("Pr")]
    return len(content) == 1 and _delimiters(delimiters)[:2] == ("(", ")")


def _radical(element: Any, parts: Parts) -> str:
    degree = "" if _is_hidden(element, "radPr", "degHide") else _part(parts, "deg")
    return f"\\sqrt[{degree}]{{{_part(parts, 'e')}}}" if degree else f"\\sqrt{{{_part(parts, 'e')}}}"


def _large_operator(element: Any, parts: Parts) -> str:
    operator = latex.sign(_property(element, "naryPr", "chr", "∫") or "∫")
    below = "" if _is_hidden(element, "naryPr", "subHide") else _part(parts, "sub")
    above = "" if _is_hidden(element, "naryPr", "supHide") else _part(parts, "sup")
    scripts = (f"_{{{below}}}" if below else "") + (f"^{{{above}}}" if above else "")
    return latex.join([operator + scripts, _part(parts, "e")])


def _delimited(element: Any, parts: Parts) -> str:
    begin, end, separator = _delimiters(element)
    contents = [content for name, content in parts if name == "e"]
    if len(contents) == 1:
        only = contents[0]
        matrix = _FULL.match(only)
        if matrix and begin + end in _MATRICES and only.count("\\begin{matrix}") == 1:
            name = _MATRICES[begin + end]
            return f"\\begin{{{name}}}{matrix.group(1)}\\end{{{name}}}"
        if begin == "{" and not end and only.startswith("\\begin{aligned}") and only.endswith("\\end{aligned}"):
            return f"\\begin{{cases}}{only[15:-13]}\\end{{cases}}"
        if only.startswith("\\binom{") and begin + end == "()" and _is_only_fraction(element):
            return only
    middle = latex.sign(separator)
    if any(_TALL.search(content) for content in contents):
        middle = f"\\middle{middle}" if middle in ("|", "\\Vert") else middle
        inner = latex.join([piece for content in contents for piece in (middle, content)][1:])
        return latex.join([f"\\left{latex.sign(begin) or '.'}", inner, f"\\right{latex.sign(end) or '.'}"])
    inner = latex.join([piece for content in contents for piece in (middle, content)][1:])
    return latex.join([latex.sign(begin), inner, latex.sign(end)])


def _is_only_fraction(delimiters: Any) -> bool:
    fraction = delimiters.find(f"{MATH}e/{MATH}f")
    return fraction is not None and _is_binomial(fraction)


def _delimiters(element: Any) -> tuple[str, str, str]:
    return (
        _property(element, "dPr", "begChr", "("),
        _property(element, "dPr", "endChr", ")"),
        _property(element, "dPr", "sepChr", "|"),
    )


def _matrix_row(element: Any, parts: Parts) -> str:
    return " & ".join(content for name, content in parts if name == "e")


def _matrix(element: Any, parts: Parts) -> str:
    rows = NEW_LINE.join(content for name, content in parts if name == "mr")
    return f"\\begin{{matrix}}{rows}\\end{{matrix}}"


def _equations(element: Any, parts: Parts) -> str:
    # In an array of equations "&" aligns, and "#" sets the number of an equation apart.
    lines = [content.replace("\\&", "&").replace("\\#", "\\qquad ") for name, content in parts if name == "e"]
    if len(lines) == 1:
        return lines[0].replace("&", "")
    return f"\\begin{{aligned}}{NEW_LINE.join(lines)}\\end{{aligned}}"


def _accented(element: Any, parts: Parts) -> str:
    accent = _property(element, "accPr", "chr", "\u0302")
    content = _part(parts, "e")
    command = latex.ACCENTS.get(accent)
    if command is None:
        return f"\\overset{{{latex.sign(accent)}}}{{{content}}}" if accent.strip() else content
    if content.isalnum() and len(content) > 1:
        command = latex.WIDE_ACCENTS.get(command, command)
    return f"\\{command}{{{content}}}"


def _barred(element: Any, parts: Parts) -> str:
    is_above = _property(element, "barPr", "pos", "bot") == "top"
    return f"\\{'overline' if is_above else 'underline'}{{{_part(parts, 'e')}}}"


def _grouped(element: Any, parts: Parts) -> str:
    character = _property(element, "groupChrPr", "chr", "⏟")
    is_above = _property(element, "groupChrPr", "pos", "bot") == "top"
    content = _part(parts, "e")
    if character in _ARROWS:
        # The sign below its content: a label above an arrow.
        return f"\\{_ARROWS[character]}[{content}]{{}}" if is_above else f"\\{_ARROWS[character]}{{{content}}}"
    command = latex.ACCENTS.get(character)
    command = latex.WIDE_ACCENTS.get(command or "", command) if character in _LINES else command
    if command is not None and command.startswith(("over", "under")):
        return f"\\{command}{{{content}}}"
    return f"\\{'overset' if is_above else 'underset'}{{{latex.sign(character)}}}{{{content}}}"


def _limit_below(element: Any, parts: Parts) -> str:
    content, limit = _part(parts, "e"), _part(parts, "lim")
    if content in latex.FUNCTIONS:
        content = f"\\{content}"
    if _TAKES_LIMITS.match(content):
        return f"{content}_{{{limit}}}"
    return f"\\underset{{{limit}}}{{{content}}}"


def _limit_above(element: Any, parts: Parts) -> str:
    content, limit = _part(parts, "e"), _part(parts, "lim")
    if _TAKES_LIMITS.match(content):
        return f"{content}^{{{limit}}}"
    return f"\\overset{{{limit}}}{{{content}}}"


def _function(element: Any, parts: Parts) -> str:
    name, argument = _part(parts, "fName"), _part(parts, "e")
    between = " " if argument and argument[0].isalnum() else ""
    return latex.join([name, between + argument])


def _function_name(element: Any, parts: Parts) -> str:
    name = _all(parts)
    plain = re.fullmatch(r"(?:\\mathrm\{)?([A-Za-z]{2,})\}?", name)
    if plain is None:
        return name
    return f"\\{plain.group(1)}" if plain.group(1) in latex.FUNCTIONS else f"\\operatorname{{{plain.group(1)}}}"


def _limit_base(element: Any, parts: Parts) -> str:
    """Return an argument; the base of a limit within a function's name is a name too."""
    parent = element.getparent()
    above = parent.getparent() if parent is not None else None
    is_name = (
        above is not None
        and local_name(above) == "fName"
        and local_name(parent) in ("limLow", "limUpp", "sSub", "sSup")
    )
    return _function_name(element, parts) if is_name else _all(parts)


def _raised(element: Any, parts: Parts) -> str:
    above = _part(parts, "sup")
    base = _base(parts)
    return base + above if above and not above.strip("'") else _scripts(base, "", above)


def _lowered(element: Any, parts: Parts) -> str:
    return _scripts(_base(parts), _part(parts, "sub"), "")


def _both(element: Any, parts: Parts) -> str:
    return _scripts(_base(parts), _part(parts, "sub"), _part(parts, "sup"))


def _before(element: Any, parts: Parts) -> str:
    return latex.join([_scripts("{}", _part(parts, "sub"), _part(parts, "sup")), _part(parts, "e")])


def _base(parts: Parts) -> str:
    base = _part(parts, "e")
    has_script = base.endswith(("}", "'")) and _HAS_SCRIPT.search(base)
    return f"{{{base}}}" if not base or has_script else base


def _scripts(base: str, below: str, above: str) -> str:
    return base + (f"_{{{below}}}" if below else "") + (f"^{{{above}}}" if above else "")


def _boxed(element: Any, parts: Parts) -> str:
    properties = element.find(f"{MATH}borderBoxPr")
    strikes = ("strikeBLTR", "strikeTLBR", "strikeH", "strikeV")
    content = _part(parts, "e")
    if properties is None:
        return f"\\boxed{{{content}}}"
    if any(is_on(properties, strike) for strike in strikes):
        return f"\\cancel{{{content}}}"
    shown = [side for side in ("Top", "Bot", "Left", "Right") if not is_on(properties, f"hide{side}")]
    if shown in (["Top"], ["Bot"]):
        return f"\\{'overline' if shown == ['Top'] else 'underline'}{{{content}}}"
    return f"\\boxed{{{content}}}" if shown else content


def _phantom(element: Any, parts: Parts) -> str:
    return "" if _property(element, "phantPr", "show", "1") in OFF else _part(parts, "e")


_RULES: Final[dict[str, Callable[[Any, Parts], str]]] = {
    "f": _fraction,
    "rad": _radical,
    "nary": _large_operator,
    "d": _delimited,
    "m": _matrix,
    "mr": _matrix_row,
    "eqArr": _equations,
    "acc": _accented,
    "bar": _barred,
    "groupChr": _grouped,
    "limLow": _limit_below,
    "limUpp": _limit_above,
    "func": _function,
    "fName": _function_name,
    "e": _limit_base,
    "sSup": _raised,
    "sSub": _lowered,
    "sSubSup": _both,
    "sPre": _before,
    "borderBox": _boxed,
    "phant": _phantom,
}


# Reading elements


def _all(parts: Parts) -> str:
    return latex.join([content for _, content in parts])


def _part(parts: Parts, name: str) -> str:
    return next((content for found, content in parts if found == name), "").strip()


def _bracketed(text: str) -> str:
    return text if _ONE_TERM.fullmatch(text) else f"({text})"


def _property(element: Any, properties: str, name: str, default: str = "") -> str:
    found = element.find(f"{MATH}{properties}/{MATH}{name}")
    return default if found is None else found.get(f"{MATH}val", default)


def _is_hidden(element: Any, properties: str, name: str) -> bool:
    found = element.find(f"{MATH}{properties}/{MATH}{name}")
    return found is not None and found.get(f"{MATH}val", "1") not in OFF
