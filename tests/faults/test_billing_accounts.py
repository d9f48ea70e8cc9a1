"""A credit account that is locked for long, and an account that is deleted with money on its way (faults 17 and 36)."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from math import ceil
from pathlib import Path

import psycopg2
import pytest
import requests

from config.local.postgres import PostgresServer
from tests.faults.shop import BOUGHT, Shop, open_shop
from tests.faults.test_health import THREADS, check_probes
from tests.patience import wait_for

pytestmark = pytest.mark.faults

# The SQLSTATE of a statement that has waited for a lock for too long.
LOCK_NOT_AVAILABLE = "55P03"
# Tables that keep a deleted user's credits, under the id that is only a pseudonym then.
LEDGER = frozenset(
    {"credit_accounts", "credit_lots", "credit_holds", "credit_entries", "payments", "checkouts", "model_calls"}
)


@pytest.fixture(scope="module")
def standing_shop(tmp_path_factory: pytest.TempPathFactory, database_server: PostgresServer) -> Iterator[Shop]:
    # Leases are much shorter here than in production, so work outlives fewer locks before it is given up.
    with open_shop(tmp_path_factory.mktemp("logs"), database_server, STEP_ATTEMPTS="100") as opened:
        yield opened


@pytest.fixture
def shop(standing_shop: Shop) -> Shop:
    """The shop, with a well-behaved model and Stripe."""
    standing_shop.model.set_script([])
    standing_shop.model.forget_calls()
    standing_shop.stripe.set_faults()
    return standing_shop


def count_waiting(shop: Shop) -> int:
    """Return how many connections to the shop's database wait for a lock."""
    waiting = "wait_event_type = 'Lock' AND datname = current_database()"
    ((count,),) = shop.query(f"SELECT count(*) FROM pg_stat_activity WHERE {waiting}")
    return int(count)


def test_17_a_locked_credit_account_keeps_only_its_owner_waiting(shop: Shop, tmp_path: Path) -> None:
    student, other = shop.enter("locked"), shop.enter("other")
    study_sets = {}
    for each in (student, other):
        each.buy()
        study_sets[each] = each.upload(tmp_path, 1)
        each.wait_until_read(study_sets[each])
    events = student.pay("second")
    path, wish = f"/study-sets/{study_sets[student]}/runs", {"flashcards": 2, "questions": 1}
    with (
        psycopg2.connect(shop.database_url) as holder,
        ThreadPoolExecutor(THREADS * 2) as pool,
    ):
        holder.cursor().execute("SELECT 1 FROM credit_accounts WHERE user_id = %s FOR UPDATE", (student.id,))
        waiting = [pool.submit(student.open_checkout, f"locked-{number}") for number in range(THREADS)]
        waiting += [pool.submit(student.send, "POST", path, wish) for _ in range(THREADS)]
        wait_for("requests that wait for the lock", lambda: count_waiting(shop) >= THREADS)
        assert check_probes(shop)["status"] == "ok"
        # What neither spends nor buys needs no lock.
        assert student.balance() == (BOUGHT, 0)
        assert shop.deliver(*events) == []
        assert other.open_checkout("other").status_code == requests.codes.created
        run = other.start_run(study_sets[other], **wish)
        other.check_done_once(run)
        for answer in (each.result() for each in waiting):
            assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
            assert int(answer.headers["Retry-After"]) > 0
        # The worker waits for it too, with the purchase that was just paid.
        wait_for("the worker", lambda: count_waiting(shop) > 0)
        assert student.balance() == (BOUGHT, 0)
        holder.rollback()
    shop.wait_until_handled(*events)
    other.check_account(1, run)
    # Nothing of the refused requests is left, and repeating them works.
    student.check_account(2)
    made = "SELECT count(*) FROM checkouts WHERE user_id = %s UNION ALL SELECT count(*) FROM runs WHERE user_id = %s"
    assert shop.query(made, student.id, student.id) == [(2,), (0,)]
    assert student.open_checkout("locked-0").status_code == requests.codes.created
    run = student.start_run(study_sets[student], **wish)
    student.check_done_once(run)
    student.check_account(2, run)
    log = (shop.stack.logs / "api.log").read_text()
    # By the lock's limit, not by that of statements, and with connections left in the pool.
    assert log.count(LOCK_NOT_AVAILABLE) >= len(waiting)
    assert "pool_exhausted" not in log


