"""What workers share about the calls of one model, as it is kept in Redis."""

from dataclasses import dataclass, field

from pydantic import TypeAdapter, ValidationError

from backend.generation.calls.limiting.budget import Budget, Level

FIRST_WINDOW = 4.0
MAX_WINDOW = 1024.0
# A clock that was set back must not stop the refill until it has caught up.
_MAX_AHEAD_S = 10.0


@dataclass(slots=True)
class Held:
    """A call that may start, or has started."""

    at: float
    tokens: float
    requests_level: Level
    tokens_level: Level


@dataclass(slots=True)
class Pause:
    """A time in which nobody calls. Then one probe decides whether it ends."""

    reason: str
    until: float
    length_s: float
    probe: str | None = None


@dataclass(slots=True)
class State:
    """The calls of one model, at a moment by the clock of whoever keeps it.

    ``window`` is how many calls may be in flight while limits are unknown or disproved, and ``threshold`` where its
    growth slows down; ``is_crowded`` when somebody waited for a place in it. ``refused_at`` is the last refusal that
    told something new, and ``refusals`` are those in a row. ``turns`` are the moments at which waiters were told to
    come back. ``spent`` are the tokens of the last minute.
    """

    at: float
    requests: Budget = field(default_factory=Budget)
    tokens: Budget = field(default_factory=Budget)
    held: dict[str, Held] = field(default_factory=dict)
    window: float = FIRST_WINDOW
    is_crowded: bool = False
    threshold: float = MAX_WINDOW
    refused_at: float = 0.0
    blocked_until: float = 0.0
    refusals: int = 0
    failures: int = 0
    pause: Pause | None = None
    turns: list[float] = field(default_factory=list)
    spent: float = 0.0


_adapter = TypeAdapter(State)


def encode(state: State) -> bytes:
    return _adapter.dump_json(state)


def decode(text: bytes | None, now: float) -> State:
    """Return the state; a new one if there is none, it cannot be read, or the clock was set back."""
    if text is None:
        return State(now)
    try:
        state = _adapter.validate_json(text)
    except ValidationError:
        return State(now)
    return state if state.at <= now + _MAX_AHEAD_S else State(now)
