"""Flawed texts that must not give items. Without its flaw, each of them would give one."""

import pytest

from tests.generation.builtin.texts import fronts, write

FILLER = "\nThe weather was fine that day and the people of the town were in the streets for most of it.\n"


def test_the_plain_sentence_gives_an_item() -> None:
    assert fronts(write("Networks\nA router is a device that forwards packets between networks.\n" + FILLER))


@pytest.mark.parametrize(
    "sentence",
    [
        "A router is a good idea for everyone who has more than one computer at home.",
        "This router is a device that forwards packets between networks.",
        "The program is a device that forwards packets between networks.",
        "The returned argument is a device that forwards packets between networks.",
        "However, a router is a device that forwards packets between networks.",
        "A router is a device that forwards packets as shown in Figure 3.",
        "A router is a device that forwards packets between {a, b} networks.",
        "A router is a device that forwards packets between networks (see Chapter 4).",
        "A router is a device that forwards",
        "router is a device that forwards packets between networks.",
        "A router is a device and may forward packets between many of the networks.",
        "A router is a device that forwards packets, but it needs power and cables.",
        "An example is a device that forwards packets between networks.",
        "A router is a router that routes packets.",
        "It is a device that forwards packets between networks.",
        "A router is not a device that forwards packets between networks.",
        "[12] A router is a device that forwards packets between networks. Smith et al.",
    ],
)
def test_flawed_english_sentences_are_refused(sentence: str) -> None:
    reply = write(f"Networks\n{sentence}\n{FILLER}")
    assert reply.flashcards == ()
    assert reply.questions == ()


@pytest.mark.parametrize(
    "sentence",
    [
        "Dieser Router ist ein Gerät, das Pakete zwischen Netzen weiterleitet.",
        "Ein Router ist ein gutes Gerät, das Pakete zwischen Netzen weiterleitet.",
        "Das Ziel ist ein Gerät, das Pakete zwischen Netzen weiterleitet.",
        "Überhaupt ist ein Gerät, das Pakete zwischen Netzen weiterleitet, nötig.",
        "Ein Router ist ein Gerät, das in Abbildung 3 gezeigt ist.",
        "Ein Router ist ein Gerät, das Sie mit Ihrem Computer verbinden.",
        "Einzugeben ist ein Name, der noch nicht für ein anderes Gerät verwendet wird.",
        "Die Standardeinstellung ist ein Komma, das von einem Leerzeichen gefolgt ist.",
        "Letzteres ist ein Gerät, das Pakete zwischen Netzen weiterleitet.",
        "Die Bibliothek ist das Gerät und wird von den Netzen der Umgebung benutzt.",
    ],
)
def test_flawed_german_sentences_are_refused(sentence: str) -> None:
    filler = "Am Abend war es in der Stadt ruhig, und die Leute gingen nach der Arbeit in den Park.\n"
    reply = write(f"Netze\n{sentence}\n{filler}", language="de")
    assert reply.flashcards == ()
    assert reply.questions == ()


def test_a_table_of_contents_gives_nothing() -> None:
    lines = [
        f"{n}.1 A router is a device that forwards packets between networks. . . . . . . . . {n}" for n in range(1, 9)
    ]
    reply = write("Contents\n" + "\n".join(lines) + FILLER)
    assert (reply.flashcards, reply.questions) == ((), ())


@pytest.mark.parametrize("heading", ["References", "Bibliography", "Literaturverzeichnis"])
def test_a_bibliography_gives_nothing_until_the_next_heading(heading: str) -> None:
    book = "A router is a device that forwards packets between networks."
    assert fronts(write(f"{heading}\n{book}\n{FILLER}")) == []
    assert fronts(write(f"{heading}\n{FILLER}\n4.2 Networks\n{book}\n{FILLER}"))


def test_headers_and_footers_are_not_sentences() -> None:
    footer = "A router is a device that forwards packets between networks."
    pages = [f"{FILLER.strip()}\n{footer}\n{number}" for number in range(1, 4)]
    assert fronts(write(*pages)) == []


def test_the_rest_of_a_sentence_from_the_previous_page_is_not_a_sentence() -> None:
    reply = write(
        "Netze\nDas Gerät wird an den Anschluss gesteckt, und auf dem Schirm sieht man von oben das",
        "Ein Router ist ein Gerät, das Pakete zwischen Netzen weiterleitet.\n",
    )
    assert fronts(reply) == []


def test_page_numbers_and_code_are_not_text() -> None:
    reply = write(
        "12\nint main() { return 0; }\nA pointer is a variable that holds the address of p->next.\n13\n" + FILLER
    )
    assert fronts(reply) == []


def test_too_few_terms_of_the_same_kind_give_no_question() -> None:
    reply = write("Networks\nA router is a device that forwards packets between networks.\n" + FILLER)
    assert reply.flashcards
    assert reply.questions == ()


@pytest.mark.parametrize("text", ["", "\n\n", "12", "....", "\x00\ufffe", "Nur ein Titel"])
def test_pages_without_sentences_give_nothing(text: str) -> None:
    assert write(text).flashcards == ()


def test_a_page_of_contents_gives_nothing_even_from_a_whole_sentence() -> None:
    lines = [f"Part {n} on routers and on switches in networks . . . . . . . {n}" for n in range(1, 9)]
    book = "A router is a device that forwards packets between networks."
    assert fronts(write("\n".join(lines) + f"\n\n{book}\n", FILLER)) == []


def test_a_term_that_occurs_twice_gets_no_gap() -> None:
    text = "Money\nA savings account is an account in which money is kept for one person for years.\n" + FILLER
    assert fronts(write(text)) == ["What is a savings account?"]
