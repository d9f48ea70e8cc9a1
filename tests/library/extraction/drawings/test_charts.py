"""Charts as titles and tables of figures."""

import pytest
from lxml import etree

from backend.library.extraction.drawings.chart_figures import shown_figure
from backend.library.extraction.drawings.charts import MAX_POINTS, chart_text
from backend.library.extraction.page_text import finish_text

_NAMES = (
    'xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart" '
    'xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" '
    'xmlns:cx="http://schemas.microsoft.com/office/drawing/2014/chartex"'
)


def _read(content: str, tag: str = "c:chartSpace") -> tuple[str, list[str]]:
    warnings: list[str] = []
    text = chart_text(etree.fromstring(f"<{tag} {_NAMES}>{content}</{tag}>"), warnings.append)
    return finish_text(text).text, warnings


def _points(kind: str, values: dict[int, str], code: str = "General") -> str:
    points = "".join(f'<c:pt idx="{place}"><c:v>{value}</c:v></c:pt>' for place, value in values.items())
    return f"<c:{kind}Ref><c:{kind}Cache><c:formatCode>{code}</c:formatCode>{points}</c:{kind}Cache></c:{kind}Ref>"


def _series(name: str, categories: str, values: str, extra: str = "") -> str:
    return (
        f"<c:ser><c:tx>{_points('str', {0: name})}</c:tx>{extra}"
        f"<c:cat>{categories}</c:cat><c:val>{values}</c:val></c:ser>"
    )


YEARS = _points("str", {0: "2020", 1: "2021", 2: "2022"})


def test_a_chart_is_its_titles_and_a_table_with_gaps():
    title = "<c:title><c:tx><c:rich><a:p><a:r><a:t>{}</a:t></a:r></a:p></c:rich></c:tx></c:title>"
    text, warnings = _read(
        title.format("Deaths")
        + _series("Men", YEARS, _points("num", {0: "3", 2: "5"}))
        + _series("Women", YEARS, _points("num", {0: "4", 1: "4.5"}))
        + f"<c:valAx>{title.format('Per 1000')}</c:valAx>"
    )
    assert text == (
        "Deaths\n\nPer 1000\n\n| | Men | Women |\n| --- | --- | --- |\n"
        "| 2020 | 3 | 4 |\n| 2021 | | 4.5 |\n| 2022 | 5 | |"
    )
    assert warnings == ["charts_as_tables"]


def test_series_with_other_categories_have_a_table_of_their_own():
    text, _ = _read(
        _series("A", YEARS, _points("num", {0: "1"}))
        + f"<c:ser><c:xVal>{_points('num', {0: '0.5'})}</c:xVal><c:yVal>{_points('num', {0: '7'})}</c:yVal></c:ser>"
    )
    assert text.split("\n\n")[1] == "| | |\n| --- | --- |\n| 0.5 | 7 |"


def test_levels_of_categories_are_joined_from_the_outside():
    levels = (
        '<c:multiLvlStrRef><c:multiLvlStrCache><c:lvl><c:pt idx="0"><c:v>Bern</c:v></c:pt>'
        '<c:pt idx="1"><c:v>Thun</c:v></c:pt><c:pt idx="2"><c:v>Lyon</c:v></c:pt></c:lvl>'
        '<c:lvl><c:pt idx="0"><c:v>CH</c:v></c:pt><c:pt idx="2"><c:v>FR</c:v></c:pt></c:lvl>'
        "</c:multiLvlStrCache></c:multiLvlStrRef>"
    )
    text, _ = _read(_series("A", levels, _points("num", {0: "1", 1: "2", 2: "3"})))
    assert [line.split(" | ")[0] for line in text.split("\n")[2:]] == ["| CH / Bern", "| CH / Thun", "| FR / Lyon"]


def test_a_label_that_somebody_typed_stands_beside_its_figure():
    label = (
        '<c:dLbls><c:dLbl><c:idx val="1"/><c:tx><c:rich><a:p><a:r><a:t>first lockdown</a:t></a:r></a:p></c:rich></c:tx>'
        "</c:dLbl></c:dLbls>"
    )
    text, _ = _read(_series("A", YEARS, _points("num", {0: "1", 1: "2"}), label))
    assert "| 2021 | 2 (first lockdown) |" in text


@pytest.mark.parametrize("values", [{}, dict.fromkeys(range(MAX_POINTS + 1), "1")])
def test_a_chart_without_figures_or_with_thousands_is_a_lost_object(values):
    text, warnings = _read(_series("A", YEARS, _points("num", values)))
    assert text == ""
    assert warnings == ["charts_as_tables", "objects_lost"]


def test_newer_kinds_of_chart_are_read():
    text, warnings = _read(
        '<cx:chartData><cx:data id="0"><cx:strDim type="cat"><cx:lvl><cx:pt idx="0">Rent</cx:pt></cx:lvl></cx:strDim>'
        '<cx:numDim type="val"><cx:lvl formatCode="0%"><cx:pt idx="0">0.25</cx:pt></cx:lvl></cx:numDim></cx:data>'
        "</cx:chartData><cx:chart><cx:title><cx:tx><cx:rich><a:p><a:r><a:t>Costs</a:t></a:r></a:p></cx:rich></cx:tx>"
        '</cx:title><cx:series><cx:tx><cx:txData><cx:v>Share</cx:v></cx:txData></cx:tx><cx:dataId val="0"/></cx:series>'
        "</cx:chart>",
        "cx:chartSpace",
    )
    assert text == "Costs\n\n| | Share |\n| --- | --- |\n| Rent | 25% |"
    assert warnings == ["charts_as_tables"]


@pytest.mark.parametrize(
    ("value", "code", "shown"),
    [
        ("0.24", "0%", "24%"),
        ("0.245", "0.0%", "24.5%"),
        ("2.5", "0", "3"),
        ("1234.5", "#,##0.00", "1234.50"),
        ("1.5", "0.0##", "1.5"),
        ("0.30000000000000004", "General", "0.3"),
        ("1E-4", "General", "0.0001"),
        ("6.02E+23", "General", "6.02e+23"),
        ("6.02E+23", "0.00E+00", "6.02e+23"),
        ("43831", "dd/mm/yyyy", "2020-01-01"),
        ("43831.5", "d.m.yy h:mm", "2020-01-01 12:00"),
        ("12", '0 "kg"', "12"),
        ("5000", "0.0,", "5000"),
        ("-1", "0;[Red]-0", "-1"),
        ("#N/A", "0", "#N/A"),
        ("1e999", "0.00", "1e+999"),
    ],
)
def test_figures_are_shown_in_the_format_of_their_cells(value, code, shown):
    assert shown_figure(value, code) == shown
