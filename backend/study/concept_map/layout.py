"""Places the boxes of a concept map: trees from left to right, in as many banks as give a good shape.

Each level of a bank has its own column and each subtree its own strip, so boxes cannot overlap. All lengths are in SVG
user units (CSS pixels at scale 1).
"""

import math
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from backend.study.concept_map.tree import TopicInTree, in_tree_order
from backend.study.markup.plain_text import one_line
from backend.study.types import TopicView

FONT_SIZE = 13.0
LINE_HEIGHT = 17.0
_PADDING_X = 12.0
_PADDING_Y = 8.0
_TEXT_WIDTH = 205.0
_SIBLING_GAP = 12.0
_TREE_GAP = 26.0
_BOLD = 1.12
_VOWELS = "aeiouyäöüáàâéèêíîóôúû"
_ASPECT = 1.5  # Target ratio of width to height, as of a landscape page or a window.


@dataclass(frozen=True, slots=True)
class Box:
    """A topic's box: upper left corner, size, lines of text, and the number of its tree."""

    topic_id: UUID
    parent_id: UUID | None
    lines: tuple[str, ...]
    x: float
    y: float
    width: float
    height: float
    tree: int

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height

    @property
    def middle(self) -> float:
        return self.y + self.height / 2


@dataclass(frozen=True, slots=True)
class MapLayout:
    """Boxes in tree order; ``width`` and ``height`` are the extent of all boxes from (0, 0)."""

    boxes: tuple[Box, ...]
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class _Measured:
    place: TopicInTree
    lines: tuple[str, ...]
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class _Tree:
    nodes: tuple[_Measured, ...]  # In tree order, the root first.
    strips: dict[UUID, float]  # Height of each subtree.

    @property
    def height(self) -> float:
        return self.strips[self.nodes[0].place.topic.id]


def place_topics(topics: Sequence[TopicView], column_gap: float) -> MapLayout:
    """Return the layout of ``topics`` with a free width of ``column_gap`` between columns of boxes."""
    trees = _measured_trees(topics)
    boxes: list[Box] = []
    left = bottom = 0.0
    number = 0
    for bank in _banks(trees, column_gap):
        column_lefts, right = _columns(bank, left, column_gap)
        top = 0.0
        for tree in bank:
            boxes.extend(_place_tree(tree, number, column_lefts, top))
            number += 1
            top += tree.height + _TREE_GAP
        bottom = max(bottom, top - _TREE_GAP)
        left = right + column_gap
    return MapLayout(tuple(boxes), width=max(left - column_gap, 0.0), height=bottom)


def text_width(text: str, font_size: float = FONT_SIZE) -> float:
    """Return a width that ``text`` does not exceed in the usual sans-serif fonts.

    The widths are those of DejaVu Sans, the widest font in common use, rounded up; Arial needs about 12 % less.
    """
    return font_size * sum(_em(character) for character in text)


def wrap(text: str, width: float, font_size: float = FONT_SIZE) -> tuple[str, ...]:
    """Return ``text`` in lines of at most ``width``. Longer words are divided; no text is left out."""
    lines: list[str] = []
    for word in _words_that_fit(one_line(text).replace("\u00ad", ""), width, font_size):
        joined = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(joined, font_size) <= width:
            lines[-1] = joined
        else:
            lines.append(word)
    return tuple(lines) or ("–",)


def _words_that_fit(text: str, width: float, font_size: float) -> list[str]:
    """Return the words of ``text``. A word wider than ``width`` is divided into parts that end with a hyphen."""
    words: list[str] = []
    for word in text.split():
        rest = word
        while text_width(rest, font_size) > width:
            cut = _cut(rest, width - text_width("-", font_size), font_size)
            words.append(rest[:cut] if rest[cut - 1] in "-/" else f"{rest[:cut]}-")
            rest = rest[cut:]
        words.append(rest)
    return words


