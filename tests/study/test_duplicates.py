"""Duplicates are recognised; similar items about something else are not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.study.items.duplicates import ItemText, cloze_text, find_near_duplicate, fingerprint, is_near_duplicate


@pytest.mark.parametrize(
    ("front", "answer", "other_front", "other_answer"),
    [
        ("What is the capital of France?", "Paris", "Name the capital city of France.", "paris"),
        ("What does DNA store?", "Genetic information.", "what  does “DNA” store", "genetic information"),
        ("What is the function of mitochondria?", "Making ATP", "What is the role of mitochondria?", "Making ATP."),
        ("Was ist Osmose?", "Diffusion durch eine Membran", "Definiere Osmose.", "Die Diffusion durch eine Membran"),
        (
            "Which enzyme unwinds the DNA double helix?",
            "Helicase",
            "Which enzyme unwinds the DNA double helix during replication?",
            "The helicase",
        ),
        ("Welche Zellen bilden Antikörper?", "Plasmazellen", "Welche Zelle bildet Antikörper?", "Plasmazelle"),
        ("How many chambers has the heart?", "4", "How many chambers does the heart have?", "4."),
    ],
)
def test_duplicates(front: str, answer: str, other_front: str, other_answer: str) -> None:
    one, other = ItemText(front, answer), ItemText(other_front, other_answer)
    assert is_near_duplicate(one, other)
    assert is_near_duplicate(other, one)


@pytest.mark.parametrize(
    ("front", "answer", "other_front", "other_answer"),
    [
        ("What sugar does DNA contain?", "Deoxyribose", "What sugar does RNA contain?", "Ribose"),
        ("Where is DNA made?", "In the nucleus", "Where is RNA made?", "In the nucleus"),
        ("What is the capital of France?", "Paris", "What is the capital of Italy?", "Rome"),
        ("What is the capital of France?", "Paris", "What is the capital of France?", "Lyon"),
        ("In which year did it begin?", "1914", "In which year did it begin?", "1915"),
        ("What happened to Rome in 1914?", "It grew", "What happened to Rome in 1915?", "It grew"),
        ("What does vitamin C prevent?", "A deficiency", "What does vitamin D prevent?", "A deficiency"),
        ("What does vitamin C prevent?", "A deficiency", "What does vitamin prevent?", "A deficiency"),
        ("Which is permitted here?", "Smoking", "Which is not permitted here?", "Smoking"),
        ("What happens before mitosis?", "Growth", "What happens after mitosis?", "Growth"),
        ("Was erhöht den Blutdruck?", "Adrenalin", "Was senkt den Blutdruck?", "Adrenalin"),
        ("What causes hyperthyroidism?", "A tumour", "What causes hypothyroidism?", "A tumour"),
        ("Was ist Pentan?", "Ein Kohlenwasserstoff", "Was ist Penten?", "Ein Kohlenwasserstoff"),
        ("Which ion flows in?", "Na+", "Which ion flows in?", "Cl-"),
        ("What?", "Energy", "Why?", "Force"),
        ("Which cells fight?", "T cells", "Which cells fight?", "T cells, macrophages and granulocytes"),
        ("What fights?", "white cells", "What fights?", "white cells of blood marrow"),
    ],
)
def test_look_alikes(front: str, answer: str, other_front: str, other_answer: str) -> None:
    one, other = ItemText(front, answer), ItemText(other_front, other_answer)
    assert not is_near_duplicate(one, other)
    assert not is_near_duplicate(other, one)
    assert fingerprint(front, answer) != fingerprint(other_front, other_answer)


def test_fingerprint_ignores_only_typography() -> None:
    assert fingerprint("What is “it”?", "So.") == fingerprint(' what  is "it"', "so")
    assert fingerprint("a", "bc") != fingerprint("ab", "c")
    assert len(fingerprint("a", "b")) == 64


def test_cloze_cards_differ_by_their_hidden_text() -> None:
    one = cloze_text("The {{c1::heart}} pumps {{c2::blood::fluid}}.")
    assert one == ItemText("The  ___  pumps  ___ .", "heart; blood")
    sentence = "Der Kern der Zelle enthält die Chromosomen der Zelle"
    first = cloze_text(sentence.replace("Kern", "{{c1::Kern}}"))
    second = cloze_text(sentence.replace("Chromosomen", "{{c1::Chromosomen}}"))
    again = cloze_text("Der {{c1::Kern}} der Zellen enthält die Chromosomen der Zellen.")
    assert not is_near_duplicate(first, second)
    assert is_near_duplicate(first, again)


def test_find_near_duplicate_gives_the_first_index() -> None:
    others = [
        ItemText("What is A2?", "x"),
        ItemText("Capital of France?", "Paris"),
        ItemText("Capital of France", "paris"),
    ]
    assert find_near_duplicate(ItemText("What is the capital of France?", "Paris"), others) == 1
    assert find_near_duplicate(ItemText("What is the capital of Spain?", "Madrid"), others) is None
    assert find_near_duplicate(ItemText("What is the capital of Spain?", "Madrid"), []) is None


texts = st.text(st.sampled_from("aAbB 12.-é“nots"), max_size=20)


@given(texts, texts, texts, texts)
def test_symmetric_and_reflexive(front: str, answer: str, other_front: str, other_answer: str) -> None:
    one, other = ItemText(front, answer), ItemText(other_front, other_answer)
    assert is_near_duplicate(one, one)
    assert is_near_duplicate(one, other) == is_near_duplicate(other, one)
    assert find_near_duplicate(one, [one]) == 0
    if is_near_duplicate(one, other):
        assert find_near_duplicate(one, [other]) == 0
