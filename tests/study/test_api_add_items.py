"""Adding items of a run: without duplicates, with evidence, and with counts for receipts."""

import threading
from uuid import UUID, uuid4

import sqlalchemy as sa

from backend.core.database.transaction import transaction
from backend.study import service
from backend.study.items.duplicates import fingerprint
from backend.study.types import Counts, PageItems
from tests.blocked import wait_for_blocked
from tests.patience import join
from tests.study.new_items import evidence_on, new_card, new_question, new_topic


def cards_of(client, study_set):
    return client.get(f"/api/v1/study-sets/{study_set}/flashcards?limit=100").json["items"]


def topics_of(client, study_set):
    found = client.get(f"/api/v1/study-sets/{study_set}/topics").json["items"]
    names = {topic["id"]: topic["name"] for topic in found}
    return {topic["name"]: (topic["summary"], names.get(topic["parent_id"])) for topic in found}


def test_added_items_are_returned_in_the_given_order(study_set, add_items):
    cards = [new_card(f"What is {n}?", f"It is {n}") for n in (3, 1, 2)]
    questions = [new_question(f"Which is {n}?", f"This is {n}") for n in (5, 4)]
    added = add_items(study_set, flashcards=cards[::-1], questions=questions)
    assert added.flashcards == tuple(card.id for card in cards[::-1])
    assert added.questions == tuple(question.id for question in questions)
    assert added.duplicates == 0


def test_the_same_items_again_add_nothing(client, study_set, document, add_items):
    card = new_card("What makes ATP?", "Mitochondria", evidence=(evidence_on(document, 1),))
    question = new_question("Which makes ATP?", "Mitochondria", "Nuclei", evidence=(evidence_on(document, 1),))
    add_items(study_set, flashcards=[card], questions=[question])
    for again in (lambda item: item, lambda item: type(item)(**{**_fields(item), "id": uuid4()})):
        added = add_items(study_set, flashcards=[again(card)], questions=[again(question)])
        assert (added.flashcards, added.questions, added.duplicates) == ((), (), 2)
    (kept,) = cards_of(client, study_set)
    assert len(kept["evidence"]) == 1


def _fields(item):
    return {name: getattr(item, name) for name in item.__slots__}


def test_duplicates_within_one_call_are_added_once(study_set, add_items):
    first = new_card("What makes ATP?", "Mitochondria")
    added = add_items(
        study_set,
        flashcards=[
            first,
            new_card("what makes ATP", "mitochondria."),
            new_card("Which makes the ATP?", "The mitochondria"),
            new_card("What makes DNA?", "Polymerase"),
        ],
    )
    assert (len(added.flashcards), added.duplicates) == (2, 2)
    assert added.flashcards[0] == first.id


def test_near_duplicates_are_left_out_and_lookalikes_are_kept(study_set, add_items):
    add_items(
        study_set,
        flashcards=[new_card("What is the function of DNA?", "It stores information")],
        questions=[new_question("In which year was the cell discovered?", "1665")],
    )
    repeated = add_items(
        study_set,
        flashcards=[new_card("Which function does DNA have?", "It stores information.")],
        questions=[new_question("In what year was the cell discovered?", "1665", "1700")],
    )
    assert (repeated.flashcards, repeated.questions, repeated.duplicates) == ((), (), 2)
    alike = add_items(
        study_set,
        flashcards=[new_card("What is the function of RNA?", "It stores information")],
        questions=[new_question("In which year was the cell discovered?", "1674")],
    )
    assert (len(alike.flashcards), len(alike.questions), alike.duplicates) == (1, 1, 0)


def test_a_card_and_a_question_on_one_fact_are_not_duplicates(study_set, add_items):
    added = add_items(
        study_set,
        flashcards=[new_card("What makes ATP?", "Mitochondria")],
        questions=[new_question("What makes ATP?", "Mitochondria")],
    )
    assert added.duplicates == 0


def test_a_card_written_by_hand_is_not_added_again(client, study_set, add_items):
    client.post(f"/api/v1/study-sets/{study_set}/flashcards", json={"front": "What makes ATP?", "back": "Mitochondria"})
    assert add_items(study_set, flashcards=[new_card("What makes ATP?", "Mitochondria")]).duplicates == 1


