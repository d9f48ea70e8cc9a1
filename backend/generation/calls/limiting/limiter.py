"""Says when a call may start: one budget of requests and tokens for all workers, learned from the vendor."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass

from backend.core.process.logging import get_logger
from backend.generation.calls.limiting import rules
from backend.generation.calls.limiting.shared_state import SharedState
from backend.generation.calls.limiting.state import Pause, State
from backend.generation.language_models.interface import RateLimits

log = get_logger(__name__)

_LEASE_S = 900.0
_CHECK_PAUSE_S = 3.0
_random = secrets.SystemRandom()


@dataclass(frozen=True, slots=True)
class Reservation:
    """The right to make one call."""

    model_key: str
    id: str


@dataclass(frozen=True, slots=True)
class Wait:
    """When to ask again. Each waiter is told another moment."""

    seconds: float


@dataclass(frozen=True, slots=True)
class PauseInfo:
    """A pause in which nobody calls a model; ``seconds`` until a probe looks whether it ends."""

    reason: str
    seconds: float


class CallLimiter:
    """Bounds the calls of each model. Threads may share it. Nothing here waits or raises.

    Every reservation ends in exactly one of ``settle``, ``refuse``, ``fail``, ``pause`` and ``give_up``, or expires.

    Args:
        url: Redis, with its password.
        lease_s: How long a call may take.
        check_pause_s: Pause between two checks of a failing Redis.
    """

    def __init__(self, url: str, *, lease_s: float = _LEASE_S, check_pause_s: float = _CHECK_PAUSE_S) -> None:
        self._states = SharedState(url, lease_s=lease_s, check_pause_s=check_pause_s)

    def reserve(self, model_key: str, tokens: int) -> Reservation | Wait:
        """Take one request and ``tokens`` (prompt and output limit) from the budget, or tell when to ask again.

        ``model_key`` names what the vendor counts together: the server, the account and the model.
        """
        name = secrets.token_hex(8)
        # One for all tries, which must not differ.
        jitter = _random.random()
        wait_s = self._states.change(model_key, lambda state: rules.reserve(state, name, tokens, jitter=jitter))
        return Wait(wait_s) if wait_s > 0 else Reservation(model_key, name)

    def correct(self, reservation: Reservation, tokens: int) -> float:
        """Reserve other tokens, once the request is known. Returns the seconds to wait before the call."""
        return self._states.change(reservation.model_key, lambda state: rules.correct(state, reservation.id, tokens))

    def settle(self, reservation: Reservation, limits: RateLimits | None) -> None:
        """Learn from an answer."""
        self._end(reservation, lambda state: rules.settle(state, reservation.id, limits))

    def refuse(self, reservation: Reservation, retry_after_s: float | None, limits: RateLimits | None) -> None:
        """Learn from a refusal for the rate of calls (429). Nobody calls for the time that the vendor asks for."""
        self._end(reservation, lambda state: rules.refuse(state, reservation.id, retry_after_s, limits))

    def fail(self, reservation: Reservation, retry_after_s: float | None = None) -> None:
        """Note a call that got no answer: a timeout, a lost connection, a 5xx. Three in a row start a pause."""
        self._end(reservation, lambda state: rules.fail(state, reservation.id, retry_after_s))

    def pause(self, reservation: Reservation, seconds: float, reason: str) -> None:
        """Let nobody call for a while, since this call's refusal holds for all: ``quota_exhausted``, for example.

        Then one call is the probe. If it ends here again, the pause is renewed, and twice as long, up to 30 minutes.
        """
        self._end(reservation, lambda state: rules.pause(state, reservation.id, seconds, reason))

    def give_up(self, reservation: Reservation) -> None:
        """Return a reservation whose call was not made."""
        self._end(reservation, lambda state: rules.give_up(state, reservation.id))

    def find_pause(self, model_key: str) -> PauseInfo | None:
        """Return the pause of a model's calls, if there is one."""
        return self._states.change(model_key, _pause_of)

    def _end(self, reservation: Reservation, end: Callable[[State], None]) -> None:
        def apply(state: State) -> tuple[Pause | None, Pause | None]:
            before = state.pause
            end(state)
            return before, state.pause

        before, after = self._states.change(reservation.model_key, apply)
        if after is not None and after is not before:
            log.warning("generation.calls.paused", reason=after.reason, seconds=after.length_s)
        elif before is not None and after is None:
            log.warning("generation.calls.resumed", reason=before.reason)


def _pause_of(state: State) -> PauseInfo | None:
    if state.pause is None:
        return None
    return PauseInfo(state.pause.reason, max(state.pause.until - state.at, 0.0))
