"""The built-in model as a whole: the items it takes from a text, and its guarantees about them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.generation.language_models.interface import SectionReply, Usage
from backend.study.types import Difficulty, FlashcardKind
from tests.generation.builtin.texts import BIOLOGY, NETWORKS, fronts, page, write


def backs(reply: SectionReply) -> dict[str, str]:
    return {card.front: card.back for card in reply.flashcards if card.kind is FlashcardKind.BASIC}


def test_definitions_become_cards_in_english() -> None:
    cards = backs(write(NETWORKS))
    assert cards["What is a router?"] == "A device that forwards packets between networks."
    assert cards["Define: latency"] == "The time that a packet needs to travel from sender to receiver."
    assert cards["Define: resolution"] == "The process of translating a name into an address."
    assert cards["What does the abbreviation “DNS” stand for?"] == "Domain Name System"


def test_definitions_become_cards_in_german() -> None:
    cards = backs(write(BIOLOGY, language="de"))
    assert cards["Was ist die Zelle?"] == "Die kleinste lebende Einheit aller Organismen."
    assert cards["Was sind Prokaryoten?"] == "Einzellige Lebewesen, die keinen Zellkern besitzen."
    # The sentence has the accusative, the card the nominative.
    assert cards["Definiere: Zellatmung"].startswith("Der schrittweise Abbau von Glukose")
    assert cards["Definiere: Osmose"] == "Die Diffusion von Wasser durch eine halbdurchlässige Membran."


def test_a_glossary_in_a_list_defines() -> None:
    text = (
        "Begriffe\n• Diffusion: Ausbreitung von Teilchen entlang eines Gefälles\n"
        "• Mitose: Teilung des Zellkerns, bei der zwei gleiche Kerne entstehen.\n"
        "Das Wasser wird durch die Wurzel aufgenommen und nicht über die Blätter der Pflanze verteilt.\n"
    )
    cards = backs(write(text, language="de"))
    assert cards["Definiere: Diffusion"] == "Ausbreitung von Teilchen entlang eines Gefälles."
    assert "Definiere: Mitose" in cards


def test_a_sentence_across_two_lines_is_one_sentence() -> None:
    cards = backs(write(NETWORKS))
    expected = "A self-contained packet that carries enough information to be routed on its own."
    assert cards["What is a datagram?"] == expected


@pytest.mark.parametrize("text", [BIOLOGY, NETWORKS])
def test_cloze_cards_hide_one_term_that_occurs_nowhere_else(text: str) -> None:
    clozes = [card.front for card in write(text, questions=0).flashcards if card.kind is FlashcardKind.CLOZE]
    assert clozes
    for front in clozes:
        (term,) = re.findall(r"\{\{c1::(.+?)\}\}", front)
        rest = re.sub(r"\{\{c1::.+?\}\}", "", front)
        assert term.lower() not in rest.lower()
        assert len(rest.split()) >= 5


@pytest.mark.parametrize("text", [BIOLOGY, NETWORKS])
def test_questions_have_four_options_and_one_key(text: str) -> None:
    questions = write(text).questions
    assert questions
    for question in questions:
        ids = [option.id for option in question.options]
        texts = [option.text for option in question.options]
        assert len(set(ids)) == 4
        assert question.key in ids
        assert len({each.casefold() for each in texts}) == 4
        key = next(option.text for option in question.options if option.id == question.key)
        assert key in question.explanation
        assert key.casefold() not in question.stem.casefold()
        sentence = question.quotes[0].quote.casefold()
        assert not [each for each in texts if each != key and each.casefold() in sentence]


@pytest.mark.parametrize("text", [BIOLOGY, NETWORKS])
def test_every_item_quotes_its_page_and_names_a_topic_of_the_reply(text: str) -> None:
    reply = write(page("A title page without sentences", 6), page(text, 7))
    names = {topic.name for topic in reply.topics}
    items = [*reply.flashcards, *reply.questions]
    assert items
    for item in items:
        (quote,) = item.quotes
        assert quote.page == 7
        assert quote.quote in text
        assert len(quote.quote) >= 12
        assert item.topic in names
    assert all(topic.parent is None or topic.parent in names for topic in reply.topics)


@given(st.text(alphabet="Ein Aist der, die das.\nXyz is a that of (DNS): 12•–{}\t", max_size=300), st.integers(0, 5))
def test_quotes_are_exact_and_limits_hold_for_any_text(noise: str, most: int) -> None:
    text = f"{noise}\n\n{NETWORKS}\n{noise}"
    reply = write(text, flashcards=most, questions=most)
    assert len(reply.flashcards) <= most
    assert len(reply.questions) <= most
    for item in (*reply.flashcards, *reply.questions):
        assert all(quote.quote in text for quote in item.quotes)


def test_limits_hold_down_to_zero() -> None:
    assert len(write(NETWORKS, flashcards=2, questions=1).flashcards) == 2
    assert len(write(NETWORKS, flashcards=2, questions=1).questions) == 1
    nothing = write(NETWORKS, flashcards=0, questions=0)
    assert (nothing.flashcards, nothing.questions, nothing.topics) == ((), (), ())


def test_at_most_two_items_come_from_one_sentence() -> None:
    reply = write(BIOLOGY)
    quotes = [item.quotes[0].quote for item in (*reply.flashcards, *reply.questions)]
    assert max(quotes.count(quote) for quote in quotes) <= 2


def test_the_same_request_gives_the_same_reply() -> None:
    assert write(BIOLOGY) == write(BIOLOGY)


def test_existing_items_are_not_made_again() -> None:
    first = write(NETWORKS)
    seen = (*fronts(first), *(question.stem for question in first.questions))
    second = write(NETWORKS, existing=seen)
    assert not set(fronts(second)) & set(fronts(first))
    assert not {q.stem for q in second.questions} & {q.stem for q in first.questions}


def test_a_nearly_equal_cloze_with_the_same_gap_is_a_repeat() -> None:
    front = "A {{c1::compiler}} translates source code into instructions that a processor can execute."
    text = f"Tools\n{front.replace('{{c1::compiler}}', 'compiler')} Every compiler has bugs.\n"
    assert fronts(write(text)) == [front]
    assert fronts(write(text, existing=(front.replace("source code", "source codes"),))) == []
    assert fronts(
        write(text, existing=(front.replace("{{c1::compiler}}", "compiler").replace("code", "{{c1::code}}"),))
    )


def test_headings_become_topics_in_the_order_of_their_numbers() -> None:
    topics = {topic.name: topic for topic in write(NETWORKS).topics}
    assert topics["Addresses"].parent == "Networks"
    assert topics["Router"].parent == "Addresses"
    assert topics["Router"].summary == "A router is a device that forwards packets between networks."


def test_known_topics_keep_their_spelling() -> None:
    names = {topic.name for topic in write(NETWORKS, known_topics=("ROUTER",)).topics}
    assert "ROUTER" in names
    assert "Router" not in names


def test_a_reply_is_free_and_complete_and_its_items_are_never_hard() -> None:
    reply = write(NETWORKS)
    assert (reply.usage, reply.truncated, reply.malformed) == (Usage(), False, 0)
    assert {card.difficulty for card in reply.flashcards} <= {Difficulty.EASY, Difficulty.MEDIUM}


def test_an_unmeasured_language_gives_nothing() -> None:
    french = "Un routeur est un appareil qui transmet des paquets entre des réseaux. Le protocole est une règle.\n" * 3
    assert write(french, language="fr") == SectionReply((), (), ())


def test_the_text_decides_the_language_not_the_request() -> None:
    assert "What is a router?" in fronts(write(NETWORKS, language="de"))


def test_another_name_in_the_sentence_is_not_a_distractor() -> None:
    kept = [line for line in NETWORKS.splitlines() if "protocol" not in line and "resolution" not in line]
    text = "\n".join(kept) + "\n"
    assert "forwards packets" in " ".join(question.stem for question in write(text).questions)
    text = text.replace("A router is", "A router (firewall) is")
    assert "forwards packets" not in " ".join(question.stem for question in write(text).questions)
