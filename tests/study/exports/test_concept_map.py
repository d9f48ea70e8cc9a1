"""The drawn concept map: the contents of the file and their positions."""

import itertools
import random
import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from backend.study.concept_map.drawing import to_svg
from backend.study.concept_map.layout import place_topics, text_width, wrap
from backend.study.types import LinkView, TopicView
from tests.study.exports.kits import link, topic

SVG = "{http://www.w3.org/2000/svg}"
_NAMES = (
    *("Messunsicherheit", "", "PID-Regler & <Recht>", "平均値" * 12, "ß " * 30),
    "Rechtsschutzversicherungsgesellschaften und Donaudampfschifffahrtsgesellschaftskapitäne",
)
# Times are not the subject here, and machines that test are busy.
_unhurried = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@st.composite
def random_maps(draw: st.DrawFn) -> tuple[list[TopicView], list[LinkView]]:
    """Forests and broken forests: parents that come later, cycles, links to unknown topics."""
    count = draw(st.integers(0, 40))
    number = st.integers(1, count + 2)
    name = st.sampled_from(_NAMES)
    topics = [topic(own, draw(name), draw(st.none() | number)) for own in range(1, count + 1)]
    links = [link(draw(number), draw(number), draw(name)) for _ in range(draw(st.integers(0, 12)))]
    return topics, links


def parse(svg: str) -> etree._Element:
    return etree.fromstring(svg.encode(), etree.XMLParser(resolve_entities=False, no_network=True))


def number(element: etree._Element, attribute: str) -> float:
    return float(element.attrib[attribute])


def boxes_of(root: etree._Element) -> list[etree._Element]:
    return root.findall(f".//{SVG}g/{SVG}title/../{SVG}rect")


def overlap(one: etree._Element, other: etree._Element) -> bool:
    return all(
        number(one, start) < number(other, start) + number(other, size)
        and number(other, start) < number(one, start) + number(one, size)
        for start, size in (("x", "width"), ("y", "height"))
    )


@_unhurried
@given(random_maps())
def test_every_topic_has_a_box_and_no_two_overlap(drawn: tuple[list[TopicView], list[LinkView]]) -> None:
    topics, links = drawn
    root = parse(to_svg(topics, links, "Karte"))
    boxes = boxes_of(root)
    assert len(boxes) == len(topics)
    assert not [pair for pair in itertools.combinations(boxes, 2) if overlap(*pair)]
    shown = sorted(element.text or "" for element in root.iterfind(f".//{SVG}g/{SVG}title"))
    assert shown == sorted(" ".join(one.name.split()) for one in topics)


@_unhurried
@given(random_maps())
def test_everything_is_inside_the_picture(drawn: tuple[list[TopicView], list[LinkView]]) -> None:
    root = parse(to_svg(*drawn, "Karte"))
    drawing = root.find(f"{SVG}g")
    assert drawing is not None
    offset_x, offset_y = (float(value) for value in re.findall(r"-?[\d.]+", drawing.attrib["transform"]))
    for rect in root.iterfind(f".//{SVG}g//{SVG}rect"):
        assert offset_x + number(rect, "x") >= 0
        assert offset_y + number(rect, "y") >= 0
        assert offset_x + number(rect, "x") + number(rect, "width") <= number(root, "width")
        assert offset_y + number(rect, "y") + number(rect, "height") <= number(root, "height")


@_unhurried
@given(random_maps())
def test_every_line_of_text_fits_its_box(drawn: tuple[list[TopicView], list[LinkView]]) -> None:
    for box in place_topics(drawn[0], 56.0).boxes:
        assert all(text_width(line) <= box.width - 16 for line in box.lines)
        assert len(box.lines) * 17 <= box.height - 16


@_unhurried
@given(random_maps())
def test_names_are_wrapped_and_never_truncated(drawn: tuple[list[TopicView], list[LinkView]]) -> None:
    for one in drawn[0]:
        letters = re.sub(r"[\s-]", "", "".join(wrap(one.name, 80.0)))
        assert letters == (re.sub(r"[\s-]", "", one.name) or "–")


@_unhurried
@given(random_maps())
def test_parents_are_left_of_their_children(drawn: tuple[list[TopicView], list[LinkView]]) -> None:
    boxes = {box.topic_id: box for box in place_topics(drawn[0], 56.0).boxes}
    for box in boxes.values():
        if box.parent_id:
            assert boxes[box.parent_id].right + 56.0 <= box.x


def test_parent_is_centred_on_its_children() -> None:
    parent, *children = place_topics([topic(1, "a"), *(topic(own, "b", 1) for own in range(2, 9))], 56.0).boxes
    assert parent.middle == pytest.approx((children[0].middle + children[-1].middle) / 2)


