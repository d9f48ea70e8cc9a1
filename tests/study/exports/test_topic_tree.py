"""The order of topics in every export."""

from hypothesis import given, settings
from hypothesis import strategies as st

from backend.study.concept_map.tree import in_tree_order, topic_paths
from tests.study.exports.kits import an_id, topic


def test_children_follow_their_parents_in_the_order_given() -> None:
    topics = [topic(3, "child b", 1), topic(1, "root"), topic(4, "grandchild", 3), topic(2, "child a", 1)]
    assert [(place.topic.name, place.depth) for place in in_tree_order(topics)] == [
        ("root", 0),
        ("child b", 1),
        ("grandchild", 2),
        ("child a", 1),
    ]
    assert topic_paths(topics)[an_id(4)] == ("root", "child b", "grandchild")


def test_unknown_parents_and_cycles_lose_no_topic() -> None:
    topics = [topic(1, "a", 3), topic(2, "b", 1), topic(3, "c", 2), topic(4, "d", 4), topic(5, "e", 99)]
    assert [(place.topic.name, place.depth) for place in in_tree_order(topics)] == [
        ("a", 0),
        ("b", 1),
        ("c", 2),
        ("d", 0),
        ("e", 0),
    ]


@settings(deadline=None)
@given(st.lists(st.none() | st.integers(1, 15), max_size=15))
def test_every_topic_once_and_parents_first(parents: list[int | None]) -> None:
    topics = [topic(own, str(own), parent) for own, parent in enumerate(parents, start=1)]
    places = in_tree_order(topics)
    assert sorted(place.topic.id for place in places) == [one.id for one in topics]
    depths = {}
    for place in places:
        depths[place.topic.id] = place.depth
        assert place.depth == (depths[place.parent_id] + 1 if place.parent_id else 0)
        assert place.parent_id in (None, place.topic.parent_id)
