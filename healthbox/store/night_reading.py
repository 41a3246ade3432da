"""Reading for the pages about nights and workouts. Only ever one person's, and bounded however long a history is."""

import datetime as dt
import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection

from healthbox.store.buckets import APPS, OF_APPS
from healthbox.store.series import of_metric
from healthbox.store.sources import list_sources

MOST_READINGS = 2_000
PULSE = "heart_rate"
_MINUTES = (
    f"{APPS}SELECT start, value, low, source {OF_APPS} AND width='minute' AND start>=:low AND start<:high AND value IS NOT NULL "
    "ORDER BY start, app LIMIT :most"
)


class Slept(NamedTuple):
    """What long views need of a night: instants in ms, durations in minutes, None for what nobody measured."""

    date: dt.date
    asleep: float | None
    start: int | None
    end: int | None
    zone: str
    name: str
    core: float | None
    deep: float | None
    rem: float | None
    awake: float | None
    naps: Sequence[Sequence[float]]  # start, end, minutes asleep
    estimated: bool


class Pulse(NamedTuple):
    """Heart rate of one source: (instant ms, mean, least) a reading, or a slot of them where readings are too many."""

    source: str
    readings: list[tuple[int, float, float]]


def slept(c: Connection, person_id: int, first: dt.date, last: dt.date) -> list[Slept]:
    """The nights with wake-up dates in [first, last], oldest first, without their spans."""
    rows = c.exec_driver_sql(
        "SELECT date, asleep, start, \"end\", json_extract(json, '$.zone', '$.name', '$.core', '$.deep', '$.rem', '$.awake', '$.naps', "
        "'$.estimated') FROM night WHERE person_id=? AND date BETWEEN ? AND ? ORDER BY date",
        (person_id, first.isoformat(), last.isoformat()),
    ).fetchall()
    found = []
    for date, asleep, start, end, text in rows:
        zone, name, core, deep, rem, awake, naps, estimated = json.loads(text)
        day = dt.date.fromisoformat(date)
        found.append(Slept(day, asleep, start, end, zone or "", name, core, deep, rem, awake, naps, bool(estimated)))
    return found


def edges(c: Connection, person_id: int, first: dt.date, last: dt.date) -> list[Slept]:
    """As ``slept``, of years at a time: only when and how long; the zone and all else are left empty."""
    rows = c.exec_driver_sql(
        'SELECT date, asleep, start, "end" FROM night WHERE person_id=? AND date BETWEEN ? AND ? AND asleep IS NOT NULL ORDER BY date',
        (person_id, first.isoformat(), last.isoformat()),
    ).fetchall()
    date = dt.date.fromisoformat
    return [Slept(date(day), asleep, start, end, "", "", None, None, None, None, (), False) for day, asleep, start, end in rows]


def whole(c: Connection, person_id: int, first: dt.date, last: dt.date) -> dict[dt.date, dict[str, Any]]:
    """Whole night rows by wake-up date, as the fold wrote them: with spans, naps and the sources not chosen."""
    rows = c.exec_driver_sql(
        "SELECT date, json FROM night WHERE person_id=? AND date BETWEEN ? AND ?", (person_id, first.isoformat(), last.isoformat())
    ).fetchall()
    return {dt.date.fromisoformat(date): json.loads(text) for date, text in rows}


def extent(c: Connection, person_id: int) -> tuple[dt.date, dt.date] | None:
    """The first and the last wake-up date there is a night for."""
    found = [  # a step into the index from each end, not a walk over every night
        c.exec_driver_sql(f"SELECT date FROM night WHERE person_id=? AND asleep IS NOT NULL ORDER BY date {way} LIMIT 1", (person_id,))
        for way in ("ASC", "DESC")
    ]
    first, last = (rows.scalar() for rows in found)
    return None if first is None or last is None else (dt.date.fromisoformat(first), dt.date.fromisoformat(last))


def pulse(c: Connection, person_id: int, low: int, high: int, prefer: str = "") -> Pulse | None:
    """The pulse in [low, high) ms of one source: ``prefer`` where it measured, else the one with most readings; where no
    reading is stored, minute buckets. At most ``MOST_READINGS``: more are drawn together in equal slots."""
    names = {s.id: s.name for s in list_sources(c, person_id)}
    counted = [
        (names.get(one.source_id, "") == prefer, count, names.get(one.source_id, ""), one.id)
        for one in of_metric(c, person_id, PULSE)
        if (count := _count(c, one.id, low, high))
    ]
    if counted:
        _, count, name, series_id = max(counted)
        step = 1 if count <= MOST_READINGS else -(-(high - low) // 1000 // MOST_READINGS)
        rows = c.exec_driver_sql(
            "SELECT ?+(start-?)/?*?, avg(value), min(value) FROM sample WHERE series_id=? AND start>=? AND start<? "
            "GROUP BY 1 ORDER BY 1 LIMIT ?",
            (low // 1000, low // 1000, step, step, series_id, low // 1000, high // 1000, MOST_READINGS + 1),
        ).fetchall()
        return Pulse(name, [(row[0] * 1000, row[1], row[2]) for row in rows])
    given = {"person": person_id, "metric": PULSE, "low": low, "high": high, "most": MOST_READINGS}
    rows = c.exec_driver_sql(_MINUTES, given).fetchall()
    return Pulse(rows[0][3], [(row[0], row[1], row[1] if row[2] is None else row[2]) for row in rows]) if rows else None


def _count(c: Connection, series_id: int, low: int, high: int) -> int:
    return int(
        c.exec_driver_sql(
            "SELECT count(*) FROM sample WHERE series_id=? AND start>=? AND start<?", (series_id, low // 1000, high // 1000)
        ).scalar_one()
    )


def last_before(c: Connection, person_id: int, at: int) -> int | None:
    """When the last workout began that began before ``at`` (ms)."""
    found: int | None = c.exec_driver_sql(
        "SELECT max(start) FROM workout WHERE person_id=? AND start<? AND superseded=0", (person_id, at)
    ).scalar_one()
    return found
