"""A slot is released exactly once, by any thread, even by the garbage collector."""

import gc
import threading

import pytest

from backend.core.errors import DomainError
from backend.core.web.slots import Slots
from backend.settings import Settings
from tests.patience import join

pytestmark = pytest.mark.usefixtures("settings")


class Full(DomainError):
    """All slots are taken. Creating it runs the garbage collector, as creating any object may."""

    code = "full"
    status = 503
    texts = {"en": "Full.", "de": "Voll.", "fr": "Complet.", "it": "Pieno."}

    def __init__(self) -> None:
        gc.collect()
        super().__init__()


def test_collecting_a_forgotten_slot_while_one_is_acquired_does_not_deadlock(settings: Settings) -> None:
    slots = Slots(Full)
    held = [slots.acquire() for _ in range(Slots.count())]
    # It points at itself, so only the garbage collector finds it.
    forgotten = held.pop()
    forgotten.__dict__["itself"] = forgotten
    gc.disable()
    try:
        del forgotten
        refused: list[Full] = []

        def ask() -> None:
            try:
                slots.acquire()
            except Full as error:
                refused.append(error)

        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        join(asking)
    finally:
        gc.enable()
    assert len(refused) == 1
    # The forgotten one is free by now.
    slots.acquire().release()
    assert len(held) == Slots.count() - 1