def _cut(word: str, width: float, font_size: float) -> int:
    """Return where to divide a word that is too wide: as late as possible, preferably where a reader expects it.

    That is after a hyphen or slash, or else before a consonant followed by a vowel, which is how German and, less
    strictly, English words are divided. Compounds usually divide at a seam or between syllables.
    """
    longest = 1
    while longest < len(word) - 1 and text_width(word[: longest + 1], font_size) <= width:
        longest += 1
    cuts = range(longest, longest // 3, -1)
    at_mark = next((cut for cut in cuts if word[cut - 1] in "-/"), None)
    return at_mark or next((cut for cut in cuts if _starts_syllable(word, cut)), longest)


def _starts_syllable(word: str, position: int) -> bool:
    around = word[position - 1 : position + 2].lower()
    return (
        3 <= position <= len(word) - 3
        and around.isalpha()
        and around[1] not in _VOWELS
        and around[2] in _VOWELS
        and around[:2] not in ("ch", "ph", "th", "sh", "ck", "sp", "st")
    )


def _em(character: str) -> float:
    if unicodedata.combining(character):
        return 0.0
    if unicodedata.east_asian_width(character) in "WF" or ord(character) > 0x2E80:
        return 1.05
    if character in "iljtfrI.,:;'|!()[] /-":
        return 0.42
    if character in "mwMWÆŒ@%—…":
        return 1.0
    return 0.74 if character.isupper() else 0.65


def _measured_trees(topics: Sequence[TopicView]) -> list[_Tree]:
    trees: list[list[_Measured]] = []
    for place in in_tree_order(topics):
        bold = _BOLD if place.depth == 0 else 1.0
        lines = wrap(place.topic.name, _TEXT_WIDTH / bold)
        node = _Measured(
            place,
            lines,
            width=max(max(text_width(line) for line in lines) * bold, 40.0) + 2 * _PADDING_X,
            height=len(lines) * LINE_HEIGHT + 2 * _PADDING_Y,
        )
        if place.depth == 0:
            trees.append([])
        trees[-1].append(node)
    return [_Tree(tuple(nodes), _strips(nodes)) for nodes in trees]


def _strips(nodes: Sequence[_Measured]) -> dict[UUID, float]:
    """Return the height of each node's subtree: the larger of its own box and its stacked children."""
    of_children: defaultdict[UUID | None, float] = defaultdict(float)
    strips: dict[UUID, float] = {}
    for node in reversed(nodes):  # Parents precede their children, so in reverse the children come first.
        topic_id = node.place.topic.id
        strips[topic_id] = max(node.height, of_children[topic_id] - _SIBLING_GAP)
        of_children[node.place.parent_id] += strips[topic_id] + _SIBLING_GAP
    return strips


def _banks(trees: Sequence[_Tree], column_gap: float) -> list[list[_Tree]]:
    """Distribute the trees, in order, over side-by-side banks of about the same height."""
    if not trees:
        return []
    total = sum(tree.height + _TREE_GAP for tree in trees)
    _, width = _columns(trees, 0.0, column_gap)
    count = max(1, round(math.sqrt(total * _ASPECT / (width + column_gap))))
    target = max(total / count, *(tree.height for tree in trees))
    banks: list[list[_Tree]] = [[]]
    height = 0.0
    for tree in trees:
        if banks[-1] and height + tree.height / 2 > target:
            banks.append([])
            height = 0.0
        banks[-1].append(tree)
        height += tree.height + _TREE_GAP
    return banks


def _columns(trees: Sequence[_Tree], left: float, column_gap: float) -> tuple[list[float], float]:
    """Return the left edge of each level's column and the right edge of the last."""
    widths: dict[int, float] = {}
    for tree in trees:
        for node in tree.nodes:
            widths[node.place.depth] = max(widths.get(node.place.depth, 0.0), node.width)
    lefts = [left]
    for depth in range(len(widths) - 1):
        lefts.append(lefts[-1] + widths[depth] + column_gap)
    return lefts, lefts[-1] + widths[len(widths) - 1]


def _place_tree(tree: _Tree, number: int, column_lefts: Sequence[float], top: float) -> list[Box]:
    boxes: list[Box] = []
    children_height: defaultdict[UUID | None, float] = defaultdict(lambda: -_SIBLING_GAP)
    for node in tree.nodes:
        children_height[node.place.parent_id] += tree.strips[node.place.topic.id] + _SIBLING_GAP
    next_top: dict[UUID | None, float] = {None: top}
    for node in tree.nodes:
        topic_id = node.place.topic.id
        strip_top = next_top[node.place.parent_id]
        strip = tree.strips[topic_id]
        next_top[node.place.parent_id] = strip_top + strip + _SIBLING_GAP
        # Centre the children in their parent's strip, as the parent's box is.
        next_top[topic_id] = strip_top + (strip - max(children_height.get(topic_id, 0.0), 0.0)) / 2
        boxes.append(
            Box(
                topic_id=topic_id,
                parent_id=node.place.parent_id,
                lines=node.lines,
                x=column_lefts[node.place.depth],
                y=strip_top + (strip - node.height) / 2,
                width=node.width,
                height=node.height,
                tree=number,
            )
        )
    return boxes
