"""The connection to PostgreSQL is cut right after a COMMIT about credits: no second effect (fault 16)."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from config.local.postgres import GivenPostgres
from tests.faults.shop import BOUGHT, Shop, open_shop
from tests.stand_ins.cutting_proxy import CuttingProxy

pytestmark = pytest.mark.faults


@pytest.fixture(scope="module")
def proxied(
    tmp_path_factory: pytest.TempPathFactory, database_server: GivenPostgres
) -> Iterator[tuple[Shop, CuttingProxy]]:
    logs = tmp_path_factory.mktemp("logs")
    with (
        CuttingProxy(database_server.url) as proxy,
        open_shop(logs, database_server, DATABASE_URL=proxy.url) as opened,
    ):
        yield opened, proxy


@pytest.fixture
def proxy(proxied: tuple[Shop, CuttingProxy]) -> Iterator[CuttingProxy]:
    """The proxy, which each test arms and which cuts one connection."""
    _, proxy = proxied
    cuts = proxy.cuts
    yield proxy
    assert proxy.cuts == cuts + 1


@pytest.fixture
def shop(proxied: tuple[Shop, CuttingProxy]) -> Shop:
    shop, _ = proxied
    shop.model.set_script([])
    shop.model.forget_calls()
    return shop


def test_16_a_webhook_cut_after_its_event_was_stored_is_applied_once(shop: Shop, proxy: CuttingProxy) -> None:
    student = shop.enter("stored")
    [paid] = [each for each in student.pay() if each["type"] == "checkout.session.completed"]
    proxy.arm("INSERT INTO stripe_events")
    assert shop.send(paid) == 503
    # Also if Stripe did not repeat it.
    shop.wait_until_handled(paid)
    student.check_account(1)
    assert shop.deliver(paid) == []
    shop.wait_until_handled(paid)
    student.check_account(1)


@pytest.mark.parametrize("statement", ["INSERT INTO payments", "INSERT INTO credit_entries"])
def test_16_a_purchase_cut_after_it_was_booked_is_booked_once(shop: Shop, proxy: CuttingProxy, statement: str) -> None:
    student = shop.enter(statement.rpartition(" ")[2])
    events = student.pay()
    proxy.arm(statement)
    shop.deliver(*events)
    shop.wait_until_handled(*events)
    student.check_account(1)


def test_16_a_checkout_cut_after_it_was_stored_is_one_session(shop: Shop, proxy: CuttingProxy) -> None:
    student = shop.enter("checkout")
    proxy.arm("INSERT INTO checkouts")
    assert student.open_checkout("key").status_code == 503
    opened = student.open_checkout("key").json()
    assert student.open_checkout("key").json() == opened
    assert shop.query("SELECT id::text, url FROM checkouts WHERE user_id = %s", student.id) == [
        (opened["id"], opened["url"])
    ]
    made = [each for each in shop.stripe.requests if each["method"] == "POST" and student.id in each["form"]]
    assert len(made) == 1


@pytest.mark.parametrize(
    "statement",
    ["UPDATE model_calls SET charged_credits", "closed_at=", "INSERT INTO model_calls"],
)
def test_16_a_step_cut_after_it_was_charged_is_charged_once(
    shop: Shop, proxy: CuttingProxy, tmp_path: Path, statement: str
) -> None:
    student = shop.enter(statement.replace(" ", "-"))
    student.buy()
    study_set = student.upload(tmp_path, 2)
    student.wait_until_read(study_set)
    proxy.arm(statement)
    run = student.start_run(study_set, flashcards=4, questions=2)
    student.check_done_once(run)
    student.check_account(1, run)


def test_16_a_start_cut_after_its_reservation_reserves_once(shop: Shop, proxy: CuttingProxy, tmp_path: Path) -> None:
    student = shop.enter("reserved")
    student.buy()
    study_set = student.upload(tmp_path, 1)
    student.wait_until_read(study_set)
    start = {"method": "POST", "path": f"/study-sets/{study_set}/runs", "body": {"flashcards": 2, "questions": 1}}
    shop.model.set_script([{"do": "hold"}])
    proxy.arm("INSERT INTO credit_entries")
    assert student.send(**start, Idempotency_Key="cut").status_code == 503
    for _ in range(2):
        again = student.send(**start, Idempotency_Key="cut")
        assert (again.status_code, again.headers["Idempotency-Replayed"]) == (202, "true")
        run = again.json()["id"]
        assert shop.query("SELECT id::text FROM runs WHERE user_id = %s", student.id) == [(run,)]
        assert student.balance() == (BOUGHT, again.json()["credits"]["reserved"])
    shop.model.release()
    student.check_done_once(run)
    student.check_account(1, run)
