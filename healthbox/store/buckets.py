"""Buckets, stated totals and stated nights: what a client's own system aggregated.

One row per (person, metric, uploading app, width, start). A row is written only where (as_of, value) is greater than
what stands, so a resent older body never overwrites a newer one, in whatever order the two are worked off.
"""

import json
from typing import Any, NamedTuple

from sqlalchemy import Connection

from healthbox.store.engine import driver


class BucketRow(NamedTuple):
    metric: str
    app: str
    width: str  # minute | hour | day | week | month | year | stated
    start: int  # ms; for "day" and wider and "stated": the ordinal of the local date
    date: str | None
    value: float | None
    low: float | None
    high: float | None
    source: str
    as_of: int


def put(c: Connection, person_id: int, batch_id: int, row: BucketRow) -> str:
    """Store a bucket: "new", "updated", "restated" (equal, but said later) or "duplicate" (equal, or older than what stands)."""
    beneath = driver(c)
    standing = beneath.execute(
        "SELECT value, low, high, as_of, source FROM bucket WHERE person_id=? AND metric=? AND app=? AND width=? AND start=?",
        (person_id, row.metric, row.app, row.width, row.start),
    ).fetchone()
    if standing is not None:
        content = (row.value, row.low, row.high)
        if tuple(standing[:3]) == content or _order(row.as_of, content) <= _order(standing[3], tuple(standing[:3])):
            if row.as_of > standing[3] and tuple(standing[:3]) == content:  # the same statement, made again later
                beneath.execute(
                    "UPDATE bucket SET as_of=?, source=? WHERE person_id=? AND metric=? AND app=? AND width=? AND start=?",
                    (row.as_of, row.source, person_id, row.metric, row.app, row.width, row.start),
                )
                return "restated"
            return "duplicate"
    beneath.execute(
        "INSERT OR REPLACE INTO bucket (person_id, metric, app, width, start, date, value, low, high, source, as_of, batch_id) "
        "VALUES (?,?,?,?,?,?,?,?,?,?,?,?)",
        (person_id, *row, batch_id),
    )
    return "new" if standing is None else "updated"


def put_night(c: Connection, person_id: int, batch_id: int, app: str, date: str, data: dict[str, Any], source: str, as_of: int) -> str:
    """Store a stated night under the same rule; ``data`` holds its numbers (minutes, ms)."""
    text = json.dumps(data, sort_keys=True)
    standing = c.exec_driver_sql(
        "SELECT json, as_of FROM stated_night WHERE person_id=? AND app=? AND date=?", (person_id, app, date)
    ).fetchone()
    if standing is not None and standing[0] == text:
        c.exec_driver_sql(
            "UPDATE stated_night SET as_of=max(as_of, ?) WHERE person_id=? AND app=? AND date=?", (as_of, person_id, app, date)
        )
        return "restated" if as_of > standing[1] else "duplicate"
    if standing is not None and (as_of, text) <= (standing[1], standing[0]):
        return "duplicate"
    c.exec_driver_sql(
        "INSERT OR REPLACE INTO stated_night (person_id, app, date, json, source, as_of, batch_id) VALUES (?,?,?,?,?,?,?)",
        (person_id, app, date, text, source, as_of, batch_id),
    )
    return "new" if standing is None else "updated"


def _order(as_of: int, content: tuple[float | None, ...]) -> tuple[Any, ...]:
    return (as_of, *((value is not None, value or 0.0) for value in content))


def between(c: Connection, person_id: int, metric: str, low: int, high: int) -> list[BucketRow]:
    """Minute and hour buckets whose start lies in [low, high) ms."""
    rows = c.exec_driver_sql(
        "SELECT metric, app, width, start, date, value, low, high, source, as_of FROM bucket WHERE person_id=? AND metric=? "
        "AND app IN (SELECT DISTINCT app FROM bucket WHERE person_id=? AND metric=?) AND width IN ('minute','hour') "
        "AND start>=? AND start<?",
        (person_id, metric, person_id, metric, low, high),
    ).fetchall()
    return [BucketRow(*row) for row in rows]


def dated(c: Connection, person_id: int, metric: str, low: int, high: int) -> list[BucketRow]:
    """Day buckets and stated totals of the local dates with ordinals in [low, high]."""
    rows = c.exec_driver_sql(
        "SELECT metric, app, width, start, date, value, low, high, source, as_of FROM bucket WHERE person_id=? AND metric=? "
        "AND app IN (SELECT DISTINCT app FROM bucket WHERE person_id=? AND metric=?) AND width IN ('day','stated') "
        "AND start BETWEEN ? AND ?",
        (person_id, metric, person_id, metric, low, high),
    ).fetchall()
    return [BucketRow(*row) for row in rows]


def stated_nights(c: Connection, person_id: int, low: str, high: str) -> list[tuple[str, str, dict[str, Any], str, int]]:
    """(app, date, numbers, source, as_of) of the stated nights with dates in [low, high]."""
    rows = c.exec_driver_sql(
        "SELECT app, date, json, source, as_of FROM stated_night WHERE person_id=? AND date BETWEEN ? AND ? ORDER BY date, as_of, app",
        (person_id, low, high),
    ).fetchall()
    return [(row[0], row[1], json.loads(row[2]), row[3], row[4]) for row in rows]
