"""The right to make the next call: waits until the vendor's limits allow one, before a row is claimed for it.

Whoever waits holds no row, so the next permit goes to whoever's turn it is then.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import sqlalchemy as sa

from backend.core.clock import database_now
from backend.core.database.database import db
from backend.core.database.transaction import transaction
from backend.core.process.stopping import wait_for_stopping
from backend.core.work.jobs import JobState
from backend.generation.calls.limiting.limiter import CallLimiter, Reservation
from backend.generation.language_models.choice import get_language_model
from backend.generation.language_models.interface import ModelAnswer, ModelError, ModelRequest, RemoteModel
from backend.generation.models import Call, Step
from backend.settings import get_settings

# Of a call whose size is not known yet: our prompt with its schema, and what each item takes in the answer.
_PROMPT_TOKENS = 2_000
_CHARS_PER_TOKEN = 4
_TOKENS_PER_ITEM = 400
# Then the message counts as lost. As long as the row is due, another one comes.
_LONGEST_WAIT_S = 60.0
_LONGEST_PAUSE_S = 5.0
_QUOTA_PAUSE_S = 60.0
_LEASE_MARGIN_S = 30.0
_NO_ANSWER = frozenset({"timeout", "unavailable"})


class Permit:
    """The right to make one call. What became of the call is told to the limiter, once."""

    def __init__(self, limiter: CallLimiter, reservation: Reservation) -> None:
        self._limiter, self._reservation = limiter, reservation
        self._is_used = False

    def fit(self, request: ModelRequest) -> float:
        """Reserve what the request really takes. Returns the seconds to wait before the call."""
        return self._limiter.correct(self._reservation, request.input_tokens + request.max_output_tokens)

    def note_answer(self, answer: ModelAnswer) -> None:
        self._is_used = True
        self._limiter.settle(self._reservation, answer.rate_limits)

    def note_error(self, error: ModelError) -> None:
        self._is_used = True
        if error.code == "rate_limited":
            self._limiter.refuse(self._reservation, error.retry_after_s, error.rate_limits)
        elif error.code == "quota_exhausted":
            self._limiter.pause(self._reservation, _QUOTA_PAUSE_S, error.code)
        elif error.code in _NO_ANSWER:
            self._limiter.fail(self._reservation, error.retry_after_s)
        else:
            self._limiter.settle(self._reservation, error.rate_limits)

    def give_back(self) -> None:
        """Give back the permit if no call was made with it."""
        if not self._is_used:
            self._limiter.give_up(self._reservation)


@contextmanager
def wait_for_permit() -> Iterator[Permit | None]:
    """Yield a permit as soon as the vendor's limits allow a call; None if no call is due, or none is allowed soon."""
    model = get_language_model()
    permit = _wait(model) if model.is_remote else None
    try:
        yield permit
    finally:
        if permit is not None:
            permit.give_back()


def _wait(model: RemoteModel) -> Permit | None:
    limiter = _open_limiter(get_settings().broker_url)
    deadline = time.monotonic() + _LONGEST_WAIT_S
    while (tokens := _expect_tokens()) is not None:
        found = limiter.reserve(f"{get_settings().openai_base_url}:{model.name}", tokens)
        if isinstance(found, Reservation):
            return Permit(limiter, found)
        left_s = deadline - time.monotonic()
        if left_s <= 0 or wait_for_stopping(min(found.seconds, _LONGEST_PAUSE_S, left_s)):
            break
    return None


def _expect_tokens() -> int | None:
    """Return about how many tokens the next call takes, or None if none is due."""
    query = (
        sa.select(Step.chars, Step.flashcards_asked + Step.questions_asked)
        .join(Call, Call.step_id == Step.id)
        .where(Call.state == JobState.QUEUED, Call.available_at <= database_now())
        .order_by(Call.available_at)
        .limit(1)
    )
    with transaction():
        row = db.session.execute(query).one_or_none()
    if row is None:
        return None
    return int(_PROMPT_TOKENS + (row[0] or 0) // _CHARS_PER_TOKEN + _TOKENS_PER_ITEM * (row[1] + 1))


@lru_cache(maxsize=1)
def _open_limiter(broker_url: str) -> CallLimiter:
    return CallLimiter(broker_url, lease_s=get_settings().openai_timeout_s + _LEASE_MARGIN_S)