def test_links_are_dashed_arrows_with_their_labels_and_edges_are_solid() -> None:
    topics = [topic(1, "Statistik"), topic(2, "Mittelwert", 1), topic(3, "Median", 1)]
    links = [
        link(2, 3, "ist empfindlicher als"),
        link(2, 2, "to itself"),
        link(2, 9, "to nowhere"),
        link(3, 1, ""),
    ]
    root = parse(to_svg(topics, links, "Karte"))
    edges = [path for path in root.iter(f"{SVG}path") if path.get("class") == "edge"]
    lines = [path for path in root.iter(f"{SVG}path") if path.get("class") == "link"]
    assert (len(edges), len(lines)) == (2, 2)
    assert all("stroke-dasharray" in line.attrib for line in lines)
    assert not [edge for edge in edges if "stroke-dasharray" in edge.attrib]
    assert [path.get("class") for path in root.iter(f"{SVG}path")].count("tip") == 2
    labels = [" ".join(text.itertext()) for text in root.iter(f"{SVG}text") if text.get("class") == "label"]
    assert labels == ["ist empfindlicher als"]


@pytest.mark.parametrize("count", [0, 1, 12, 150])
@pytest.mark.parametrize("shape", ["flat", "tree", "star"])
def test_any_number_of_topics_gives_a_sensible_picture(count: int, shape: str) -> None:
    seeded = random.Random(count)
    parents = {
        "flat": lambda own: None,
        "star": lambda own: 1 if own > 1 else None,
        "tree": lambda own: seeded.randint(max(1, own // 3), own - 1) if own % 9 > 1 else None,
    }
    topics = [topic(own, f"Thema Nummer {own}", parents[shape](own)) for own in range(1, count + 1)]
    links = [link(own, own + 1, "führt zu") for own in range(1, count, 8)]
    svg = to_svg(topics, links, "Karte")
    root = parse(svg)
    boxes = boxes_of(root)
    assert len(boxes) == count
    assert not [pair for pair in itertools.combinations(boxes, 2) if overlap(*pair)]
    texts = {" ".join(text.itertext()) for text in root.iter(f"{SVG}text")}
    assert ("Noch keine Themen · No topics yet" in texts) is (count == 0)
    if shape != "star":
        assert 0.4 <= number(root, "width") / number(root, "height") <= 4.5
    assert len(svg) < 1_500 * (count + 2)


def test_labels_cover_no_box() -> None:
    topics = [topic(own, f"Ein längerer Name {own}", own % 4 or None) for own in range(1, 40)]
    links = [link(own, own * 7 % 39 + 1, "ist Voraussetzung für") for own in range(1, 40)]
    links += [link(3, 7, "noch einmal dasselbe")] * 40
    root = parse(to_svg(topics, links, "Karte"))
    labels = [rect for rect in root.iterfind(f".//{SVG}g/{SVG}rect") if rect.get("class") == "paper"]
    assert len(labels) == len([one for one in links if one.source_id != one.target_id])
    assert not [pair for pair in itertools.product(labels, boxes_of(root)) if overlap(*pair)]


def test_hostile_names_stay_text_and_nothing_outside_is_referred_to() -> None:
    hostile = "</text><script>alert(1)</script>\"' onload=x &amp; ]]> \x00\x1b\ufffe url(http://e.test)"
    svg = to_svg([topic(1, hostile, summary=hostile), topic(2, "x", 1)], [link(1, 2, hostile)], hostile)
    root = parse(svg)
    allowed = {"svg", "title", "desc", "style", "rect", "g", "path", "text", "tspan"}
    assert {etree.QName(element).localname for element in root.iter()} <= allowed
    assert not [name for element in root.iter() for name in element.attrib if name.startswith("on") or "href" in name]
    assert not [value for element in root.iter() for value in element.attrib.values() if "url" in value]
    assert root.findtext(f"{SVG}title") == "</text><script>alert(1)</script>\"' onload=x &amp; ]]> url(http://e.test)"


def test_picture_is_described_and_readable_on_light_and_dark() -> None:
    root = parse(to_svg([topic(1, "Median", summary="Der mittlere Wert")], [], "Statistik"))
    assert root.get("role") == "img"
    assert root.findtext(f"{SVG}title") == "Statistik"
    assert root.findtext(f"{SVG}desc") == ("Begriffsnetz: 1 Themen, 0 Verbindungen. Concept map: 1 topics, 0 links.")
    assert root.findtext(f".//{SVG}g/{SVG}title") == "Median: Der mittlere Wert"
    assert "prefers-color-scheme: dark" in (root.findtext(f"{SVG}style") or "")
    assert not [text for text in root.iter(f"{SVG}text", f"{SVG}rect") if "fill" not in text.attrib]


def test_same_map_gives_the_same_text() -> None:
    topics = [topic(own, f"Thema {own}", own // 3 or None) for own in range(1, 20)]
    links = [link(1, 5, "a"), link(4, 2, "b")]
    assert to_svg(topics, links, "Karte") == to_svg(topics, links, "Karte")


def test_long_words_are_divided_at_hyphens_and_between_syllables() -> None:
    assert wrap("Analog-Digital-Umsetzer", 110.0) == ("Analog-", "Digital-", "Umsetzer")
    assert wrap("Zustandsraumdarstellung", 140.0) == ("Zustandsraum-", "darstellung")


def test_very_deep_chain_is_drawn() -> None:
    topics = [topic(own, f"T{own}", own - 1 or None) for own in range(1, 1500)]
    assert len(place_topics(topics, 56.0).boxes) == 1499
