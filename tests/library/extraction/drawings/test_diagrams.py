"""SmartArt as nested lists."""

from lxml import etree

from backend.library.extraction.drawings.diagrams import diagram_text

_NAMES = (
    'xmlns:dgm="http://schemas.openxmlformats.org/drawingml/2006/diagram" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
)


def _point(name: str, text: str = "", attributes: str = "", properties: str = "") -> str:
    return (
        f'<dgm:pt modelId="{name}" {attributes}><dgm:prSet {properties}/>'
        f"<dgm:t><a:p><a:r><a:t>{text}</a:t></a:r></a:p></dgm:t></dgm:pt>"
    )


def _link(parent: str, child: str, order: int, kind: str = "parOf") -> str:
    return f'<dgm:cxn type="{kind}" srcId="{parent}" destId="{child}" srcOrd="{order}"/>'


def _read(*elements: str) -> tuple[str, list[str]]:
    warnings: list[str] = []
    model = etree.fromstring(f"<dgm:dataModel {_NAMES}>{''.join(elements)}</dgm:dataModel>")
    return diagram_text(model, warnings.append), warnings


def test_points_follow_their_parents_in_order():
    text, warnings = _read(
        _point("1", attributes='type="doc"'),
        _point("4", "Water"),
        _point("2", "Diffusion"),
        _point("3", "Osmosis"),
        _point("5", "shown", attributes='type="pres"'),
        _link("2", "4", 0),
        _link("1", "3", 1),
        _link("1", "2", 0),
        _link("5", "2", 0, "presOf"),
    )
    assert text == "- Diffusion\n  - Water\n- Osmosis"
    assert warnings == ["charts_as_tables"]


def test_points_that_only_ask_for_text_are_left_out():
    text, warnings = _read(_point("1", attributes='type="doc"'), _point("2", "[Text]", properties='phldr="1"'))
    assert (text, warnings) == ("", [])


def test_points_in_a_circle_are_each_read_once():
    text, _ = _read(_point("1", "Heat"), _point("2", "Steam"), _link("1", "2", 0), _link("2", "1", 0))
    assert text == "- Heat\n  - Steam"
