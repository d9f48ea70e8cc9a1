"""Wrong options from the whole document: where they come from, and which of its terms do not qualify."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from backend.generation.language_models.builtin import model as builtin
from backend.generation.language_models.builtin.model import BuiltinModel
from backend.generation.language_models.interface import DraftQuestion, SectionPage, SectionReply, SectionRequest
from backend.study.types import Counts
from tests.generation.builtin.texts import page

ROUTER = "Networks\nA router is a device that forwards packets between networks.\n"
FILLER = "The weather was fine that day and the people of the town were in the streets for most of it.\n"
OTHERS = {
    "parser": "A parser is a component that turns a stream of tokens into a tree.",
    "ledger": "A ledger is a book that lists the entries of each account for one year.",
    "turbine": "A turbine is a machine that takes energy from a stream of water or of steam.",
}
HANDBOOK = "Terms\n" + "\n".join(OTHERS.values()) + "\n"


def ask(
    document: tuple[SectionPage, ...], section: int = 1, model: BuiltinModel | None = None, language: str = "en"
) -> SectionReply:
    own = tuple(each for each in document if each.number == section)
    request = SectionRequest(uuid4(), "notes.pdf", own, Counts(5, 5), language, read_document=lambda: document)
    return (model or BuiltinModel()).write_section(request)


def wrong_options(question: DraftQuestion) -> set[str]:
    return {option.text for option in question.options if option.id != question.key}


def test_wrong_options_come_from_other_pages_of_the_document() -> None:
    assert ask((page(ROUTER + FILLER),)).questions == ()
    (question,) = ask((page(ROUTER + FILLER), page(HANDBOOK + FILLER, 40))).questions
    assert wrong_options(question) == {"Parser", "Ledger", "Turbine"}


def test_near_terms_are_taken_before_far_ones() -> None:
    near = HANDBOOK.replace("parser", "mapper").replace("ledger", "binder").replace("turbine", "heater")
    (question,) = ask((page(ROUTER + FILLER), page(near + FILLER, 3), page(HANDBOOK + FILLER, 400))).questions
    assert wrong_options(question) == {"Mapper", "Binder", "Heater"}
    (question,) = ask((page(ROUTER + FILLER), page(near + FILLER, 400), page(HANDBOOK + FILLER, 3))).questions
    assert wrong_options(question) == {"Parser", "Ledger", "Turbine"}


def test_a_term_of_the_same_general_kind_is_taken_first() -> None:
    kinds = "A tracer is a device that measures the distance to a wall.\nA hamper is a gift that shines in the dark.\n"
    (question,) = ask((page(ROUTER + FILLER), page(HANDBOOK + kinds + FILLER, 2))).questions
    assert "Tracer" in wrong_options(question)


@pytest.mark.parametrize(
    "definition",
    [
        "A gateway is a router that stands between two networks of different owners.",
        "A gateway is a device that forwards packets.",
    ],
)
def test_a_kind_of_the_key_and_a_near_synonym_are_not_wrong_options(definition: str) -> None:
    handbook = HANDBOOK.replace(OTHERS["parser"], definition)
    assert ask((page(ROUTER + FILLER), page(handbook + FILLER, 2))).questions == ()


def test_the_subject_of_the_whole_document_is_not_asked_for() -> None:
    definition = ROUTER.replace("router", "Router")
    own, handbook = page(definition + FILLER), page(HANDBOOK + FILLER, 2)
    long = FILLER * 65 + "In the end the Router was not mentioned.\n"
    assert len(ask((own, handbook, *(page(long, number) for number in range(3, 7)))).questions) == 1
    assert ask((own, handbook, *(page(long, number) for number in range(3, 12)))).questions == ()
    silent = long.replace("Router", "Thing")
    assert len(ask((own, handbook, *(page(silent, number) for number in range(3, 12)))).questions) == 1


def test_a_document_is_read_once_and_only_when_a_question_is_wanted() -> None:
    reads = 0
    document = (page(ROUTER + FILLER), page(HANDBOOK + FILLER, 2))

    def read() -> tuple[SectionPage, ...]:
        nonlocal reads
        reads += 1
        return document

    model, document_id = BuiltinModel(), uuid4()

    def write(number: int, questions: int) -> SectionReply:
        own = (document[number - 1],)
        request = SectionRequest(document_id, "notes.pdf", own, Counts(5, questions), "en", read_document=read)
        return model.write_section(request)

    write(1, 0)
    assert reads == 0
    assert write(1, 5).questions
    assert write(2, 5).questions
    assert reads == 1


def test_the_number_of_remembered_documents_is_limited() -> None:
    model = BuiltinModel()
    reads: list[int] = []

    def read(number: int) -> Iterator[SectionPage]:
        reads.append(number)
        return iter((page(ROUTER),))

    ids = [uuid4() for _ in range(builtin.MAX_SURVEYS + 1)]
    for number in [*range(len(ids)), len(ids) - 1, 0]:
        request = SectionRequest(
            ids[number],
            "n",
            (page(ROUTER + FILLER),),
            Counts(1, 1),
            "en",
            read_document=lambda n=number: tuple(read(n)),
        )
        model.write_section(request)
    assert reads == [*range(len(ids)), 0]


def test_the_same_section_of_the_same_document_gives_the_same_questions() -> None:
    document = (page(ROUTER + FILLER), page(HANDBOOK + FILLER, 2))
    assert ask(document).questions == ask(document).questions


GERMAN_FILLER = "Am Abend war es in der Stadt ruhig, und die Leute gingen nach der Arbeit in den Park.\n"
GERMAN = (
    "Begriffe\nEin Kassenbuch ist ein Heft, das alle Einnahmen eines Ladens nennt.\n"
    "Eine Turbine ist eine Maschine, die Energie aus einem Strom von Wasser gewinnt.\n"
    "Ein Parser ist ein Baustein, der aus einer Folge von Zeichen einen Baum macht.\n"
)


def ask_german(sentence: str) -> tuple[DraftQuestion, ...]:
    section = f"Kapitel\n{sentence}\n{GERMAN_FILLER}"
    return ask((page(section), page(GERMAN + GERMAN_FILLER, 2)), language="de").questions


@pytest.mark.parametrize(
    ("asked", "not_asked"),
    [
        (
            "Eine Bankgebühr ist ein Betrag, der am Ende eines Vertrags bezahlt wird.",
            "Eine Darlehensgebühr ist ein Betrag, der am Ende eines Darlehensvertrags bezahlt wird.",
        ),
        (
            "• Mitose: Eine Teilung des Zellkerns, bei der zwei gleiche Kerne entstehen.",
            "• Mitose: Die Teilung des Zellkerns, bei der zwei gleiche Kerne entstehen.",
        ),
        (
            "Unter Osmose versteht man eine Wanderung von Stoffen durch eine Membran der Zelle.",
            "Unter Osmose versteht man einen Parameter von Stoffen für eine Membran der Zelle.",
        ),
    ],
)
def test_a_definition_that_reveals_its_term_or_needs_its_context_is_not_asked(asked: str, not_asked: str) -> None:
    assert len(ask_german(asked)) == 1
    assert ask_german(not_asked) == ()


def test_an_abbreviation_is_not_asked_for_by_its_own_words() -> None:
    expansions = (
        "The Access Control List (ACL), the User Data Format (UDF) and the Basic File System (BFS) are known.\n"
    )
    document = page(expansions + FILLER, 2)
    plain = "NTP is a service that tells the time of day to the machines of a network.\n"
    assert len(ask((page(f"Networks\n{plain}{FILLER}"), document)).questions) == 1
    spelled = plain.replace("service that", "network time protocol that")
    assert ask((page(f"Networks\n{spelled}{FILLER}"), document)).questions == ()


def test_a_gap_is_only_asked_for_a_term_that_is_defined() -> None:
    sentence = "Tools\nA compiler translates source code into instructions that a processor can execute.\n"
    section = page(sentence + "Every compiler has bugs.\n" + FILLER)
    assert ask((section, page(HANDBOOK + FILLER, 2))).questions == ()
    definition = "A compiler is a program that reads one language and writes another one.\n"
    (question,) = ask((section, page(HANDBOOK + definition + FILLER, 2))).questions
    assert question.stem.startswith("Which term completes the sentence?")


def test_a_name_in_a_list_of_settings_is_not_a_wrong_option_elsewhere() -> None:
    handbook = HANDBOOK.replace(OTHERS["parser"], "• Parser: The component that turns a stream of tokens into a tree.")
    assert ask((page(ROUTER + FILLER), page(handbook + FILLER, 2))).questions == ()
    handbook = HANDBOOK.replace(OTHERS["parser"], "• Parser: A component that turns a stream of tokens into a tree.")
    assert len(ask((page(ROUTER + FILLER), page(handbook + FILLER, 2))).questions) == 1
