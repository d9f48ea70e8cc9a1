"""Tree order of topics, the same in every export."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from backend.study.types import TopicView


@dataclass(frozen=True, slots=True)
class TopicInTree:
    """A topic in the tree. At a root, ``depth`` is 0 and ``parent_id`` None."""

    topic: TopicView
    depth: int
    parent_id: UUID | None


def in_tree_order(topics: Sequence[TopicView]) -> tuple[TopicInTree, ...]:
    """Return every topic once, parents before their children, siblings in the given order.

    A topic whose parent is not among ``topics`` is a root. So is the first topic of a cycle, so that no topic is lost
    even if the data is wrong.
    """
    parents = _parents_without_cycles(topics)
    children: defaultdict[UUID | None, list[TopicView]] = defaultdict(list)
    for topic in topics:
        children[parents[topic.id]].append(topic)
    ordered: list[TopicInTree] = []
    # A stack, because a chain of topics may be deeper than Python's recursion limit.
    waiting = [TopicInTree(root, 0, None) for root in reversed(children[None])]
    while waiting:
        current = waiting.pop()
        ordered.append(current)
        topic_id = current.topic.id
        waiting.extend(
            TopicInTree(child, current.depth + 1, topic_id) for child in reversed(children.get(topic_id, []))
        )
    return tuple(ordered)


def topic_paths(topics: Sequence[TopicView]) -> dict[UUID, tuple[str, ...]]:
    """Return by topic id the names from the root down to the topic."""
    paths: dict[UUID, tuple[str, ...]] = {}
    for place in in_tree_order(topics):
        above = paths[place.parent_id] if place.parent_id else ()
        paths[place.topic.id] = (*above, place.topic.name)
    return paths


def _parents_without_cycles(topics: Sequence[TopicView]) -> dict[UUID, UUID | None]:
    known = {topic.id for topic in topics}
    parents = {topic.id: topic.parent_id if topic.parent_id in known else None for topic in topics}
    for topic in topics:
        seen: set[UUID] = set()
        ancestor = parents[topic.id]
        while ancestor is not None and ancestor not in seen:
            if ancestor == topic.id:
                parents[topic.id] = None
                break
            seen.add(ancestor)
            ancestor = parents[ancestor]
    return parents
