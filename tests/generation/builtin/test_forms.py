"""The forms of definitions, one by one, and texts that mix two languages."""

import pytest

from backend.study.types import FlashcardKind
from tests.generation.builtin.texts import write

FILLER = "\nThe weather was fine that day and the people of the town were in the streets for most of it.\n"
GERMAN_FILLER = "\nAm Abend war es in der Stadt ruhig, und die Leute gingen nach der Arbeit in den Park.\n"


def cards(text: str, language: str = "en") -> dict[str, str]:
    return {c.front: c.back for c in write(text, language=language).flashcards if c.kind is FlashcardKind.BASIC}


@pytest.mark.parametrize(
    ("sentence", "front", "back"),
    [
        (
            "Osmosis is the diffusion of water across a permeable membrane.",
            "What is osmosis?",
            "The diffusion of water across a permeable membrane.",
        ),
        (
            "Transcription is the copying of a gene from DNA into RNA; in plants it happens in the nucleus.",
            "What is transcription?",
            "The copying of a gene from DNA into RNA.",
        ),
        (
            "A slice is a kind of string that provides a view into another string.",
            "What is a slice?",
            "A kind of string that provides a view into another string.",
        ),
        (
            "A mitochondrion is the organelle in which most of the energy of a cell is made available.",
            "What is a mitochondrion?",
            "The organelle in which most of the energy of a cell is made available.",
        ),
        (
            "The nucleus is the organelle that contains most of the hereditary material.",
            "What is the nucleus?",
            "The organelle that contains most of the hereditary material.",
        ),
        (
            "A lysosome is an organelle that digests large molecules and contains enzymes.",
            "What is a lysosome?",
            "An organelle that digests large molecules and contains enzymes.",
        ),
        (
            "Latency means the time that a packet needs to travel from sender to receiver.",
            "Define: latency",
            "The time that a packet needs to travel from sender to receiver.",
        ),
    ],
)
def test_english_forms(sentence: str, front: str, back: str) -> None:
    assert cards(f"Chapter\n{sentence}{FILLER}").get(front) == back


@pytest.mark.parametrize(
    ("sentence", "front", "back"),
    [
        (
            "Die Menge aller Elemente, die in beiden Mengen liegen, heisst Durchschnitt.",
            "Definiere: Durchschnitt",
            "Die Menge aller Elemente, die in beiden Mengen liegen.",
        ),
        (
            "Ein zusammenhängender Graph ohne Kreise und ohne Schleifen heißt Baum.",
            "Definiere: Baum",
            "Ein zusammenhängender Graph ohne Kreise und ohne Schleifen.",
        ),
        (
            "Redundanz bedeutet die mehrfache Speicherung von Daten an verschiedenen Orten.",
            "Definiere: Redundanz",
            "Die mehrfache Speicherung von Daten an verschiedenen Orten.",
        ),
        (
            "Routing ist das Bestimmen der Wege durch das gesamte Netz.",
            "Was ist Routing?",
            "Das Bestimmen der Wege durch das gesamte Netz.",
        ),
        (
            "Ein Gateway ist ein System, das zwei fremde Netze verbindet: Die Pakete laufen alle über das System.",
            "Was ist ein Gateway?",
            "Ein System, das zwei fremde Netze verbindet.",
        ),
    ],
)
def test_german_forms(sentence: str, front: str, back: str) -> None:
    assert cards(f"Kapitel\n{sentence}{GERMAN_FILLER}", "de").get(front, "") == back


@pytest.mark.parametrize(
    "sentence",
    [
        "Success means the file was written to the disk of the server.",
        "DatenY ist die Matrix der bekannten Werte aus der zweiten Messung.",
        "Zeit Zeit ist eine Größe, die den Abstand zwischen zwei Ereignissen beschreibt.",
        "Axis ist ein Programm, das Maschinen steuert, Touchy ist für die Verwendung mit dem Finger gedacht.",
    ],
)
def test_a_sentence_that_only_looks_like_a_definition_is_refused(sentence: str) -> None:
    assert cards(f"Kapitel\n{sentence}{FILLER}") == {}
    assert cards(f"Kapitel\n{sentence}{GERMAN_FILLER}", "de") == {}


MIXED = (
    "Begriffe\nEin Router ist ein Gerät, das Pakete zwischen Netzen weiterleitet und sie nach der Adresse ordnet.\n"
    "A firewall is a system that filters traffic according to the rules of the owner.\n"
    "Die Pakete werden von dem Gerät mit einer Adresse versehen und dann auf die Reise durch das Netz geschickt.\n"
    "The packets are marked with the address of the host and then they are sent to the other side of the net.\n"
)


def test_a_mixed_text_gives_cards_in_the_requested_language() -> None:
    assert list(cards(MIXED, "de")) == ["Was ist ein Router?"]
    assert list(cards(MIXED, "en")) == ["What is a firewall?"]
    assert cards(MIXED, "fr") == {}


def test_a_german_card_does_not_quote_an_english_sentence() -> None:
    mixed = MIXED + "The Domain Name System (DNS) is used by the hosts of the net.\n"
    assert "What does the abbreviation “DNS” stand for?" in cards(mixed, "en")
    assert list(cards(mixed, "de")) == ["Was ist ein Router?"]
