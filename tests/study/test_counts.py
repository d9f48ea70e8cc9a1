"""Numbers of items, added and compared kind by kind."""

from backend.study.types import AskedCounts, Counts


def test_counts_are_added_and_subtracted_kind_by_kind() -> None:
    assert Counts(3, 1) + Counts(1, 2) == Counts(4, 3)
    assert Counts(3, 1) - Counts(1, 2) == Counts(2, -1)
    assert (Counts(3, 1).total, bool(Counts()), bool(Counts(0, 1))) == (4, False, True)


def test_a_surplus_of_one_kind_does_not_offset_the_other() -> None:
    assert Counts(3, 1).beyond(Counts(1, 2)) == Counts(2, 0)
    assert AskedCounts(3, 1).beyond(Counts(1, 2)) == AskedCounts(2, 0)


def test_open_numbers_stay_open_until_settled() -> None:
    asked = AskedCounts(5, None)
    assert asked.beyond(Counts(2, 7)) == AskedCounts(3, None)
    assert asked.settled() is None
    assert asked.settle(Counts(1, 4)) == Counts(5, 4)
    assert AskedCounts(0, 3).settled() == Counts(0, 3)
