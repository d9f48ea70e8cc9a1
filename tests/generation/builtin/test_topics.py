"""Arranging the topics of a study set in a tree."""

from backend.generation.language_models.builtin.model import BuiltinModel
from backend.generation.language_models.interface import ConnectReply, ConnectRequest, DraftLink, DraftTopic


def connect(*topics: DraftTopic, language: str = "en") -> ConnectReply:
    return BuiltinModel().connect_topics(ConnectRequest(topics, language))


def test_a_name_goes_under_its_head_noun_only() -> None:
    names = ("DNA", "Mitochondrial DNA", "DNA replication")
    reply = connect(*(DraftTopic(name, "") for name in names))
    assert reply.parents == {"DNA": None, "Mitochondrial DNA": "DNA", "DNA replication": None}


def test_a_german_compound_goes_under_its_head() -> None:
    reply = connect(DraftTopic("Konto", ""), DraftTopic("Aktivkonto", ""), DraftTopic("Kontoauszug", ""), language="de")
    assert reply.parents == {"Konto": None, "Aktivkonto": "Konto", "Kontoauszug": None}


def test_english_words_are_not_split() -> None:
    assert connect(DraftTopic("Word", ""), DraftTopic("Password", "")).parents["Password"] is None


def test_given_parents_stay_and_cycles_are_cut() -> None:
    reply = connect(DraftTopic("A", "", "B"), DraftTopic("B", "", "A"), DraftTopic("C", "", "Unknown"))
    assert reply.parents == {"A": "B", "B": None, "C": None}


def test_a_topic_is_linked_to_the_one_whose_summary_names_it() -> None:
    reply = connect(
        DraftTopic("Packets", "Packets are small pieces of a message that travel on their own."),
        DraftTopic("Router", "A router is a device that forwards packets."),
    )
    assert reply.links == (DraftLink("Packets", "Router", "is mentioned in"),)


def test_links_are_few_labelled_in_the_language_and_not_along_the_tree() -> None:
    names = ("Wasser", "Salz", "Zucker", "Mehl")
    topics = [DraftTopic(name, "") for name in names]
    dough = DraftTopic("Teig", "Ein Teig ist ein Gemisch aus Wasser, Salz, Zucker und Mehl.", "Mehl")
    reply = connect(*topics, dough, language="de")
    assert [(link.source, link.target, link.label) for link in reply.links] == [
        ("Wasser", "Teig", "wird erwähnt in"),
        ("Salz", "Teig", "wird erwähnt in"),
    ]
    assert connect(dough, topics[3], language="de").links == ()


def test_another_language_gets_a_tree_without_links() -> None:
    reply = connect(
        DraftTopic("Réseau", ""), DraftTopic("Routeur", "Un routeur relie un réseau.", "Réseau"), language="fr"
    )
    assert reply.parents["Routeur"] == "Réseau"
    assert reply.links == ()
