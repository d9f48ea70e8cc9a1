"""Seats: given back once, by whoever lets them go, wherever that is."""

import gc
import threading

import pytest

from backend.core.errors import DomainError
from backend.core.web.seats import Seats
from backend.settings import Settings
from tests.patience import join

pytestmark = pytest.mark.usefixtures("settings")


class Full(DomainError):
    """All are taken. Being made, it has the collector run, as making any object may."""

    code = "full"
    status = 503
    texts = {"en": "Full.", "de": "Voll.", "fr": "Complet.", "it": "Pieno."}

    def __init__(self) -> None:
        gc.collect()
        super().__init__()


def test_a_seat_that_is_forgotten_while_one_is_taken_stops_nobody(settings: Settings) -> None:
    seats = Seats(Full)
    held = [seats.take() for _ in range(Seats.count())]
    # Only the collector finds it: it points at itself.
    forgotten = held.pop()
    forgotten.__dict__["itself"] = forgotten
    gc.disable()
    try:
        del forgotten
        refused: list[Full] = []

        def ask() -> None:
            try:
                seats.take()
            except Full as error:
                refused.append(error)

        asking = threading.Thread(target=ask, daemon=True)
        asking.start()
        join(asking)
    finally:
        gc.enable()
    assert len(refused) == 1
    # The one that was forgotten is free by now.
    seats.take().leave()
    assert len(held) == Seats.count() - 1
