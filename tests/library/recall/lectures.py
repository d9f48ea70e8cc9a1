"""A lecture in English and in German, and documents of several producers made from it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.library.recall import producers

ENGLISH = [
    "Diffusion is the net movement of particles from a region of higher concentration to one of lower concentration. "
    "It needs no energy, and it goes on until the particles are spread evenly. The flux is proportional to the "
    "gradient, which Adolf Fick found in 1855 by an analogy with the flow of heat.",
    "Osmosis is the diffusion of water across a selectively permeable membrane. In a hypotonic solution a cell takes "
    "up water; in a hypertonic one it loses water and shrinks. Plant cells are protected by a rigid wall, so that "
    "turgor, the pressure of the cell content on the wall, keeps leaves stiff.",
    "Active transport is the movement of a substance against its gradient. It needs energy, which comes from ATP. The "
    "sodium-potassium pump moves three sodium ions out of the cell and two potassium ions into it, and uses about a "
    "fifth of the energy of a resting person.",
    "An effect of the first order is often sufficient to explain the findings: efficient carriers, flexible membranes "
    "and affine transformations of the coordinates are difficult to tell apart in the office of a physicist.",
    "Endocytosis is the uptake of material by a fold of the membrane. Exocytosis is the release of material from a "
    "vesicle. Both change the area of the membrane, and in most cells they balance each other within minutes.",
]
GERMAN = [
    "Diffusion ist die Bewegung von Teilchen aus einem Gebiet höherer in ein Gebiet niedrigerer Konzentration. Sie "
    "braucht keine Energie und dauert an, bis die Teilchen gleichmässig verteilt sind. Der Fluss ist proportional zum "
    "Gefälle, was Adolf Fick im Jahr 1855 in Analogie zum Wärmefluss fand.",
    "Osmose ist die Diffusion von Wasser durch eine halbdurchlässige Membran. In einer hypotonen Lösung nimmt eine "
    "Zelle Wasser auf; in einer hypertonen verliert sie Wasser und schrumpft. Pflanzenzellen schützt eine feste Wand, "
    "sodass der Turgor, der Druck des Zellinhalts auf die Wand, die Blätter steif hält.",
    "Aktiver Transport ist die Bewegung eines Stoffes gegen sein Gefälle. Er braucht Energie, die aus ATP stammt. Die "
    "Natrium-Kalium-Pumpe befördert drei Natriumionen aus der Zelle und zwei Kaliumionen hinein; das kostet ungefähr "
    "ein Fünftel der Energie eines ruhenden Menschen.",
    "Häufig genügt ein Effekt erster Ordnung für die Erklärung: Flüssigkeiten, Überträger und ähnliche Größen öffnen "
    "sich der Prüfung äußerst zögerlich, und die Schlüsse daraus müssen überdacht werden.",
    "Endozytose ist die Aufnahme von Stoffen durch eine Falte der Membran, Exozytose ihre Abgabe aus einem Bläschen. "
    "Beide ändern die Fläche der Membran, und in den meisten Zellen gleichen sie sich innert Minuten aus.",
]
_FORMULAS = [
    r"The speed of light is about $3 \cdot 10^{8}$ metres per second, a mole has $6.022 \cdot 10^{23}$ particles, "
    r"and water is H$_{2}$O.",
    r"A kilobyte has $2^{10}$ bytes, the area is $x_{1}^{2}$, and the charge of calcium is Ca$^{2+}$.",
]
_RAISED = (
    "<p>The speed of light is about 3 · 10<sup>8</sup> metres per second, a mole has 6.022 · 10<sup>23</sup> particles,"
    " and water is H<sub>2</sub>O. A kilobyte has 2<sup>10</sup> bytes, and calcium is Ca<sup>2+</sup>.</p>"
)
_TABLE = (
    "<table border='1'><tr><th>Drug</th><th>Adults</th><th>Children</th></tr>"
    "<tr><td>Paracetamol</td><td>1000 mg</td><td>15 mg per kg</td></tr>"
    "<tr><td>Ibuprofen syrup</td><td></td><td>10 mg per kg</td></tr></table>"
)


@dataclass(frozen=True, slots=True)
class Lecture:
    """A document: how it is made, and what it has in all: raised and lowered text, and headings."""

    make: Callable[[Path], Path]
    headings: int = 0
    raised: int = 0


def _tex(paragraphs: list[str], *, kind: str = "article", preamble: str = "", options: str = "a4paper") -> str:
    body = "\n\n".join(f"\\section{{Part {at}}}\n{text}" for at, text in enumerate(paragraphs, 1))
    # Typeset three times, so that there are several pages.
    return (
        f"\\documentclass[{options}]{{{kind}}}\\usepackage[utf8]{{inputenc}}{preamble}"
        f"\\begin{{document}}{body}\n\n{body}\n\n{body}\\end{{document}}"
    )


def _beamer(paragraphs: list[str]) -> str:
    frames = "".join(
        f"\\begin{{frame}}{{Part {at}}}\\begin{{itemize}}"
        + "".join(f"\\item {sentence.strip(' .')}." for sentence in text.split(". "))
        + "\\end{itemize}\\end{frame}"
        for at, text in enumerate(paragraphs, 1)
    )
    return f"\\documentclass{{beamer}}\\usepackage[utf8]{{inputenc}}\\begin{{document}}{frames}\\end{{document}}"


def _html(paragraphs: list[str], more: str = "", style: str = "") -> str:
    body = "".join(f"<h2>Part {at}</h2><p>{text}</p>" for at, text in enumerate(paragraphs, 1))
    head = f"<head><meta charset='utf-8'><style>{style}</style></head>"
    return f"<!doctype html><html lang='de'>{head}<body><h1>Membranes</h1>{body}{more}</body></html>"


_ARTICLE = [*ENGLISH, *_FORMULAS]
_T1 = "\\usepackage[T1]{fontenc}\\usepackage{lmodern}"
# Poppler leaves words in two parts that are divided at the end of a column.
_UNDIVIDED = "\\hyphenpenalty=10000\\sloppy"
_COLUMNS = "body { columns: 2; font-family: serif }"

LECTURES = {
    "latex-old-fonts": Lecture(lambda folder: producers.latex(_tex(_ARTICLE), folder), headings=21, raised=21),
    "latex-old-fonts-german": Lecture(lambda folder: producers.latex(_tex(GERMAN), folder), headings=15),
    "latex-new-fonts-german": Lecture(lambda folder: producers.latex(_tex(GERMAN, preamble=_T1), folder), headings=15),
    "latex-new-fonts": Lecture(
        lambda folder: producers.latex(_tex(_ARTICLE, preamble=_T1), folder), headings=21, raised=21
    ),
    "latex-two-columns": Lecture(
        lambda folder: producers.latex(_tex(ENGLISH, preamble=_UNDIVIDED, options="a4paper,twocolumn"), folder),
        headings=15,
    ),
    "latex-book": Lecture(
        lambda folder: producers.latex(_tex(GERMAN, kind="scrbook", preamble=_T1), folder), headings=15
    ),
    "latex-slides": Lecture(lambda folder: producers.latex(_beamer(ENGLISH), folder), headings=5),
    "libreoffice": Lecture(
        lambda folder: producers.libreoffice(_html(ENGLISH, _RAISED + _TABLE), folder), headings=6, raised=5
    ),
    "libreoffice-german": Lecture(lambda folder: producers.libreoffice(_html(GERMAN * 3), folder), headings=16),
    "chromium": Lecture(
        lambda folder: producers.chromium(_html(ENGLISH, _RAISED + _TABLE), folder), headings=6, raised=5
    ),
    "chromium-columns-german": Lecture(
        lambda folder: producers.chromium(_html(GERMAN * 3, style=_COLUMNS), folder), headings=16
    ),
    "reportlab": Lecture(lambda folder: producers.reportlab(ENGLISH * 3, folder)),
    "reportlab-embedded-german": Lecture(lambda folder: producers.reportlab(GERMAN * 3, folder, "DejaVuSans")),
}