def test_36_an_account_deleted_with_a_charged_run_and_purchases_on_their_way(shop: Shop, tmp_path: Path) -> None:
    leaving = shop.enter("leaving")
    leaving.buy()
    asked, unheard = leaving.pay("second"), leaving.pay("third")
    study_set = leaving.upload(tmp_path, 2)
    leaving.wait_until_read(study_set)
    # One section is delivered, the other one held.
    shop.model.set_script([{"do": "hold", "on": [2]}])
    run = leaving.start_run(study_set, flashcards=4, questions=2)
    charged = "SELECT coalesce(sum(charged_credits), 0) FROM model_calls WHERE run_id = %s"
    wait_for("a charged section", lambda: shop.query(charged, run)[0][0] > 0)
    leaving.wait_for_call(2)
    # Stripe's response, which has the payer's name, is on its way to the worker.
    shop.hold_question("hold_response")
    shop.deliver(*asked)
    shop.asking_child()
    log = shop.stack.logs / "worker-1.log"
    lost = log.read_text().count("lease_lost")
    left = leaving.send("DELETE", "/users/me?confirm=erase-everything")
    assert left.status_code == requests.codes.accepted
    erased = "SELECT 1 FROM users WHERE id = %s AND erased_at IS NOT NULL"
    wait_for("the erasure", lambda: shop.query(erased, leaving.id))
    shop.stripe.release()
    # The third purchase was paid before, and Stripe says so only now. The second is repeated.
    shop.deliver(*unheard, *asked)
    shop.wait_until_handled(*asked, *unheard)
    shop.model.release()
    wait_for("the way out of the step", lambda: log.read_text().count("lease_lost") > lost)

    # The run has ended: what it delivered is paid, the rest was released, and nothing more is asked of the model.
    assert shop.query("SELECT 1 FROM runs WHERE id = %s", run) == []
    ((exact,),) = shop.query(charged, run)
    sums = "SELECT -sum(amount), sum(held) FROM credit_entries WHERE run_id = %s"
    ((captured, held),) = shop.query(sums, run)
    assert (captured, held) == (ceil(exact), 0)
    assert shop.query("SELECT count(*) FROM credit_holds WHERE closed_at IS NULL AND run_id = %s", run) == [(0,)]
    assert len(shop.model.calls) == 2
    # All purchases are booked, each once, to nobody in particular.
    state = "SELECT paid_after + free_after, held_after FROM credit_entries WHERE user_id = %s ORDER BY number DESC"
    assert shop.query(f"{state} LIMIT 1", leaving.id) == [(3 * BOUGHT - captured, 0)]
    personal = "SELECT payer_name, payer_email, payer_country, receipt_url FROM payments WHERE user_id = %s"
    assert shop.query(personal, leaving.id) == [(None, None, None, None)] * 3
    assert find_tables(shop, f"{leaving.payer}|{leaving.email}") == set()
    assert find_tables(shop, f"{leaving.id}|{study_set}|{run}") <= LEDGER | {"users"}
    shop.check_ledger()

    # Signing in with the same address creates a new user, who owns nothing of it.
    back = shop.enter("leaving")
    assert back.id != leaving.id
    back.check_account(0)
    back.buy()
    back.check_account(1)


def find_tables(shop: Shop, pattern: str) -> set[str]:
    """Return the tables with a row that matches."""
    tables = [name for (name,) in shop.query("SELECT relid::regclass::text FROM pg_stat_user_tables")]
    return {each for each in tables if shop.query(f"SELECT 1 FROM {each} t WHERE t::text ~ %s", pattern)}
