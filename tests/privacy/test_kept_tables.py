"""Tables whose rows are kept: exported, cleared of personal data, and still written after their user has left."""

import threading
from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from tests.blocked import wait_for_blocked
from tests.patience import join
from tests.privacy.conftest import Student, read
from tests.privacy.money import PAYER, open_account, pay

Run = Callable[[], Any]

_LEFT = """
SELECT amount_rappen, payer_name, payer_email, payer_country, receipt_url FROM payments WHERE user_id = :user
ORDER BY id
"""
_CLEAR = (500, None, None, None, None)
_REFUSING = """
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER refuse BEFORE UPDATE ON payments FOR EACH ROW EXECUTE FUNCTION refuse();
"""


@pytest.fixture
def payments(engine: sa.Engine) -> Callable[[Student], Any]:
    """Return the payments of a student: the amount, which is kept, and the personal columns."""

    def look(student: Student) -> Any:
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(sa.text(_LEFT), {"user": student.user_id})]

    return look


def test_rows_that_lead_to_a_user_through_another_table_are_exported(
    owner: Student, engine: sa.Engine, run_pending_jobs: Run
) -> None:
    with engine.begin() as connection:
        pay(connection, owner.user_id)
    path = owner.export()
    run_pending_jobs()
    with owner.open(path) as archive:
        (payment,) = read(archive, "payments")
        assert read(archive, "credit_accounts")[0]["user_id"] == str(owner.user_id)
    assert (payment["payer_email"], payment["amount_rappen"]) == (PAYER["email"], 500)


def test_personal_data_of_kept_rows_is_erased(
    owner: Student, other_client: Any, engine: sa.Engine, run_pending_jobs: Run, remains: Any, payments: Any
) -> None:
    other = Student(other_client, "", "")
    with engine.begin() as connection:
        for user_id in (owner.user_id, owner.user_id, other.user_id):
            pay(connection, user_id)
    owner.leave()
    run_pending_jobs()
    assert payments(owner) == [_CLEAR, _CLEAR]
    assert [row[1] for row in payments(other)] == [PAYER["name"]]
    assert remains("@example.org") != []
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM users WHERE erased_at IS NOT NULL")) == 1


def test_an_erasure_does_not_end_before_personal_data_is_gone(
    owner: Student, engine: sa.Engine, run_pending_jobs: Run, make_due: Run, query: Any, payments: Any
) -> None:
    with engine.begin() as connection:
        pay(connection, owner.user_id)
    query(_REFUSING)
    try:
        owner.leave()
        run_pending_jobs()
        assert query("SELECT state FROM erasures") == [("queued",)]
        assert query("SELECT count(*) FROM users WHERE erased_at IS NOT NULL") == [(0,)]
    finally:
        query("DROP FUNCTION refuse() CASCADE")
    make_due()
    run_pending_jobs()
    assert payments(owner) == [_CLEAR]
    assert query("SELECT count(*) FROM erasures") == [(0,)]


def test_a_payment_after_the_user_has_left_is_booked_without_personal_data(
    owner: Student, engine: sa.Engine, run_pending_jobs: Run, payments: Any
) -> None:
    owner.leave()
    with engine.begin() as connection:
        pay(connection, owner.user_id)
    run_pending_jobs()
    with engine.begin() as connection:
        pay(connection, owner.user_id)
    assert payments(owner) == [_CLEAR, _CLEAR]


def test_leaving_waits_for_a_payment_in_progress(
    owner: Student, engine: sa.Engine, run_pending_jobs: Run, payments: Any
) -> None:
    with engine.begin() as connection:
        # The account exists: the foreign key of a new one would lock the user as well.
        open_account(connection, owner.user_id)
    leaver = threading.Thread(target=owner.leave)
    with engine.begin() as connection:
        pay(connection, owner.user_id)
        leaver.start()
        wait_for_blocked(engine)
    join(leaver)
    run_pending_jobs()
    assert payments(owner) == [_CLEAR]
