"""Draws a concept map as a self-contained SVG file, without scripts or external references.

Parent edges are solid; links are dashed arrows with labels. Colours of the light theme are attributes of the shapes,
and those of the dark theme are in a style sheet, so the picture is also correct under a content security policy that
forbids style sheets. The picture paints its own background.
"""

import html
import math
from collections.abc import Sequence
from dataclasses import dataclass

from backend.study.concept_map.layout import (
    FONT_SIZE,
    LINE_HEIGHT,
    Box,
    MapLayout,
    place_topics,
    text_width,
    wrap,
)
from backend.study.markup.plain_text import one_line
from backend.study.types import LinkView, TopicView

# White text on each has a contrast of at least 5:1 (WCAG 2.2 requires 4.5:1).
_TREE_COLOURS = ("#1f5fa8", "#8a3d7d", "#2a6b4a", "#94481d", "#4b4fa5", "#7d3242", "#2b6777", "#6a5a1e")
_DARK_THEME = (
    "@media (prefers-color-scheme: dark) {"
    " .paper { fill: #14181e } .box { fill: #222932 } .ink { fill: #e9ecf0 }"
    " .edge { stroke: #7f8a98 } .link { stroke: #e0a458 } .tip { fill: #e0a458 }"
    " .label { fill: #f0c48a } }"
)
_MARGIN = 28.0
_MIN_WIDTH = 420.0
_TITLE_SIZE = 20.0
_TITLE_LINE = 26.0
_LABEL_SIZE = 11.0
_LABEL_LINE = 13.0
_LABEL_WIDTH = 104.0
# Between columns of boxes; wide enough for labels if there are links.
_GAP_WITH_LINKS = 132.0
_GAP = 56.0
_ALONG = (0.5, 0.42, 0.58, 0.34, 0.66, 0.26, 0.74, 0.18, 0.82, 0.1, 0.9)
_BESIDE = ((0.0, 0.0), (0.0, -14.0), (0.0, 14.0), (44.0, 0.0), (-44.0, 0.0), (0.0, -28.0), (0.0, 28.0), (66.0, 0.0))


@dataclass(frozen=True, slots=True)
class _Rectangle:
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class _Label:
    lines: tuple[str, ...]
    area: _Rectangle


@dataclass(frozen=True, slots=True)
class _Curve:
    """A cubic Bézier curve by its four points, each (x, y)."""

    points: tuple[tuple[float, float], tuple[float, float], tuple[float, float], tuple[float, float]]

    def at(self, t: float) -> tuple[float, float]:
        weights = ((1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3)
        return (
            sum(weight * point[0] for weight, point in zip(weights, self.points, strict=True)),
            sum(weight * point[1] for weight, point in zip(weights, self.points, strict=True)),
        )


def to_svg(topics: Sequence[TopicView], links: Sequence[LinkView], title: str) -> str:
    """Return a concept map as an SVG document; the same map gives the same text.

    There may be any number of topics, including none. Names are wrapped, never cut. Links from or to an unknown topic,
    or from a topic to itself, are not drawn.
    """
    by_id = {topic.id: topic for topic in topics}
    drawn = [
        link
        for link in links
        if link.source_id in by_id and link.target_id in by_id and link.source_id != link.target_id
    ]
    layout = place_topics(topics, _GAP_WITH_LINKS if drawn else _GAP)
    boxes = {box.topic_id: box for box in layout.boxes}
    curves = [_link_curve(boxes[link.source_id], boxes[link.target_id], layout.boxes) for link in drawn]
    labels = _place_labels(drawn, curves, layout.boxes)
    area = _drawn_area(layout, curves, labels)
    width = max(area.width + 2 * _MARGIN, _MIN_WIDTH)
    title_lines = wrap(title, width - 2 * _MARGIN, _TITLE_SIZE * 1.12)
    top = _MARGIN + len(title_lines) * _TITLE_LINE + 16.0
    height = top + max(area.height, 40.0) + _MARGIN
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_n(width)} {_n(height)}" '
        f'width="{_n(width)}" height="{_n(height)}" role="img" '
        "font-family=\"system-ui, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif\">",
        f"<title>{_escape(one_line(title))}</title>",
        f"<desc>{_description(topics, drawn)}</desc>",
        f"<style>{_DARK_THEME}</style>",
        f'<rect class="paper" width="{_n(width)}" height="{_n(height)}" fill="#ffffff"/>',
        _text(
            title_lines,
            _MARGIN,
            _MARGIN + _TITLE_SIZE,
            size=_TITLE_SIZE,
            line_height=_TITLE_LINE,
            attributes='font-weight="700"',
        ),
        f'<g transform="translate({_n(_MARGIN - area.x)} {_n(top - area.y)})">',
        *(_edge(boxes[box.parent_id], box) for box in layout.boxes if box.parent_id),
        *(_link_line(curve) for curve in curves),
        *(_box(box, by_id[box.topic_id]) for box in layout.boxes),
        *(_label(label) for label in labels),
        "</g>",
    ]
    if not topics:
        parts.append(_text(("Noch keine Themen · No topics yet",), _MARGIN, top + 20.0))
    return "\n".join([*parts, "</svg>", ""])


