"""Hooks: how a room tells the rooms above it, which it does not know, that something happens."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class Hook(Generic[P, R]):
    """A point at which receivers are called. They run inside the sender's transaction.

    A receiver may raise to stop what is about to happen. Receivers are subscribed in the manifest only.
    """

    def __init__(self) -> None:
        self._receivers: list[Callable[P, R]] = []

    def send(self, *args: P.args, **kwargs: P.kwargs) -> list[R]:
        """Call every receiver, those of lower rooms first. Returns what each returned; raises what one raises."""
        return [receiver(*args, **kwargs) for receiver in self._receivers]

    def to(self, receiver: Callable[P, R]) -> "Subscription":
        """Return the entry of a manifest that subscribes ``receiver``."""
        return Subscription(self, receiver)

    def subscribe(self, receiver: Callable[P, R]) -> None:
        """Subscribe a receiver; a second time changes nothing."""
        if receiver not in self._receivers:
            self._receivers.append(receiver)


@dataclass(frozen=True, slots=True)
class Subscription:
    """A hook and the receiver that a room subscribes to it."""

    hook: Hook[Any, Any]
    receiver: Callable[..., Any]
