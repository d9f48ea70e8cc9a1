"""One copy of each formula of a web page: from MathML, MathJax, KaTeX, Wikipedia or a picture."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_plus, urlsplit

from lxml import etree

from backend.library.extraction.formulas.mathml import clean_tex, local_name, mathml_to_latex
from backend.library.extraction.formulas.tex_text import WRAPPED, Delimiters, unwrap_tex

_MATHJAX_2: Final = frozenset(
    {"MathJax", "MathJax_Display", "MathJax_SVG", "MathJax_SVG_Display", "MathJax_CHTML", "mjx-chtml", "MJXc-display"}
    | {"MathJax_CommonHTML_Display", "MathJax_MathML"}
)
_WRAPPERS: Final = frozenset({"katex", "katex-display", "mwe-math-element"}) | _MATHJAX_2
_TEX_IMAGE_CLASS = re.compile(
    r"(?:^|\s)(?:tex|latex|texrender|latexmath|ql-img-\S+|mwe-math-fallback-image-\S+|math|equation)(?=\s|$)",
    re.IGNORECASE,
)
_TEX_SERVER = re.compile(r"latex\.codecogs\.com|latex\.php|mathtex\.cgi|mimetex|/math/render/|chart\.apis.*cht=tx")
_TEX_SIGNS = re.compile(r"\\[A-Za-z]|[\^_{}=]")
_INLINE_MATH = re.compile(r"""inlineMath\W{1,20}\$|left\s*:\s*["']\$["']""")
_DISPLAY_CLASSES: Final = frozenset({"display", "math-display", "js-display-math", "katex-display", "MathJax_Display"})


@dataclass(frozen=True, slots=True)
class FoundFormula:
    """A formula in place of an element. Without LaTeX it is a further copy of one, or, if ``lost``, cannot be read."""

    latex: str
    display: bool = False
    lost: bool = False


# The editor of Moodle keeps MathML in an attribute, with other signs for those of XML.
_WIRIS: Final = str.maketrans({"«": "<", "»": ">", "¨": '"', "§": "&", "`": "'"})
_COPY: Final = FoundFormula("")


def find_formula(element: etree._Element, name: str) -> FoundFormula | None:
    """Return the formula that an element is; None for an element that is none."""
    if name == "math":
        return _mathml(element, display=_is_display(element))
    read = _BY_NAME.get(name)
    if read is not None:
        return read(element)
    classes = element.get("class", "").split()
    if "MathJax_Preview" in classes:
        return _COPY
    if not _WRAPPERS.isdisjoint(classes):
        return _wrapper(element, classes)
    if "katex-error" in classes or _is_tex_element(element, classes):
        return _tex_element(element)
    return None


def find_delimiters(root: etree._Element) -> Delimiters:
    """Return what opens formulas in the text of a page: more if it loads MathJax or KaTeX."""
    certain = dollar = False
    for script in root.iter("{*}script"):
        text = (script.text or "")[:20_000]
        if re.search("mathjax|katex|renderMathInElement", script.get("src", "") + text, re.IGNORECASE):
            certain = True
            dollar = dollar or _INLINE_MATH.search(text) is not None
    return Delimiters(certain=certain, dollar=dollar)


def _mathml(element: etree._Element, *, display: bool, fallback: str = "") -> FoundFormula:
    alternative = clean_tex(element.get("alttext", "") or fallback)
    if not _TEX_SIGNS.search(alternative) and "/" not in alternative:
        # Words for people who listen, or nothing.
        alternative = ""
    annotated = any(
        local_name(part) == "annotation" and "tex" in part.get("encoding", "").lower() for part in element.iter()
    )
    latex = mathml_to_latex(element)
    if alternative and not (annotated and latex):
        latex = alternative
    has_text = any(str(text).strip() for text in element.itertext())
    return FoundFormula(latex, display, lost=not latex and has_text)


def _is_display(element: etree._Element) -> bool:
    return element.get("display") == "block" or element.get("mode") == "display"


def _script(element: etree._Element) -> FoundFormula | None:
    kind = element.get("type", "").lower()
    if not kind.startswith("math/"):
        return None
    display = "mode=display" in kind.replace(" ", "")
    if kind.startswith("math/tex"):
        text = re.sub(r"^\s*%?\s*<!\[CDATA\[|%?\s*\]\]>\s*$", "", element.text or "")
        latex = clean_tex(text)
        return FoundFormula(latex, display, lost=not latex and bool(text.strip()))
    return _parsed(element.text or "", display=display)


def _parsed(source: str, *, display: bool) -> FoundFormula:
    """Return MathML that is the text of a script or an attribute."""
    parser = etree.XMLParser(recover=True, resolve_entities=False, no_network=True)
    try:
        root = etree.fromstring(source.strip().encode(), parser)
    except etree.XMLSyntaxError:
        root = None
    if root is None:
        return FoundFormula("", display, lost=bool(source.strip()))
    return _mathml(root, display=display or _is_display(root))


def _wrapper(element: etree._Element, classes: list[str]) -> FoundFormula:
    if not _MATHJAX_2.isdisjoint(classes) and _script_follows(element):
        return _COPY
    display = not _DISPLAY_CLASSES.isdisjoint(classes) or any("isplay" in token for token in classes)
    math = next((part for part in element.iter() if local_name(part) == "math"), None)
    image = next((part for part in element.iter() if local_name(part) == "img"), None)
    fallback = image.get("alt", "") if image is not None else ""
    if math is not None:
        return _mathml(math, display=display or _is_display(math), fallback=fallback)
    source = next((part.get("data-mathml", "") for part in element.iter() if part.get("data-mathml")), "")
    if source:
        return _parsed(source, display=display)
    latex = clean_tex(unwrap_tex(fallback))
    return FoundFormula(latex, display, lost=not latex)


def _script_follows(element: etree._Element) -> bool:
    """Whether MathJax 2 left its source beside this element."""
    for sibling in element.itersiblings():
        if local_name(sibling) == "script":
            return sibling.get("type", "").lower().startswith("math/")
        if not any("MathJax" in token or "mjx" in token.lower() for token in sibling.get("class", "").split()):
            return False
    return False


def _mathjax_3(element: etree._Element) -> FoundFormula:
    display = element.get("display") == "true"
    source = next((part.get("data-latex", "") for part in list(element)[:1] if part.get("data-latex")), "")
    latex = clean_tex(source)
    if latex:
        return FoundFormula(latex, display)
    math = next((part for part in element.iter() if local_name(part) == "math"), None)
    return FoundFormula("", display, lost=True) if math is None else _mathml(math, display=display)


def _tex_element(element: etree._Element) -> FoundFormula:
    text = "".join(str(part) for part in element.itertext())
    latex = clean_tex(unwrap_tex(text))
    named = not _DISPLAY_CLASSES.isdisjoint(element.get("class", "").split())
    return FoundFormula(latex, named or text.strip().startswith(("$$", "\\[")), lost=not latex)


def _is_tex_element(element: etree._Element, classes: list[str]) -> bool:
    """Whether an element without others holds TeX for a script to show, as pandoc and others write it."""
    if len(element) or not ({"math", "arithmatex", "tex", "latex"} & set(classes)):
        return False
    text = element.text or ""
    return _TEX_SIGNS.search(text) is not None or WRAPPED.fullmatch(text) is not None


def _image(element: etree._Element) -> FoundFormula | None:
    source, kind = element.get("src", ""), element.get("class", "")
    if mathml := element.get("data-mathml"):
        return _parsed(mathml.translate(_WIRIS), display=False)
    served = _TEX_SERVER.search(source) is not None
    if not served and not _TEX_IMAGE_CLASS.search(kind):
        return None
    alternative = element.get("alt", "")
    if not alternative.strip() and served and not source.startswith("data:"):
        alternative = re.sub(r"^(?:latex|tex|chl|cht=tx&chl)=", "", unquote_plus(urlsplit(source).query))
    latex = clean_tex(unwrap_tex(alternative))
    if not latex:
        return FoundFormula("", lost=True) if served else None
    if not served and not _TEX_SIGNS.search(latex):
        return None
    return FoundFormula(latex, display="isplay" in kind)


_BY_NAME: Final[dict[str, Callable[[etree._Element], FoundFormula | None]]] = {
    "img": _image,
    "math-renderer": _tex_element,
    "mjx-container": _mathjax_3,
    "script": _script,
}
