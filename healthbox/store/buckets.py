"""Buckets, stated totals and stated nights: what a client's own system aggregated.

One row per (person, metric, uploading app, width, start). A row is written only where (as_of, value) is greater than
what stands, so a resent older body never overwrites a newer one, in whatever order the two are worked off. A uuid is what
the latest statement that has one was called: a deletion of it takes the row away, and keeps what is so called from coming later.
"""

import json
from typing import Any, NamedTuple

from sqlalchemy import Connection

from healthbox.store.engine import driver
from healthbox.store.tombstones import buried

LASTS = {"minute": 60_000, "hour": 3_600_000}  # ms
# From one app's first bucket of a metric to the next one's: as many look-ups as apps, however many minutes they have sent.
APPS = """WITH RECURSIVE known (app) AS (
  SELECT min(app) FROM bucket WHERE person_id=:person AND metric=:metric
  UNION ALL
  SELECT (SELECT min(app) FROM bucket WHERE person_id=:person AND metric=:metric AND app > known.app) FROM known WHERE known.app IS NOT NULL
) """
OF_APPS = "FROM bucket WHERE person_id=:person AND metric=:metric AND app IN (SELECT app FROM known)"
_COLUMNS = "metric, app, width, start, date, value, low, high, source, as_of"
_BETWEEN = f"{APPS}SELECT {_COLUMNS} {OF_APPS} AND width IN ('minute','hour') AND start>:low AND start<:high"
_DATED = f"{APPS}SELECT {_COLUMNS} {OF_APPS} AND width IN ('day','stated') AND start BETWEEN :low AND :high"


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
    uuid: bytes | None = None


def put(c: Connection, person_id: int, batch_id: int, row: BucketRow) -> str:
    """Store a bucket: "new", "updated", "restated" (equal, but said later), "duplicate" (equal, or older than what stands) or
    "deleted" (its uuid was)."""
    if row.uuid is not None and buried(c, person_id, row.metric, [row.uuid]):
        return "deleted"
    beneath = driver(c)
    standing = beneath.execute(
        "SELECT value, low, high, as_of, uuid FROM bucket WHERE person_id=? AND metric=? AND app=? AND width=? AND start=?",
        (person_id, row.metric, row.app, row.width, row.start),
    ).fetchone()
    if standing is not None:
        content, was = (row.value, row.low, row.high), tuple(standing[:3])
        later = _order(row.as_of, content) > _order(standing[3], was)
        row = row._replace(uuid=(row.uuid or standing[4]) if later else (standing[4] or row.uuid))
        if was == content or not later:  # the same statement, perhaps made again later, or an older one
            if later or row.uuid != standing[4]:
                beneath.execute(
                    "UPDATE bucket SET as_of=max(as_of, ?), source=iif(?, ?, source), uuid=? "
                    "WHERE person_id=? AND metric=? AND app=? AND width=? AND start=?",
                    (row.as_of, later, row.source, row.uuid, person_id, row.metric, row.app, row.width, row.start),
                )
            return "restated" if later else "duplicate"
    beneath.execute(
        "INSERT OR REPLACE INTO bucket (person_id, metric, app, width, start, date, value, low, high, source, as_of, uuid, batch_id) "
        "VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
        (person_id, *row, batch_id),
    )
    return "new" if standing is None else "updated"


def remove(c: Connection, person_id: int, metric: str, uuid: bytes) -> list[tuple[str, str, int, str | None]]:
    """Take away what a deletion (of one metric, or "" of any) names; returns its (metric, width, start, date)."""
    rows = c.exec_driver_sql(
        "DELETE FROM bucket WHERE person_id=? AND uuid=? AND (?='' OR metric=?) RETURNING metric, width, start, date",
        (person_id, uuid, metric, metric),
    ).fetchall()
    return [tuple(row) for row in rows]


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
        "INSERT OR REPLACE INTO stated_night (person_id, app, date, json, source, as_of, batch_id, asleep) VALUES (?,?,?,?,?,?,?,?)",
        (person_id, app, date, text, source, as_of, batch_id, _asleep(data)),
    )
    return "new" if standing is None else "updated"


def _asleep(night: dict[str, Any]) -> float | None:
    """Minutes, as stated or as the stated stages add up."""
    stages = [night[name] for name in ("core", "deep", "rem") if night.get(name) is not None]
    return night["asleep"] if night.get("asleep") is not None else sum(stages) if stages else None


def _order(as_of: int, content: tuple[float | None, ...]) -> tuple[Any, ...]:
    return (as_of, *((value is not None, value or 0.0) for value in content))


def between(c: Connection, person_id: int, metric: str, low: int, high: int) -> list[BucketRow]:
    """Minute and hour buckets that touch [low, high) ms."""
    given = {"person": person_id, "metric": metric, "low": low - LASTS["hour"], "high": high}
    rows = c.exec_driver_sql(_BETWEEN, given).fetchall()
    return [row for row in (BucketRow(*row) for row in rows) if row.start + LASTS[row.width] > low]


def dated(c: Connection, person_id: int, metric: str, low: int, high: int) -> list[BucketRow]:
    """Day buckets and stated totals of the local dates with ordinals in [low, high]."""
    rows = c.exec_driver_sql(_DATED, {"person": person_id, "metric": metric, "low": low, "high": high}).fetchall()
    return [BucketRow(*row) for row in rows]


def stated_nights(c: Connection, person_id: int, low: str, high: str) -> list[tuple[str, str, dict[str, Any], str, int]]:
    """(app, date, numbers, source, as_of) of the stated nights with dates in [low, high]."""
    rows = c.exec_driver_sql(
        "SELECT app, date, json, source, as_of FROM stated_night WHERE person_id=? AND date BETWEEN ? AND ? ORDER BY date, as_of, app",
        (person_id, low, high),
    ).fetchall()
    return [(row[0], row[1], json.loads(row[2]), row[3], row[4]) for row in rows]
