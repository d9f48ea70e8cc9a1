"""Times in which nobody calls, because the vendor's account is used up or its servers are unreachable."""

from backend.generation.calls.limiting.state import FIRST_WINDOW, Pause, State

OUTAGE = "outage"
_FIRST_OUTAGE_S = 5.0
_MAX_OUTAGE_S = 10.0
_MAX_PAUSE_S = 1800.0
# One call may hang by itself.
_FAILURES_OF_AN_OUTAGE = 3
# How often waiters look whether the probe has been answered.
_PROBE_LOOK_S = 1.0


def earliest_call(state: State) -> float:
    """Return the moment before which nobody may call. At the end of a pause, this is whoever comes first."""
    pause = state.pause
    if pause is None:
        return state.at
    if pause.probe in state.held:
        return state.at + _PROBE_LOOK_S
    return pause.until


def start_probe(state: State, name: str) -> None:
    """Make this call the probe, if a pause is at its end."""
    if state.pause is not None:
        state.pause.probe = name


def pause(state: State, name: str, seconds: float, reason: str) -> None:
    """Start a pause, or renew it. It grows whenever its probe finds that nothing has changed."""
    longest_s = _MAX_OUTAGE_S if reason == OUTAGE else _MAX_PAUSE_S
    length_s = min(seconds, longest_s)
    known = state.pause
    if known is not None and known.probe == name:
        length_s = min(max(2 * known.length_s, seconds), longest_s)
    elif known is not None and (known.reason == reason or known.until >= state.at + length_s):
        # A call that started before the pause says nothing new.
        return
    state.pause = Pause(reason, state.at + length_s, length_s)


def note_failure(state: State, name: str) -> None:
    """Count a call without an answer. Several in a row are an outage."""
    state.failures += 1
    probing = state.pause is not None and state.pause.probe == name
    if probing or state.failures >= _FAILURES_OF_AN_OUTAGE:
        pause(state, name, _FIRST_OUTAGE_S, OUTAGE)


def note_answer(state: State, name: str) -> None:
    """End the pause if this call was its probe; then start slowly, as if limits were unknown."""
    state.failures = 0
    if state.pause is not None and state.pause.probe == name:
        state.pause = None
        state.window = FIRST_WINDOW
