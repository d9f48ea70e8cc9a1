"""Pictures of formulas that carry their LaTeX with them, as the add-in IguanaTex makes them."""

import re
from typing import Any, Final

from backend.library.extraction.drawings.names import P, R
from backend.library.extraction.errors import UnreadableFile
from backend.library.extraction.office_package import OfficePackage
from backend.library.extraction.page_text import formula, remove_marks

_TAG: Final = "LATEXADDIN"
_BODY = re.compile(r"\\begin\{document\}(.*)\\end\{document\}", re.DOTALL)
_COMMENT = re.compile(r"(?<!\\)%[^\n]*")
_ESCAPED_BREAK = re.compile(r"_x000[DA]_", re.IGNORECASE)
_MATH = re.compile(
    r"\$\$(?P<dollars>.+)\$\$|\$(?P<dollar>[^$]+)\$|\\\[(?P<bracket>.+)\\\]|\\\((?P<round>.+)\\\)"
    r"|\\begin\{(?P<name>(?:equation|align|gather|multline|eqnarray|displaymath|math)\*?)\}(?P<body>.+)\\end\{(?P=name)\}",
    re.DOTALL,
)


def latex_picture_text(shape: Any, description: str, part: str, package: OfficePackage) -> str:
    """Return the formula or text that a picture was made from, or an empty string if it does not say.

    ``description`` is the raw alternative text; the add-in keeps the source there, or in a part for tags.
    """
    source = description if "\\begin{document}" in description else _tagged_source(shape, part, package)
    body = _BODY.search(_ESCAPED_BREAK.sub("\n", source))
    if body is None:
        return ""
    text = _COMMENT.sub("", remove_marks(body.group(1))).strip()
    math = _MATH.fullmatch(text)
    if math is None:
        return " ".join(text.split())
    latex = next(math.group(name) for name in ("dollars", "dollar", "bracket", "round", "body") if math.group(name))
    name = math.group("name") or ""
    if name.startswith(("align", "gather", "eqnarray", "multline")) and "\\\\" in latex:
        latex = f"\\begin{{aligned}}{latex}\\end{{aligned}}"
    return formula(" ".join(latex.split()), display=math.group("dollar") is None and math.group("round") is None)


def _tagged_source(shape: Any, part: str, package: OfficePackage) -> str:
    for tags in shape.iter(P + "tags"):
        relation = package.relations(part).get(tags.get(R + "id", ""))
        if relation is None or relation.part is None:
            continue
        try:
            root = package.parse(relation.part)
        except UnreadableFile as error:
            if error.code != "damaged":
                raise
            continue
        for tag in root.iter(P + "tag"):
            if tag.get("name", "").upper() == _TAG:
                return str(tag.get("val", ""))
    return ""
