"""The values of days and nights, as the rules and the pages' baselines read them."""

import datetime as dt

import msgspec
from sqlalchemy import Connection


class DayValue(msgspec.Struct, frozen=True):
    """A day's value in the metric's canonical unit; ``detail`` is its JSON account, undecoded."""

    date: dt.date
    value: float
    low: float | None
    high: float | None
    n: int
    detail: str


def values_between(c: Connection, person_id: int, first: dt.date, last: dt.date) -> dict[str, list[DayValue]]:
    """Every metric's days from ``first`` to ``last``, ascending; a day without a value has no row."""
    rows = c.exec_driver_sql(
        "SELECT metric, date, value, low, high, n, detail FROM day WHERE person_id=? AND date BETWEEN ? AND ? AND value IS NOT NULL "
        "ORDER BY date",
        (person_id, first.isoformat(), last.isoformat()),
    )
    found: dict[str, list[DayValue]] = {}
    for metric, date, value, low, high, n, detail in rows:
        found.setdefault(metric, []).append(DayValue(dt.date.fromisoformat(date), value, low, high, n, detail))
    return found


def nights_between(c: Connection, person_id: int, first: dt.date, last: dt.date) -> list[DayValue]:
    """Minutes asleep of each night, on its wake-up date, ascending; a night of unknown length has no row."""
    rows = c.exec_driver_sql(
        "SELECT date, asleep, json FROM night WHERE person_id=? AND date BETWEEN ? AND ? AND asleep IS NOT NULL ORDER BY date",
        (person_id, first.isoformat(), last.isoformat()),
    )
    return [DayValue(dt.date.fromisoformat(date), asleep, None, None, 1, text) for date, asleep, text in rows]


def newest(c: Connection, person_id: int, until: dt.date) -> dt.date | None:
    """The last date up to ``until`` for which the person has a day or a night."""
    found = c.exec_driver_sql(
        "SELECT max(date) FROM (SELECT max(date) AS date FROM day WHERE person_id=? AND date <= ? "
        "UNION ALL SELECT max(date) FROM night WHERE person_id=? AND date <= ?)",
        (person_id, until.isoformat(), person_id, until.isoformat()),
    ).scalar()
    return dt.date.fromisoformat(found) if found else None
