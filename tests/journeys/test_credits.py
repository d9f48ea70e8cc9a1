"""A student's credits over HTTP: given, estimated, spent, refused, bought, refunded, and accounted for to the last one.

Every figure is computed here, from the tokens that the stand-in for the language model counted and the price file.
"""

from collections.abc import Callable, Iterator

import pytest

from tests.generation.conftest import chapters
from tests.journeys.credit_journey import BOUGHT, SIGN_UP, Journey, Way
from tests.journeys.credit_stage import ADMIN_EMAIL, Person, Stage, open_stage

# Each sentence is on one page, and not the first of it, so that no other prompt contains it.
BAD_DAY = (
    # The reply is useless, so the step is tried again.
    {"do": "invalid_json", "contains": "experiment 1002 ", "times": 1},
    # The first flashcard and the first question quote what is not in the notes.
    {"do": "foreign_quotes", "contains": "experiment 1020 ", "times": 1},
    # The reply is cut off before its question, which is made up for by another call.
    {"do": "cut", "contains": "experiment 1038 ", "times": 1, "at": 0.7},
)
# The first flashcard and the first question are written twice.
TALKATIVE = ({"do": "duplicates", "times": 1},)

WAYS = (
    Way("before", before=1),
    Way("after", after=1),
    Way("twice", before=2, after=1),
    Way("never"),
    Way("reconciled", asks=False),
)


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory, new_database: Callable[[], str]) -> Iterator[Stage]:
    with open_stage(tmp_path_factory.mktemp("logs"), new_database) as opened:
        yield opened


@pytest.fixture(scope="module")
def admin(stage: Stage) -> Person:
    return stage.sign_in("support", ADMIN_EMAIL)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
def test_a_students_credits_from_sign_up_to_statement(stage: Stage, admin: Person, way: Way) -> None:
    journey = Journey(stage, admin, way)
    student = journey.student

    # Sign-up credits.
    journey.check_credits()
    [welcome] = student.items("/billing/entries")
    assert (welcome["kind"], welcome["source"], welcome["amount"]) == ("granted", "sign_up", SIGN_UP)

    # A run that is charged for what it delivers, within its estimate.
    lecture = student.upload("lecture", chapters(4))
    wish = {"flashcards": 8, "questions": 4}
    estimate = journey.estimate(lecture, wish)
    run = journey.play(BAD_DAY, lambda: student.post(f"/study-sets/{lecture}/runs", wish), reserved=estimate["high"])
    assert (run["asked"], run["delivered"]) == (wish, {"flashcards": 7, "questions": 3})
    assert estimate["low"] <= run["credits"]["charged"] <= estimate["high"]

    # One that costs more than is left is refused.
    script = student.upload("script", chapters(10))
    wish = {"flashcards": 100, "questions": 20}
    estimate = journey.estimate(script, wish)
    refused = student.post(f"/study-sets/{script}/runs", wish)
    assert (refused.status_code, refused.json()["code"]) == (402, "insufficient_credits")
    assert (refused.json()["required"], refused.json()["available"]) == (estimate["high"], journey.free)
    assert student.items(f"/study-sets/{script}/runs") == []
    journey.check_credits()

    # With a maximum it starts, and ends partly done after two of ten sections.
    capped = {**wish, "max_credits": 150}
    partial = journey.play(
        (), lambda: student.post(f"/study-sets/{script}/runs", capped), reserved=150, state="partial"
    )
    assert partial["partial_reason"] == "max_credits_reached"
    assert partial["delivered"] == {"flashcards": 20, "questions": 4}

    # The rest needs more credits than there are.
    refused = student.post(f"/runs/{partial['id']}/continue", {"max_credits": 2000})
    assert (refused.status_code, refused.json()["available"]) == (402, journey.free)
    required = refused.json()["required"]
    assert journey.free < required < 2000
    payment = journey.buy()

    # The rest is made, from the free credits first.
    rest = journey.play(
        TALKATIVE,
        lambda: student.post(f"/runs/{partial['id']}/continue", {"max_credits": 2000}),
        reserved=required,
    )
    assert (rest["continues"], rest["delivered"]) == (partial["id"], {"flashcards": 80, "questions": 16})
    assert student.get(f"/runs/{partial['id']}")["continued_by"] == rest["id"]
    assert (journey.free, journey.paid) == (0, SIGN_UP + BOUGHT - journey.spent)

    # Money back, twice.
    refunds = (journey.refund_in_dashboard(payment), journey.refund_by_support(payment))

    # Everything adds up.
    entries = journey.check_ledger()
    journey.check_statement(payment, refunds)
    journey.check_export(entries, payment, refunds)
