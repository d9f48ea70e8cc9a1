"""Wrong options from the whole document: where they come from, and which of its terms are none."""

from collections.abc import Iterator
from uuid import uuid4

import pytest

from backend.generation.builtin import model as builtin
from backend.generation.builtin.model import BuiltinModel
from backend.generation.language_model import DraftQuestion, SectionPage, SectionReply, SectionRequest
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
    request = SectionRequest(uuid4(), "notes.pdf", own, 5, 5, language, read_document=lambda: document)
    return (model or BuiltinModel()).write_section(request, lambda: None)


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
    kinds = "A mapper is a device that measures the distance to a wall.\nA lantern is a gift that shines in the dark.\n"
    (question,) = ask((page(ROUTER + FILLER), page(HANDBOOK + kinds + FILLER, 2))).questions
    assert "Mapper" in wrong_options(question)
    assert "Lantern" not in wrong_options(question)


@pytest.mark.parametrize(
    "definition",
    [
        "A gateway is a router that stands between two networks of different owners.",
        "A gateway is a device that forwards packets.",
    ],
)
def test_a_kind_of_the_key_and_a_near_synonym_are_no_wrong_options(definition: str) -> None:
    handbook = HANDBOOK.replace(OTHERS["parser"], definition)
    assert ask((page(ROUTER + FILLER), page(handbook + FILLER, 2))).questions == ()


def test_what_the_whole_document_is_about_is_not_asked_for() -> None:
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
        request = SectionRequest(document_id, "notes.pdf", own, 5, questions, "en", read_document=read)
        return model.write_section(request, lambda: None)

    write(1, 0)
    assert reads == 0
    assert write(1, 5).questions
    assert write(2, 5).questions
    assert reads == 1


def test_few_documents_are_remembered() -> None:
    model = BuiltinModel()
    reads: list[int] = []

    def read(number: int) -> Iterator[SectionPage]:
        reads.append(number)
        return iter((page(ROUTER),))

    ids = [uuid4() for _ in range(builtin.DOCUMENTS_REMEMBERED + 1)]
    for number in [*range(len(ids)), len(ids) - 1, 0]:
        request = SectionRequest(
            ids[number], "n", (page(ROUTER + FILLER),), 1, 1, "en", read_document=lambda n=number: tuple(read(n))
        )
        model.write_section(request, lambda: None)
    assert reads == [*range(len(ids)), 0]


def test_the_same_section_of_the_same_document_gives_the_same_questions() -> None:
    document = (page(ROUTER + FILLER), page(HANDBOOK + FILLER, 2))
    assert ask(document).questions == ask(document).questions
