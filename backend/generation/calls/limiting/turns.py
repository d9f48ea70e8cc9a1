"""When a waiter comes back: each at a moment of their own, when there is room for their call."""

from backend.generation.calls.limiting.state import State

_GAP_S = 0.05
# The room may grow meanwhile: an answer may tell of more, or a pause may end.
_MAX_WAIT_S = 10.0
# For an answer, of which nobody knows when it comes.
_LOOK_AGAIN_S = 0.3
# Workers that do not share the state must not come back at the same moment either.
_SPREAD_S = 0.2


def take_turn(state: State, charge: float, *, earliest: float, jitter: float) -> float:
    """Return the seconds to wait. ``jitter`` is random, from 0 to 1.

    A waiter who gets a turn is counted as the next call at that moment. One whose turn is too far away only looks again
    and is not counted.
    """
    state.turns = sorted(turn for turn in state.turns if turn > state.at)
    turn = max(earliest, _ready(state, charge, 1), state.at)
    if turn == state.at:
        turn += _LOOK_AGAIN_S
    for before, other in enumerate(state.turns):
        if turn + _GAP_S <= other and _ready(state, charge, before + 2) <= other:
            break
        turn = max(turn, other + _GAP_S, _ready(state, charge, before + 2))
    if turn - state.at > _MAX_WAIT_S:
        return _MAX_WAIT_S * (0.7 + 0.3 * jitter)
    state.turns.append(turn)
    return turn - state.at + _SPREAD_S * jitter


def _ready(state: State, charge: float, calls: int) -> float:
    return state.at + max(state.requests.seconds_until(1, calls), state.tokens.seconds_until(charge, calls))
