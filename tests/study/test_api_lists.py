"""Lists of the study room: pages, filters, search, and the number of queries."""

from uuid import uuid4

import pytest

from backend.study.types import Difficulty
from tests.study.new_items import evidence_on, new_card, new_question, new_topic

LISTS = ["flashcards", "questions", "topics"]
ITEMS = ["flashcards", "questions"]


def fill(add_items, study_set, document, first, last):
    """Add one topic, card and question for each number, all distinct."""
    numbers = range(first, last)
    topics = [f"Topic {n}" for n in numbers]
    add_items(
        study_set,
        topics=[new_topic(name) for name in topics],
        flashcards=[
            new_card(f"What is {n}?", f"It is {n}", topic=f"Topic {n}", evidence=(evidence_on(document, n % 9 + 1),))
            for n in numbers
        ],
        questions=[
            new_question(f"Which is {n}?", f"This is {n}", evidence=(evidence_on(document, n % 9 + 1),))
            for n in numbers
        ],
    )


def ids_of(answer):
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json["items"]]


@pytest.mark.parametrize("name", LISTS)
def test_pages_have_no_gaps_or_repeats(client, study_set, document, add_items, name):
    fill(add_items, study_set, document, 0, 7)
    url = f"/api/v1/study-sets/{study_set}/{name}"
    everything = ids_of(client.get(url))
    assert everything == sorted(everything)
    assert len(everything) >= 7
    collected, cursor = [], ""
    while cursor is not None:
        answer = client.get(url, query_string={"limit": 3, **({"cursor": cursor} if cursor else {})})
        assert len(answer.json["items"]) <= 3
        collected += ids_of(answer)
        cursor = answer.json["next_cursor"]
    assert collected == everything


@pytest.mark.parametrize("name", LISTS)
def test_items_added_while_paging_cause_no_repeats_or_gaps(client, study_set, document, add_items, name):
    fill(add_items, study_set, document, 0, 4)
    url = f"/api/v1/study-sets/{study_set}/{name}"
    first = client.get(f"{url}?limit=2")
    fill(add_items, study_set, document, 4, 8)
    rest = client.get(url, query_string={"cursor": first.json["next_cursor"]})
    assert ids_of(first) + ids_of(rest) == ids_of(client.get(url))


@pytest.mark.parametrize("name", LISTS)
def test_a_list_takes_as_many_queries_for_many_rows_as_for_few(
    client, study_set, document, add_items, count_queries, name
):
    url = f"/api/v1/study-sets/{study_set}/{name}?limit=100"
    fill(add_items, study_set, document, 0, 10)
    few = count_queries(lambda: ids_of(client.get(url)))
    fill(add_items, study_set, document, 10, 100)
    assert len(ids_of(client.get(url))) == 100
    assert count_queries(lambda: ids_of(client.get(url))) == few
    assert few <= 3


@pytest.mark.parametrize("path", ["concept-map", "export?format=json", "export?format=apkg"])
def test_maps_and_kits_take_as_many_queries_for_many_rows_as_for_few(
    client, study_set, document, add_items, count_queries, path
):
    url = f"/api/v1/study-sets/{study_set}/{path}"
    fill(add_items, study_set, document, 0, 10)
    few = count_queries(lambda: client.get(url))
    fill(add_items, study_set, document, 10, 100)
    assert count_queries(lambda: client.get(url)) == few


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=101", "limit=ten", "cursor=%00", "cursor=abc", "page=2", "topic_id=cells", "difficulty=mild"],
)
@pytest.mark.parametrize("name", ITEMS)
def test_an_invalid_query_is_refused(client, study_set, name, query):
    assert client.get(f"/api/v1/study-sets/{study_set}/{name}?{query}").status_code == 422


