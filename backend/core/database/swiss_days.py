"""Days in Swiss time: the days of our accounts."""

from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa

from backend.core.ids import first_id_at

SWISS_TIME = ZoneInfo("Europe/Zurich")
# An id is made shortly before its row is written, and perhaps on a machine whose clock is wrong.
_CLOCKS_DIFFER = timedelta(hours=1)


def day_of(moment: Any) -> sa.ColumnElement[date]:
    """Return the day of a time as an SQL expression."""
    return sa.cast(sa.func.timezone(SWISS_TIME.key, moment), sa.Date)


def is_between(moment: Any, first: date, last: date) -> sa.ColumnElement[bool]:
    """Return the SQL condition for times on these days, both ends included."""
    return sa.and_(moment >= _start_of(first), moment < _start_of(last + timedelta(days=1)))


def may_be_between(row_id: Any, first: date, last: date) -> sa.ColumnElement[bool]:
    """Return a wider SQL condition for ids of rows created on these days.

    Ids sort by time, so the primary key then replaces an index on the creation time.
    """
    start, end = _start_of(first) - _CLOCKS_DIFFER, _start_of(last + timedelta(days=1)) + _CLOCKS_DIFFER
    return sa.and_(row_id >= first_id_at(start), row_id < first_id_at(end))


def _start_of(day: date) -> datetime:
    return datetime.combine(day, time.min, SWISS_TIME)