def test_another_study_set_may_have_the_same_items(client, study_set, add_items):
    add_items(study_set, flashcards=[new_card("What makes ATP?", "Mitochondria")])
    other = client.make_study_set("Another")
    assert len(add_items(other, flashcards=[new_card("What makes ATP?", "Mitochondria")]).flashcards) == 1


def test_only_used_topics_and_their_ancestors_are_created(client, study_set, add_items):
    add_items(
        study_set,
        topics=[
            new_topic("Unused", "Nobody asks about it"),
            new_topic("ATP", "A carrier", "Energy"),
            new_topic("Energy", "", "cells"),
            new_topic("Cells", "Units"),
        ],
        flashcards=[new_card("What is ATP?", "A carrier", topic="ATP"), new_card("No topic?", "None", topic=" ")],
    )
    assert topics_of(client, study_set) == {
        "ATP": ("A carrier", "Energy"),
        "Energy": ("", "Cells"),
        "Cells": ("Units", None),
    }
    assert [card["topic_id"] is None for card in cards_of(client, study_set)] == [False, True]


def test_the_topic_of_a_duplicate_is_not_created(client, study_set, add_items):
    add_items(study_set, flashcards=[new_card("What makes ATP?", "Mitochondria", topic="Energy")])
    add_items(study_set, flashcards=[new_card("What makes ATP?", "Mitochondria", topic="Power")])
    assert set(topics_of(client, study_set)) == {"Energy"}


def test_a_topic_keeps_its_first_name_summary_and_parent(client, study_set, add_items):
    add_items(study_set, topics=[new_topic("Cell Biology")], flashcards=[new_card("One?", "1", topic="Cell Biology")])
    add_items(
        study_set,
        topics=[new_topic("cell  biology", "First summary", "Life"), new_topic("CELL BIOLOGY", "Second", "Death")],
        flashcards=[new_card("Two?", "2", topic=" CELL\nbiology ")],
    )
    add_items(
        study_set,
        topics=[new_topic("Cell biology", "Third", "Science")],
        flashcards=[new_card("Three?", "3", topic="Cell biology")],
    )
    assert topics_of(client, study_set) == {"Cell Biology": ("First summary", "Life"), "Life": ("", None)}


def test_topics_never_form_a_cycle(client, study_set, add_items):
    add_items(
        study_set,
        topics=[
            new_topic("A", parent="B"),
            new_topic("B", parent="C"),
            new_topic("C", parent="A"),
            new_topic("D", parent="d"),
        ],
        flashcards=[new_card("One?", "1", topic="A"), new_card("Two?", "2", topic="D")],
    )
    assert topics_of(client, study_set) == {"A": ("", "B"), "B": ("", "C"), "C": ("", None), "D": ("", None)}


def test_evidence_of_a_deleted_document_is_left_out(client, study_set, document, add_document, add_items):
    gone = add_document(study_set, "gone.pdf")
    client.delete(f"/api/v1/documents/{gone}")
    both = new_card("Both?", "Yes", evidence=(evidence_on(gone, 1), evidence_on(document, 2)))
    only = new_card("Only?", "That", evidence=(evidence_on(gone, 3),))
    added = add_items(study_set, flashcards=[both, only])
    assert added.flashcards == (both.id, only.id)
    assert [[e["document_id"] for e in card["evidence"]] for card in cards_of(client, study_set)] == [[document], []]


def test_evidence_in_another_study_sets_document_is_left_out(client, study_set, add_document, add_items):
    elsewhere = add_document(client.make_study_set("Another"))
    add_items(study_set, flashcards=[new_card("One?", "1", evidence=(evidence_on(elsewhere, 1),))])
    assert [card["evidence"] for card in cards_of(client, study_set)] == [[]]


