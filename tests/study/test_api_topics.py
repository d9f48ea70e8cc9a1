"""Connecting topics: the tree and the labelled links that a model proposes by name."""

from uuid import UUID

import pytest

from backend.core.database.transaction import transaction
from backend.study import service
from tests.study.new_items import new_card, new_topic


@pytest.fixture
def connect(app, client, study_set, add_items):
    """Make topics A to D, D under A; connect them and return parents and links by name."""
    add_items(
        study_set,
        topics=[new_topic("D", parent="A")],
        flashcards=[new_card(f"What is {name}?", f"It is {name}", topic=name) for name in "ABCD"],
    )

    def connect(parents, links=()):
        with app.app_context(), transaction():
            added = service.connect_topics(UUID(study_set), parents, links)
        found = client.get(f"/api/v1/study-sets/{study_set}/concept-map").json
        names = {topic["id"]: topic["name"] for topic in found["topics"]}
        tree = {topic["name"]: names.get(topic["parent_id"]) for topic in found["topics"]}
        drawn = [(names[link["source_id"]], names[link["target_id"]], link["label"]) for link in found["links"]]
        return added, tree, drawn

    return connect


@pytest.mark.parametrize(
    ("parents", "tree"),
    [
        ({}, {"A": None, "B": None, "C": None, "D": "A"}),
        ({"b": "a", "C": "B"}, {"A": None, "B": "A", "C": "B", "D": "A"}),
        ({"D": "B"}, {"A": None, "B": None, "C": None, "D": "B"}),
        ({"D": None}, {"A": None, "B": None, "C": None, "D": None}),
        ({"A": "A", "B": "b "}, {"A": None, "B": None, "C": None, "D": "A"}),
        ({"A": "D"}, {"A": None, "B": None, "C": None, "D": "A"}),
        ({"A": "D", "D": None}, {"A": "D", "B": None, "C": None, "D": None}),
        ({"A": "B", "B": "C", "C": "A"}, {"A": "B", "B": "C", "C": None, "D": "A"}),
        ({"A": "Unknown", "Unknown": "A", "": "A", "B": ""}, {"A": None, "B": None, "C": None, "D": "A"}),
        ({"D": "Unknown"}, {"A": None, "B": None, "C": None, "D": "A"}),
    ],
)
def test_topics_are_arranged_in_a_tree(connect, parents, tree):
    assert connect(parents) == (0, tree, [])


def test_links_are_added_once_and_only_between_different_known_topics(connect):
    links = [
        ("A", "B", " drives "),
        ("a", "b", "repeats"),
        ("B", "A", "feeds"),
        ("A", "A", "is"),
        ("A", "Unknown", "knows"),
        ("C", "D", " "),
    ]
    added, _, drawn = connect({}, links)
    assert (added, drawn) == (2, [("A", "B", "drives"), ("B", "A", "feeds")])
    added, _, drawn = connect({}, [*links, ("C", "D", "needs")])
    assert (added, drawn) == (1, [("A", "B", "drives"), ("B", "A", "feeds"), ("C", "D", "needs")])


def test_topics_are_listed_for_the_next_request(app, study_set, connect):
    connect({})
    with app.app_context(), transaction():
        topics = service.list_topics(UUID(study_set))
    assert sorted(topic.name for topic in topics) == ["A", "B", "C", "D"]
    parents = {topic.id: topic.parent_id for topic in topics}
    named = {topic.name: topic.id for topic in topics}
    assert parents[named["D"]] == named["A"]