def _drawn_area(layout: MapLayout, curves: Sequence[_Curve], labels: Sequence[_Label]) -> _Rectangle:
    """Return the area of all boxes, links and labels; the last two may extend beyond the boxes."""
    points = [(0.0, 0.0), (layout.width, layout.height), *(point for curve in curves for point in curve.points)]
    for label in labels:
        area = label.area
        points += [(area.x, area.y), (area.x + area.width, area.y + area.height)]
    xs, ys = zip(*points, strict=True)
    left, top = min(xs), min(ys)
    return _Rectangle(left, top, max(xs) - left, max(ys) - top)


def _description(topics: Sequence[TopicView], links: Sequence[LinkView]) -> str:
    return (
        f"Begriffsnetz: {len(topics)} Themen, {len(links)} Verbindungen. "
        f"Concept map: {len(topics)} topics, {len(links)} links."
    )


def _box(box: Box, topic: TopicView) -> str:
    """Return a topic's box. Its name and summary are the tooltip, which screen readers read aloud."""
    colour = _TREE_COLOURS[box.tree % len(_TREE_COLOURS)]
    is_root = box.parent_id is None
    tooltip = ": ".join(text for text in (one_line(topic.name), one_line(topic.summary)) if text)
    shape = f'fill="{colour}"' if is_root else 'class="box" fill="#f6f8fa"'
    text = _text(
        box.lines,
        box.x + box.width / 2,
        box.middle - (len(box.lines) - 1) * LINE_HEIGHT / 2 + FONT_SIZE * 0.35,
        attributes='text-anchor="middle"' + (' font-weight="600"' if is_root else ""),
        colour="#ffffff" if is_root else None,
    )
    return (
        f'<g><title>{_escape(tooltip)}</title><rect {shape} x="{_n(box.x)}" y="{_n(box.y)}" '
        f'width="{_n(box.width)}" height="{_n(box.height)}" rx="8" stroke="{colour}" stroke-width="1.6"/>'
        f"{text}</g>"
    )


def _edge(parent: Box, child: Box) -> str:
    bend = (child.x - parent.right) / 2
    return (
        f'<path class="edge" d="M{_n(parent.right)} {_n(parent.middle)}C{_n(parent.right + bend)} '
        f'{_n(parent.middle)} {_n(child.x - bend)} {_n(child.middle)} {_n(child.x)} {_n(child.middle)}" '
        'fill="none" stroke="#8b96a5" stroke-width="1.5"/>'
    )


def _link_curve(source: Box, target: Box, boxes: Sequence[Box]) -> _Curve:
    """Return the path from one box to another, next to the parent edges rather than on them."""
    start_y = source.middle + source.height * 0.25
    end_y = target.middle - target.height * 0.25
    if source.right < target.x or target.right < source.x:
        forward = source.right < target.x
        start_x, end_x = (source.right, target.x) if forward else (source.x, target.right)
        bend = max(abs(end_x - start_x) / 2, 40.0) * (1 if forward else -1)
        return _Curve(((start_x, start_y), (start_x + bend, start_y), (end_x - bend, end_y), (end_x, end_y)))
    # One above the other: pass to the right of both and of the boxes between, farther out for a longer distance.
    column_right = max(
        box.right
        for box in boxes
        if box.x in (source.x, target.x) and min(source.y, target.y) <= box.y <= max(source.y, target.y)
    )
    reach = column_right + 44.0 + min(abs(end_y - start_y) * 0.12, 70.0)
    return _Curve(((source.right, start_y), (reach, start_y), (reach, end_y), (target.right, end_y)))


