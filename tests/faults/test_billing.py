"""Credits survive a restart of PostgreSQL and killed workers: all is applied once (faults 15 and 23)."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import psycopg2
import pytest

from config.local.postgres import LocalPostgres
from tests.faults.shop import BOUGHT, Json, Shop, open_shop
from tests.patience import wait_for

pytestmark = pytest.mark.faults

# Within which an event that was accepted has its effect, whatever was killed.
APPLIED_S = 60.0


@pytest.fixture(scope="module")
def standing_shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with open_shop(tmp_path_factory.mktemp("logs"), LocalPostgres()) as opened:
        yield opened


@pytest.fixture
def shop(standing_shop: Shop) -> Shop:
    """The shop, with a well-behaved model and Stripe."""
    standing_shop.model.set_script([])
    standing_shop.model.forget_calls()
    standing_shop.stripe.set_faults()
    return standing_shop


def test_15_webhooks_and_a_charged_run_survive_a_database_that_restarts(shop: Shop, tmp_path: Path) -> None:
    student = shop.enter("restarted")
    student.buy()
    events = student.pay("second")
    shop.model.set_script([{"do": "hold", "on": [1, 2]}])
    run = student.start_run(student.upload(tmp_path, 2), flashcards=4, questions=2)
    student.wait_for_call(2)
    postgres = shop.stack.postgres
    assert isinstance(postgres, LocalPostgres)
    with ThreadPoolExecutor(len(events)) as stripe:
        postgres.stop()
        try:
            # Each twice, because Stripe may repeat an event that it got no answer to.
            delivered = [stripe.submit(shop.deliver, event, event) for event in events]
            assert {shop.send(event) for event in events} == {503}
        finally:
            postgres.start()
        shop.model.release()
        # Again, in the middle of it.
        postgres.restart()
        assert {status for each in delivered for status in each.result()} <= {503}
    student.check_done_once(run)
    shop.wait_until_handled(*events)
    student.check_account(2, run)
    shop.stack.check()


def test_23_an_event_that_no_worker_was_there_for_is_applied(shop: Shop) -> None:
    student = shop.enter("unattended")
    events = student.pay()
    shop.stack.kill_worker("worker-1")
    try:
        assert shop.deliver(*events) == []
        assert student.balance() == (0, 0)
    finally:
        shop.stack.start_worker("worker-1")
    shop.wait_until_handled(*events, promised_s=APPLIED_S)
    student.check_account(1)


@pytest.mark.parametrize("killed", ["pool process", "worker"])
# Before Stripe has looked at the session, and after that, with its response on the way.
@pytest.mark.parametrize("held", ["hold", "hold_response"])
def test_23_a_worker_killed_before_it_books_a_purchase_leaves_it_to_the_next(
    shop: Shop, held: str, killed: str
) -> None:
    student = shop.enter(f"killed-{held}-{killed.replace(' ', '-')}")
    events = student.pay()
    shop.hold_question(held)
    assert shop.deliver(*events) == []
    asking = shop.asking_child()
    assert student.balance() == (0, 0)
    kill(shop, asking, killed)
    # A response to nobody.
    shop.stripe.release()
    shop.wait_until_handled(*events, promised_s=APPLIED_S)
    assert attempts(shop, events) == 2
    student.check_account(1)


@pytest.mark.parametrize("killed", ["pool process", "worker"])
def test_23_a_worker_killed_after_it_has_booked_a_purchase_books_it_once(shop: Shop, killed: str) -> None:
    student = shop.enter(f"booked-{killed.replace(' ', '-')}")
    events = student.pay()
    shop.hold_question("hold")
    shop.deliver(*events)
    asking = shop.asking_child()
    with psycopg2.connect(shop.database_url) as holder:
        # The worker can book the purchase, but not record that it has handled the event.
        holder.cursor().execute("SELECT 1 FROM stripe_events WHERE state = 'running' FOR UPDATE")
        shop.stripe.release()
        wait_for("the purchase", lambda: student.balance() == (BOUGHT, 0))
        kill(shop, asking, killed)
        holder.rollback()
    shop.wait_until_handled(*events, promised_s=APPLIED_S)
    assert attempts(shop, events) == 2
    student.check_account(1)


def kill(shop: Shop, process: psutil.Process, killed: str) -> None:
    """Kill (kill -9) a process of the worker's pool or the whole worker, which is then started again."""
    if killed == "worker":
        shop.stack.kill_worker("worker-1")
        shop.stack.start_worker("worker-1")
    else:
        process.kill()


def attempts(shop: Shop, events: Sequence[Json]) -> int:
    """Return how often the event was claimed that says that the session is paid."""
    [paid] = [each["id"] for each in events if each["type"] == "checkout.session.completed"]
    ((attempt,),) = shop.query("SELECT attempt FROM stripe_events WHERE event_id = %s", paid)
    return int(attempt)
