"""The rules by which calls start and wait: pure functions over the state, for Redis and for one process alike.

Each gets a state that ``advance`` has brought to the present, and changes it.
"""

import math
from dataclasses import asdict, replace

from backend.generation.calls.limiting import pauses
from backend.generation.calls.limiting.budget import Budget
from backend.generation.calls.limiting.state import MAX_WINDOW, Held, State
from backend.generation.calls.limiting.turns import take_turn
from backend.generation.language_models.interface import RateLimits

_SPENT_OVER_S = 60.0
_IN_FLIGHT_S = 30.0
_FIRST_BACKOFF_S = 1.0
_MAX_BACKOFF_S = 60.0
_MAX_RETRY_AFTER_S = 3600.0
_THRESHOLD_LIFE_S = 600.0
# A refusal with much more left than the call costs has another reason than this limit.
_MUCH_MORE = 1.5
_INSTANT_S = 1e-6


def advance(state: State, now: float, *, lease_s: float) -> None:
    """Refill up to now, and drop the calls of workers that are no longer heard of. Time never runs backwards."""
    passed_s = max(now - state.at, 0.0)
    state.at += passed_s
    state.requests.refill(passed_s)
    state.tokens.refill(passed_s)
    state.spent *= math.exp(-passed_s / _SPENT_OVER_S)
    state.held = {name: held for name, held in state.held.items() if state.at - held.at < lease_s}
    if state.at - state.refused_at > _THRESHOLD_LIFE_S:
        state.threshold = MAX_WINDOW


def reserve(state: State, name: str, tokens: float, *, jitter: float) -> float:
    """Take one request and ``tokens``, and return 0; or return the seconds to wait. ``jitter`` is from 0 to 1."""
    earliest = max(state.blocked_until, pauses.earliest_call(state))
    missing_s = max(state.requests.seconds_until(1), state.tokens.seconds_until(tokens))
    has_place = _has_place(state)
    if earliest > state.at or missing_s > _INSTANT_S or not has_place:
        state.is_crowded = state.is_crowded or not has_place
        return take_turn(state, tokens, earliest=earliest, jitter=jitter)
    state.held[name] = Held(state.at, tokens, state.requests.charge(1), state.tokens.charge(tokens))
    state.spent += tokens
    pauses.start_probe(state, name)
    return 0.0


def correct(state: State, name: str, tokens: float) -> float:
    """Charge other tokens than were reserved, before the call is made. Returns the seconds until there is room."""
    held = state.held.get(name)
    if held is None:
        return 0.0
    more = tokens - held.tokens
    state.tokens.charge(more)
    state.spent += more
    held.tokens = tokens
    held.tokens_level = replace(held.tokens_level, level=held.tokens_level.level - more)
    return state.tokens.seconds_until(0)


def settle(state: State, name: str, limits: RateLimits | None) -> None:
    """Learn from an answer."""
    held = state.held.pop(name, None)
    state.refusals = 0
    pauses.note_answer(state, name)
    _grow_window(state)
    state.tokens.raise_guess()
    limits = _stated(limits)
    is_new = state.requests.learn_limit(limits.limit_requests, limits.remaining_requests, limits.reset_requests_s)
    charged = None if held is None else held.requests_level
    state.requests.correct(limits.remaining_requests, charged, is_new=is_new)
    is_new = state.tokens.learn_limit(limits.limit_tokens, limits.remaining_tokens, limits.reset_tokens_s)
    charged = None if held is None else held.tokens_level
    state.tokens.correct(limits.remaining_tokens, charged, is_new=is_new)


def refuse(state: State, name: str, retry_after_s: float | None, limits: RateLimits | None) -> None:
    """Learn from a refusal (429), and let nobody call for the time that the vendor asks for.

    Calls that were in flight at an earlier refusal tell nothing more when they are refused too.
    """
    held = state.held.pop(name, None)
    is_first = held is not None and held.at > state.refused_at
    _give_back(state, held)
    pauses.note_answer(state, name)
    if held is not None and not _explain(state, held, retry_after_s, _stated(limits)) and is_first:
        state.window = state.threshold = max(min(state.window, len(state.held) + 1) / 2, 1.0)
        if not state.tokens.is_known:
            state.tokens.guess(state.spent, held.tokens)
    if is_first:
        state.refused_at = state.at
        state.refusals += 1
    if retry_after_s is None:
        retry_after_s = min(_FIRST_BACKOFF_S * 2 ** min(state.refusals - 1, 10), _MAX_BACKOFF_S)
    _block(state, retry_after_s)


def fail(state: State, name: str, retry_after_s: float | None) -> None:
    """Note a call that was made and got no answer. It stays charged, except in an outage, when nobody counts it."""
    held = state.held.pop(name, None)
    pauses.note_failure(state, name)
    if state.pause is not None:
        _give_back(state, held)
    if retry_after_s is not None:
        _block(state, retry_after_s)


def pause(state: State, name: str, seconds: float, reason: str) -> None:
    """Let nobody call for a while, because of how this call ended."""
    pauses.pause(state, name, seconds, reason)
    state.held.pop(name, None)


def give_up(state: State, name: str) -> None:
    """Take back a reservation whose call was not made."""
    _give_back(state, state.held.pop(name, None))


def _stated(limits: RateLimits | None) -> RateLimits:
    """Return the limits without the numbers below zero that some servers send for what they do not count."""
    if limits is None:
        return RateLimits()
    told = {name: value for name, value in asdict(limits).items() if value is not None and value >= 0}
    return RateLimits(**told)


def _has_place(state: State) -> bool:
    """Calls in flight are bounded while no limit is known, or one did not explain a refusal."""
    is_known = state.requests.is_known or state.tokens.is_known
    # Older ones are slow, or their worker has died. They must not keep others waiting until their lease ends.
    in_flight = sum(state.at - held.at < _IN_FLIGHT_S for held in state.held.values())
    return (is_known and state.threshold == MAX_WINDOW) or in_flight < int(state.window)


def _grow_window(state: State) -> None:
    """Double it within a round of answers, then let it grow by one. If nobody was waiting, it tells nothing."""
    if state.is_crowded:
        more = 1.0 if state.window < state.threshold else 1.0 / state.window
        state.window = min(state.window + more, MAX_WINDOW)
        state.is_crowded = bool(state.held)


def _give_back(state: State, held: Held | None) -> None:
    if held is not None:
        state.requests.charge(-1)
        state.tokens.charge(-held.tokens)
        state.spent -= held.tokens


def _explain(state: State, held: Held, retry_after_s: float | None, limits: RateLimits) -> bool:
    """Follow what a refusal says is left. Returns whether a limit explains it."""
    state.requests.learn_limit(limits.limit_requests, limits.remaining_requests, limits.reset_requests_s)
    state.tokens.learn_limit(limits.limit_tokens, limits.remaining_tokens, limits.reset_tokens_s)
    of_requests = _follow(state.requests, limits.remaining_requests, 1.0, retry_after_s)
    of_tokens = _follow(state.tokens, limits.remaining_tokens, held.tokens, retry_after_s)
    return of_requests or of_tokens


def _follow(budget: Budget, remaining: int | None, cost: float, retry_after_s: float | None) -> bool:
    if not budget.is_known:
        return False
    if remaining is not None:
        budget.lower_to(remaining)
        return remaining < cost * _MUCH_MORE
    budget.lower_to(cost - budget.rate * (retry_after_s or 0.0))
    return True


def _block(state: State, seconds: float) -> None:
    state.blocked_until = max(state.blocked_until, state.at + min(max(seconds, 0.0), _MAX_RETRY_AFTER_S))
