"""What was stated of whole days and nights, beside the rows that were made of them: one read for any stretch of dates."""

import datetime as dt
from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Connection

from healthbox.store.engine import driver

# From one (metric, app) to the next: as many look-ups as there are pairs, however many minutes a client has sent.
_PAIRS = """WITH RECURSIVE known (metric) AS (
  SELECT min(metric) FROM bucket WHERE person_id=:person
  UNION ALL
  SELECT (SELECT min(metric) FROM bucket WHERE person_id=:person AND metric > known.metric) FROM known WHERE known.metric IS NOT NULL
), pair (metric, app) AS (
  SELECT metric, (SELECT min(app) FROM bucket WHERE person_id=:person AND metric=known.metric) FROM known WHERE {wanted}
  UNION ALL
  SELECT metric, (SELECT min(app) FROM bucket WHERE person_id=:person AND metric=pair.metric AND app > pair.app) FROM pair
  WHERE pair.app IS NOT NULL
) """
_STATED = (
    _PAIRS + "SELECT {columns} FROM pair CROSS JOIN bucket AS b CROSS JOIN day "
    "WHERE b.person_id=:person AND b.metric=pair.metric AND b.app=pair.app "
    "AND b.width IN ('day', 'stated') AND b.start BETWEEN :first AND :last "
    "AND day.person_id=:person AND day.metric=b.metric AND day.date=b.date"
)
_EARLIEST = (
    _PAIRS + "SELECT min((SELECT min(start) FROM bucket AS b WHERE b.person_id=:person AND b.metric=pair.metric AND b.app=pair.app "
    'AND b.width=wide.value)) FROM pair, json_each(\'["day","stated"]\') AS wide WHERE pair.app IS NOT NULL'
)
_WANTED = ("metric IS NOT NULL", "metric=:metric")
_COLUMNS = "day.metric, day.date, b.app, b.width, b.source, day.layer, day.detail"
_EVERY, _ONE = (_STATED.format(wanted=wanted, columns=_COLUMNS) + " ORDER BY day.metric, day.date" for wanted in _WANTED)
_FIRST, _FIRST_OF_ONE = (_EARLIEST.format(wanted=wanted) for wanted in _WANTED)
_NIGHTS = """WITH RECURSIVE known (app) AS (
  SELECT min(app) FROM stated_night WHERE person_id=:person
  UNION ALL
  SELECT (SELECT min(app) FROM stated_night WHERE person_id=:person AND app > known.app) FROM known WHERE known.app IS NOT NULL
) SELECT s.date, s.app, s.asleep, s.source, s.as_of, n.asleep, n."end", json_extract(n.json, '$.name', '$.naps', '$.alternates')
FROM known CROSS JOIN stated_night AS s CROSS JOIN night AS n
WHERE s.person_id=:person AND s.app=known.app AND s.date BETWEEN :first AND :last AND n.person_id=:person AND n.date=s.date
AND s.asleep IS NOT NULL AND n.asleep IS NOT NULL AND n.stated=0
ORDER BY s.date, s.as_of DESC, s.app"""
# Of years: read from indexes alone, never the accounts of days, the courses of nights or what was stated besides.
_KEYS = "SELECT DISTINCT metric FROM day INDEXED BY day_drift WHERE person_id=? AND drift IS NOT NULL ORDER BY metric"
_OF_DAYS = "FROM day INDEXED BY day_drift WHERE person_id=? AND metric=? AND date BETWEEN ? AND ? AND drift IS NOT NULL"
_ASLEEP = (
    "SELECT s.date, n.asleep, s.asleep FROM stated_night AS s INDEXED BY stated_night_asleep CROSS JOIN night AS n INDEXED BY night_edges "
    "ON n.person_id=s.person_id AND n.date=+s.date WHERE s.person_id=? AND s.date BETWEEN ? AND ? AND s.asleep IS NOT NULL "
    "AND n.asleep IS NOT NULL AND n.stated=0 ORDER BY s.date, s.as_of, s.app DESC"
)
SLEEP = "sleep_analysis"


class StatedDay(NamedTuple):
    """A day bucket or stated total, with the layer that makes the day of that date and the JSON account of all of them."""

    metric: str
    date: str
    app: str
    width: str
    source: str  # the joined names as the client wrote them
    layer: str
    detail: str


class StatedNight(NamedTuple):
    """A stated night beside the night: ``stated`` and ``asleep`` in minutes, instants in ms; ``night`` is its name, its naps and the
    sources not chosen, as a JSON list."""

    date: str
    app: str
    stated: float
    source: str
    as_of: int
    asleep: float
    end: int | None
    night: str


def stated_days(c: Connection, person_id: int, first: dt.date, last: dt.date, metric: str | None = None) -> list[StatedDay]:
    """Every statement about dates in [first, last], one metric's or all, by metric and date; those of one date stand together."""
    given = {"person": person_id, "first": first.toordinal(), "last": last.toordinal(), "metric": metric}
    return [StatedDay(*row) for row in c.exec_driver_sql(_EVERY if metric is None else _ONE, given).fetchall()]


def drifts(c: Connection, person_id: int, first: dt.date, last: dt.date) -> Iterator[tuple[str, list[tuple[str, float]]]]:
    """(metric, [(date, drift)]) of the days in [first, last] that have one, by metric and date; the drift as in ``DayRow``."""
    for (metric,) in c.exec_driver_sql(_KEYS, (person_id,)).fetchall():
        given = (person_id, metric, first.isoformat(), last.isoformat())
        if found := driver(c).execute(f"SELECT date, drift {_OF_DAYS} ORDER BY date", given).fetchall():
            yield metric, found


def coverages(c: Connection, person_id: int, metric: str, first: dt.date, last: dt.date) -> list[float]:
    """How much of each of those days our readings cover."""
    rows = driver(c).execute(f"SELECT covered {_OF_DAYS}", (person_id, metric, first.isoformat(), last.isoformat()))
    return [row[0] for row in rows]


def asleep(c: Connection, person_id: int, first: dt.date, last: dt.date) -> dict[str, tuple[float, float]]:
    """Wake-up date → minutes asleep by the stages and as stated last, of the nights in [first, last] that have both, ascending."""
    rows = driver(c).execute(_ASLEEP, (person_id, first.isoformat(), last.isoformat()))
    return {date: (ours, stated) for date, ours, stated in rows}


def stated_nights(c: Connection, person_id: int, first: dt.date, last: dt.date) -> list[StatedNight]:
    """Stated nights with wake-up dates in [first, last] for which there is a night made of stages, oldest first, the newest statement
    of one first."""
    given = {"person": person_id, "first": first.isoformat(), "last": last.isoformat()}
    rows = c.exec_driver_sql(_NIGHTS, given).fetchall()
    return [StatedNight(*row) for row in rows]


def first_stated(c: Connection, person_id: int, metric: str | None = None) -> dt.date | None:
    """The earliest date of which anything was stated (of one metric); None where nothing ever was."""
    given = {"person": person_id, "metric": metric}
    first = None
    if metric != SLEEP:
        first = c.exec_driver_sql(_FIRST if metric is None else _FIRST_OF_ONE, given).scalar()
    found = [] if first is None else [dt.date.fromordinal(first)]
    if metric in (None, SLEEP):
        night = c.exec_driver_sql("SELECT min(date) FROM stated_night WHERE person_id=?", (person_id,)).scalar()
        found += [dt.date.fromisoformat(night)] if night else []
    return min(found, default=None)