def _link_line(curve: _Curve) -> str:
    (start, bend_1, bend_2, end) = curve.points
    direction = math.copysign(1.0, end[0] - bend_2[0])
    back = end[0] - 8.0 * direction
    return (
        f'<path class="link" d="M{_n(start[0])} {_n(start[1])}C{_n(bend_1[0])} {_n(bend_1[1])} '
        f'{_n(bend_2[0])} {_n(bend_2[1])} {_n(back)} {_n(end[1])}" fill="none" stroke="#a85f00" '
        'stroke-width="1.4" stroke-dasharray="5 4"/>'
        f'<path class="tip" d="M{_n(end[0])} {_n(end[1])}L{_n(back)} {_n(end[1] - 4)}V{_n(end[1] + 4)}Z" '
        'fill="#a85f00"/>'
    )


def _place_labels(links: Sequence[LinkView], curves: Sequence[_Curve], boxes: Sequence[Box]) -> list[_Label]:
    """Return the links' labels, each on its line and clear of boxes and other labels, if possible."""
    taken = [_Rectangle(box.x, box.y, box.width, box.height) for box in boxes]
    labels: list[_Label] = []
    for link, curve in zip(links, curves, strict=True):
        if not one_line(link.label):
            continue
        lines = wrap(link.label, _LABEL_WIDTH, _LABEL_SIZE)
        width = max(text_width(line, _LABEL_SIZE) for line in lines) + 6.0
        height = len(lines) * _LABEL_LINE + 4.0
        candidates = [
            _Rectangle(x + right - width / 2, y + down - height / 2, width, height)
            for right, down in _BESIDE
            for x, y in (curve.at(t) for t in _ALONG)
        ]
        # If every place is taken, a label may cover another label, but never a topic's name.
        free = (one for one in candidates if not any(_overlap(one, other) for other in taken))
        beside_boxes = (one for one in candidates if not any(_overlap(one, box) for box in taken[: len(boxes)]))
        area = next(free, None) or next(beside_boxes, candidates[0])
        taken.append(area)
        labels.append(_Label(lines, area))
    return labels


def _label(label: _Label) -> str:
    area = label.area
    text = _text(
        label.lines,
        area.x + area.width / 2,
        area.y + 2.0 + _LABEL_SIZE * 0.9,
        size=_LABEL_SIZE,
        line_height=_LABEL_LINE,
        attributes='text-anchor="middle"',
        colour="#7a4500",
        style="label",
    )
    return (
        f'<rect class="paper" x="{_n(area.x)}" y="{_n(area.y)}" width="{_n(area.width)}" '
        f'height="{_n(area.height)}" rx="3" fill="#ffffff" fill-opacity="0.88"/>{text}'
    )


def _overlap(one: _Rectangle, other: _Rectangle) -> bool:
    return (
        one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    )


def _text(
    lines: Sequence[str],
    x: float,
    baseline: float,
    *,
    size: float = FONT_SIZE,
    line_height: float = LINE_HEIGHT,
    attributes: str = "",
    colour: str | None = None,
    style: str = "",
) -> str:
    """Return lines of text, the first at ``baseline``; the default colour is that of the theme."""
    style = style or ("" if colour else "ink")
    spans = "".join(
        f'<tspan x="{_n(x)}" y="{_n(baseline + index * line_height)}">{_escape(line)}</tspan>'
        for index, line in enumerate(lines)
    )
    named = f'class="{style}" ' if style else ""
    return f'<text {named}font-size="{_n(size)}" fill="{colour or "#1b222c"}" {attributes}>{spans}</text>'


def _escape(text: str) -> str:
    return html.escape(text)


def _n(value: float) -> str:
    """Return a length in tenths of a unit; screens show nothing finer."""
    return f"{value:.1f}"
