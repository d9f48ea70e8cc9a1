"""Hooks: a room notifies the rooms above it, which it cannot import."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class Hook(Generic[P, R]):
    """An event with its receivers, which run inside the sender's transaction.

    A receiver may raise to prevent the event. Receivers are subscribed only in the manifest.
    """

    def __init__(self) -> None:
        self._receivers: list[Callable[P, R]] = []

    def send(self, *args: P.args, **kwargs: P.kwargs) -> list[R]:
        """Call every receiver, those of lower rooms first, and return their results. Does not catch their errors."""
        return [receiver(*args, **kwargs) for receiver in self._receivers]

    def to(self, receiver: Callable[P, R]) -> "Subscription":
        """Return the manifest entry that subscribes ``receiver``."""
        return Subscription(self, receiver)

    def subscribe(self, receiver: Callable[P, R]) -> None:
        """Subscribe a receiver, unless it is subscribed already."""
        if receiver not in self._receivers:
            self._receivers.append(receiver)


@dataclass(frozen=True, slots=True)
class Subscription:
    hook: Hook[Any, Any]
    receiver: Callable[..., Any]