def test_a_concurrently_deleted_document_does_not_prevent_adding(client, study_set, document, add_items, engine):
    card = new_card("One?", "1", evidence=(evidence_on(document, 1),))
    adding = threading.Thread(target=add_items, args=(study_set,), kwargs={"flashcards": [card]})
    with engine.connect() as connection:
        connection.execute(sa.text("DELETE FROM documents WHERE id = :id"), {"id": document})
        adding.start()
        wait_for_blocked(engine)
        connection.commit()
    join(adding)
    assert [(found["id"], found["evidence"]) for found in cards_of(client, study_set)] == [(str(card.id), [])]


def test_adding_takes_as_many_queries_for_many_items_as_for_few(study_set, document, add_items, count_queries):
    def items(first, last):
        numbers = range(first, last)
        return {
            "topics": [new_topic(f"Topic {n}", parent="All") for n in numbers],
            "flashcards": [
                new_card(
                    f"What is {n}?", f"It is {n}", topic=f"Topic {n}", evidence=(evidence_on(document, n % 9 + 1),)
                )
                for n in numbers
            ],
            "questions": [new_question(f"Which is {n}?", f"This is {n}", topic=f"Topic {n}") for n in numbers],
        }

    few, many = items(0, 3), items(3, 60)
    assert count_queries(lambda: add_items(study_set, **few)) == count_queries(lambda: add_items(study_set, **many))


def test_a_receipt_counts_each_item_on_the_page_of_its_first_evidence(
    app, study_set, document, add_document, add_items
):
    other, run, another_run = add_document(study_set, "other.pdf"), uuid4(), uuid4()
    add_items(
        study_set,
        run_id=run,
        flashcards=[
            new_card("One?", "1", evidence=(evidence_on(document, 4), evidence_on(document, 1))),
            new_card("Two?", "2", evidence=(evidence_on(document, 4),)),
            new_card("Three?", "3", evidence=(evidence_on(other, 2),)),
            new_card("Four?", "4"),
        ],
        questions=[new_question("Five?", "Cinque", evidence=(evidence_on(document, 4), evidence_on(other, 2)))],
    )
    add_items(study_set, run_id=another_run, flashcards=[new_card("Six?", "6", evidence=(evidence_on(document, 4),))])
    with app.app_context(), transaction():
        assert service.list_items_by_page(run) == [
            PageItems(UUID(document), 4, Counts(2, 1)),
            PageItems(UUID(other), 2, Counts(1, 0)),
        ]
        assert service.list_items_by_page(uuid4()) == []


def test_existing_fronts_of_pages_are_listed(app, client, study_set, document, add_document, add_items):
    other = add_document(study_set, "other.pdf")
    add_items(
        study_set,
        flashcards=[
            new_card("Front 2?", "2", evidence=(evidence_on(document, 2), evidence_on(document, 3))),
            new_card("Front 5?", "5", evidence=(evidence_on(document, 5),)),
            new_card("Elsewhere?", "2", evidence=(evidence_on(other, 2),)),
        ],
        questions=[new_question("Stem 3?", "Three", evidence=(evidence_on(document, 3),))],
    )
    with app.app_context(), transaction():
        listed = service.list_existing_fronts(UUID(study_set), UUID(document), 2, 4)
        assert sorted(listed) == ["Front 2?", "Stem 3?"]
        assert len(service.list_existing_fronts(UUID(study_set), UUID(document), 1, 9, limit=2)) == 2
        assert service.list_existing_fronts(UUID(study_set), UUID(document), 6, 9) == []


def test_a_card_written_by_hand_concurrently_is_kept(client, study_set, add_items, engine):
    made = client.post(f"/api/v1/study-sets/{study_set}/flashcards", json={"front": "One?", "back": "1"}).json
    other = new_card("Twice?", "2")
    cards = [new_card("Once?", "1"), other]
    adding = threading.Thread(target=add_items, args=(study_set,), kwargs={"flashcards": cards})
    with engine.connect() as connection:
        # The user changes their card into the one being added, and has not committed yet.
        mark = fingerprint("Once?", "1")
        change = sa.text("UPDATE flashcards SET front = 'Once?', fingerprint = :mark WHERE id = :id")
        connection.execute(change, {"mark": mark, "id": made["id"]})
        adding.start()
        wait_for_blocked(engine)
        connection.commit()
    join(adding)
    assert [card["id"] for card in cards_of(client, study_set)] == [made["id"], str(other.id)]