def test_cards_are_filtered(client, study_set, document, add_document, add_items):
    other_document, run, other_run = add_document(study_set, "other.pdf"), uuid4(), uuid4()
    plain = new_card("First front", "Alpha", topic="Cells", evidence=(evidence_on(document, 1),))
    hard = new_card(
        "Second front", "Beta", topic="Plants", difficulty=Difficulty.HARD, evidence=(evidence_on(other_document, 1),)
    )
    cloze = new_card("Third {{c1::gamma}} hides.", "", topic="Plants", evidence=(evidence_on(document, 4),))
    add_items(study_set, run_id=run, flashcards=[plain])
    add_items(study_set, run_id=other_run, flashcards=[hard, cloze])
    topics = {
        topic["name"]: topic["id"] for topic in client.get(f"/api/v1/study-sets/{study_set}/topics").json["items"]
    }

    def found(**query):
        return ids_of(client.get(f"/api/v1/study-sets/{study_set}/flashcards", query_string=query))

    assert found() == [str(plain.id), str(hard.id), str(cloze.id)]
    assert found(topic_id=topics["Plants"]) == [str(hard.id), str(cloze.id)]
    assert found(kind="cloze") == [str(cloze.id)]
    assert found(difficulty="hard") == [str(hard.id)]
    assert found(run_id=run) == [str(plain.id)]
    assert found(document_id=document) == [str(plain.id), str(cloze.id)]
    assert found(topic_id=topics["Plants"], document_id=document) == [str(cloze.id)]
    assert found(q="SECOND") == [str(hard.id)]
    assert found(q="alph") == [str(plain.id)]
    assert found(q=" ") == found()
    for nothing in ({"topic_id": uuid4()}, {"run_id": uuid4()}, {"document_id": uuid4()}, {"q": "delta"}):
        assert found(**nothing) == []


def test_questions_are_filtered(client, study_set, document, add_items):
    run = uuid4()
    first = new_question("First stem", "Alpha", 'An "omega"', explanation="Because of it", topic="Cells")
    second = new_question("Second stem", "Beta", difficulty=Difficulty.EASY, evidence=(evidence_on(document, 1),))
    add_items(study_set, run_id=run, questions=[first])
    add_items(study_set, questions=[second])

    def found(**query):
        return ids_of(client.get(f"/api/v1/study-sets/{study_set}/questions", query_string=query))

    assert found() == [str(first.id), str(second.id)]
    assert found(difficulty="easy") == found(document_id=document) == [str(second.id)]
    assert found(run_id=run) == [str(first.id)]
    assert found(q="stem") == found()
    assert found(q="because") == found(q='"OMEGA"') == found(q="alpha") == [str(first.id)]
    # Ids of options are not searched.
    assert found(q="id0") == []
    assert client.get(f"/api/v1/study-sets/{study_set}/questions?kind=cloze").status_code == 422


@pytest.mark.parametrize("name", ITEMS)
def test_search_has_no_wildcards(client, study_set, add_items, name):
    texts = ["growth of 10 % a year", "growth of 100 grams a year", r"a \ path", "a_name here", "another name there"]
    cards = [new_card(text, f"Answer {at}") for at, text in enumerate(texts)]
    questions = [new_question(text, f"Answer {at}") for at, text in enumerate(texts)]
    add_items(study_set, flashcards=cards, questions=questions)
    url = f"/api/v1/study-sets/{study_set}/{name}"
    for searched, expected in (("10 %", 1), ("_name", 1), ("\\", 1), ("%", 1), ("name", 2), ("growth", 2)):
        assert len(ids_of(client.get(url, query_string={"q": searched}))) == expected, searched


def test_a_search_with_invisible_characters_is_no_error(client, study_set, add_items):
    add_items(study_set, flashcards=[new_card("Front", "Back")])
    url = f"/api/v1/study-sets/{study_set}/flashcards"
    assert len(ids_of(client.get(url, query_string={"q": "fr\u200bont"}))) == 1
    assert client.get(f"{url}?q=%00").status_code in {200, 422}
    assert client.get(f"{url}?q=%ED%A0%80").status_code in {200, 422}


@pytest.mark.parametrize("path", ["flashcards", "questions", "topics", "concept-map", "export?format=json"])
def test_another_users_objects_give_404(client, other_client, study_set, path):
    for study_set_id in (study_set, str(uuid4())):
        answer = other_client.get(f"/api/v1/study-sets/{study_set_id}/{path}")
        assert (answer.status_code, answer.json["code"]) == (404, "not_found")
    assert client.get(f"/api/v1/study-sets/{study_set}/{path}").status_code == 200


def test_another_study_sets_items_are_not_listed(client, study_set, document, add_items, add_document):
    other = client.make_study_set("Another")
    fill(add_items, other, add_document(other), 0, 3)
    for name in LISTS:
        assert ids_of(client.get(f"/api/v1/study-sets/{study_set}/{name}")) == []
