"""Only one place commits. Actions registered for after the commit run after it, or not at all."""

import threading
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from flask import Flask
from sqlalchemy.exc import InvalidRequestError

from backend.accounts.models import User
from backend.core.database.database import db
from backend.core.database.transaction import (
    TransactionOpen,
    after_commit,
    before_commit,
    refuse_open_transaction,
    transaction,
)
from backend.core.ids import new_id

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture(autouse=True)
def _in_context(app: Flask):
    with app.app_context():
        yield


def add_user(email: str) -> None:
    db.session.add(User(id=new_id(), email=email))


def roll_back(act: Callable[[], object]) -> None:
    """Call ``act`` in a transaction that then fails."""

    def work() -> None:
        with transaction():
            act()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        work()


def emails(engine: sa.Engine) -> list[str]:
    """Return the users that other connections see."""
    with engine.connect() as connection:
        return sorted(connection.scalars(sa.select(User.email)))


def test_the_end_of_the_block_commits(engine: sa.Engine) -> None:
    with transaction():
        add_user("a@example.org")
        db.session.flush()
        assert emails(engine) == []
    assert emails(engine) == ["a@example.org"]


def test_an_error_rolls_back_and_is_raised(engine: sa.Engine) -> None:
    def act() -> None:
        add_user("a@example.org")
        db.session.flush()

    roll_back(act)
    assert emails(engine) == []


def test_an_inner_transaction_joins_the_outer_one(engine: sa.Engine) -> None:
    def act() -> None:
        with transaction():
            add_user("a@example.org")
        assert emails(engine) == []

    roll_back(act)
    assert emails(engine) == []


def test_an_inner_transaction_is_committed_by_the_outer_one(engine: sa.Engine) -> None:
    with transaction():
        with transaction():
            add_user("a@example.org")
        add_user("b@example.org")
    assert emails(engine) == ["a@example.org", "b@example.org"]


def test_the_session_refuses_statements_outside_a_transaction() -> None:
    with pytest.raises(InvalidRequestError):
        db.session.execute(sa.select(1))


def test_the_session_refuses_statements_after_a_transaction() -> None:
    with transaction():
        db.session.execute(sa.select(1))
    with pytest.raises(InvalidRequestError):
        db.session.execute(sa.select(1))


def test_after_commit_sees_what_was_committed(engine: sa.Engine) -> None:
    seen: list[list[str]] = []
    with transaction():
        add_user("a@example.org")
        after_commit(lambda: seen.append(emails(engine)))
        assert seen == []
    assert seen == [["a@example.org"]]


def test_after_commit_waits_for_the_outermost_transaction() -> None:
    done: list[str] = []
    with transaction():
        with transaction():
            after_commit(lambda: done.append("inner"))
        assert done == []
    assert done == ["inner"]


def test_after_commit_does_not_run_after_a_rollback_nor_later() -> None:
    done: list[str] = []
    roll_back(lambda: after_commit(lambda: done.append("never")))
    with transaction():
        db.session.execute(sa.select(1))
    assert done == []


def test_after_commit_does_not_run_when_the_commit_itself_fails(engine: sa.Engine) -> None:
    done: list[str] = []

    def work() -> None:
        with transaction():
            after_commit(lambda: done.append("never"))
            # The server closes the connection, so COMMIT fails.
            pid = db.session.scalar(sa.select(sa.func.pg_backend_pid()))
            with engine.connect() as other:
                other.execute(sa.select(sa.func.pg_terminate_backend(pid)))

    with pytest.raises(sa.exc.DBAPIError):
        work()
    assert done == []


def test_a_failing_action_neither_raises_nor_stops_the_next() -> None:
    done: list[str] = []
    with transaction():
        after_commit(lambda: 1 // 0)
        after_commit(lambda: done.append("second"))
    assert done == ["second"]


def test_an_action_may_open_a_transaction_of_its_own(engine: sa.Engine) -> None:
    def action() -> None:
        with transaction():
            add_user("later@example.org")

    with transaction():
        after_commit(action)
    assert emails(engine) == ["later@example.org"]


def test_gateways_refuse_calls_while_a_transaction_is_open() -> None:
    refuse_open_transaction()
    with transaction(), pytest.raises(TransactionOpen):
        refuse_open_transaction()
    refuse_open_transaction()


def test_gateways_allow_calls_without_an_app() -> None:
    raised: list[BaseException] = []

    def call() -> None:
        try:
            refuse_open_transaction()
        except BaseException as error:
            raised.append(error)

    # A new thread has no app context.
    thread = threading.Thread(target=call)
    thread.start()
    thread.join()
    assert raised == []


def test_threads_have_their_own_transactions(app: Flask, engine: sa.Engine) -> None:
    def work() -> None:
        with app.app_context(), transaction():
            add_user("thread@example.org")

    def act() -> None:
        add_user("main@example.org")
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()

    roll_back(act)
    assert emails(engine) == ["thread@example.org"]


def test_an_action_before_the_commit_runs_once_and_last_inside_the_transaction(engine: sa.Engine) -> None:
    with transaction():
        with transaction():
            before_commit("user", lambda: add_user("last@example.org"))
            before_commit("user", lambda: add_user("again@example.org"))
        add_user("first@example.org")
        db.session.flush()
        assert db.session.scalars(sa.select(User.email)).all() == ["first@example.org"]
    assert emails(engine) == ["first@example.org", "last@example.org"]


def test_an_action_before_the_commit_that_fails_rolls_back(engine: sa.Engine) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    def work() -> None:
        with transaction():
            add_user("a@example.org")
            before_commit("fail", fail)

    with pytest.raises(ZeroDivisionError):
        work()
    roll_back(lambda: before_commit("user", lambda: add_user("b@example.org")))
    with transaction():
        pass
    assert emails(engine) == []
