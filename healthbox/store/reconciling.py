"""Reconciling: samples that a whole export lacks, counted first, then set aside: kept in a table of their own, in no sum.

state   reading → counting → asking (a person) → moving → moved → returning → returned; else dropped (by the person, or because the
        export proved not to be whole) or lost (what it held was swept away meanwhile)
The cursor (series, start) stands in the row and moves with what was done up to there, in one transaction.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection

from healthbox.store import held
from healthbox.store.engine import driver
from healthbox.store.samples import same
from healthbox.store.series import zone_names
from healthbox.store.standing import LONG_S
from healthbox.store.tombstones import buried

WINDOW = 10_000
NEEDS_HELD = ("reading", "counting", "asking", "moving")
_COLUMNS = 'series_id, start, "end", tag, value, uuid, ms, meta_id, zone_id, as_of, batch_id'


class Reconcile(NamedTuple):
    batch_id: int
    person_id: int
    held: str
    state: str
    series_id: int
    start: int


class Lacking(NamedTuple):
    metric: str
    source: str
    samples: int


class Moved(NamedTuple):
    """A sample that went or came: start and end in whole seconds."""

    metric: str
    start: int
    end: int
    zone: str | None


_ROW = "SELECT batch_id, person_id, held, state, series_id, start FROM reconcile JOIN batch ON batch.id=batch_id "


def request(c: Connection, batch_id: int, name: str) -> None:
    """The batch is to be reconciled once it is read; ``name`` is the spool file for what it holds. A question of the same person
    that nobody has answered is dropped."""
    c.exec_driver_sql(
        "UPDATE reconcile SET state='dropped' WHERE state='asking' AND batch_id IN (SELECT id FROM batch WHERE person_id=(SELECT person_id "
        "FROM batch WHERE id=?))",
        (batch_id,),
    )
    c.exec_driver_sql("INSERT INTO reconcile (batch_id, held, state) VALUES (?,?,'reading')", (batch_id, name))


def get(c: Connection, batch_id: int) -> Reconcile | None:
    row = c.exec_driver_sql(f"{_ROW} WHERE batch_id=?", (batch_id,)).fetchone()
    return None if row is None else Reconcile(*row)


def working(c: Connection, person_id: int | None = None) -> list[Reconcile]:
    """What has something to do at once (of one person, or of all)."""
    rows = c.exec_driver_sql(
        f"{_ROW} WHERE state IN ('counting','moving','returning') AND (? IS NULL OR person_id=?) ORDER BY batch_id", (person_id, person_id)
    )
    return [Reconcile(*row) for row in rows]


def put_state(c: Connection, batch_id: int, state: str, *, was: tuple[str, ...]) -> bool:
    """From one of the states ``was`` to another, the cursor at the beginning; False when it is in none of them."""
    marks = ",".join("?" * len(was))
    changed = c.exec_driver_sql(
        f"UPDATE reconcile SET state=?, series_id=0, start=0 WHERE batch_id=? AND state IN ({marks})", (state, batch_id, *was)
    ).rowcount
    if changed and state == "counting":
        c.exec_driver_sql("DELETE FROM reconcile_count WHERE batch_id=?", (batch_id,))
    return changed > 0


def series_of(c: Connection, person_id: int, metric: str, source_id: int) -> int | None:
    found: int | None = c.exec_driver_sql(
        "SELECT id FROM series WHERE person_id=? AND metric=? AND source_id=?", (person_id, metric, source_id)
    ).scalar()
    return found


def lacking(c: Connection, batch_id: int) -> list[Lacking]:
    """What was counted: how many samples of each metric and source the export lacks."""
    rows = c.exec_driver_sql(
        "SELECT metric, source.name, samples FROM reconcile_count JOIN series ON series.id=series_id JOIN source ON source.id=source_id "
        "WHERE batch_id=? ORDER BY metric, source.name",
        (batch_id,),
    )
    return [Lacking(*row) for row in rows]


def step(c: Connection, one: Reconcile, file: Path) -> list[Moved]:
    """The next window of an export that is counted or moved; after the last it is ``asking`` or ``moved``."""
    span = held.following(file, one.series_id)
    if span is None:
        put_state(c, one.batch_id, "asking" if one.state == "counting" else "moved", was=(one.state,))
        return []
    series_id, first, last = span
    low = max(first, one.start) if series_id == one.series_id else first
    edge = c.exec_driver_sql(
        "SELECT start FROM sample WHERE series_id=? AND start BETWEEN ? AND ? ORDER BY start LIMIT 1 OFFSET ?",
        (series_id, low, last, WINDOW),
    ).scalar()
    high = last + 1 if edge is None else max(edge, low + 1)
    rows = driver(c).execute(f"SELECT {_COLUMNS} FROM sample WHERE series_id=? AND start>=? AND start<?", (series_id, low, high)).fetchall()
    lacked = _lacked(c, one, rows, held.window(file, series_id, low, high))
    cursor = (series_id + 1, 0) if edge is None else (series_id, high)
    c.exec_driver_sql("UPDATE reconcile SET series_id=?, start=? WHERE batch_id=?", (*cursor, one.batch_id))
    if lacked and one.state == "counting":
        c.exec_driver_sql(
            "INSERT INTO reconcile_count (batch_id, series_id, samples) VALUES (?,?,?) "
            "ON CONFLICT DO UPDATE SET samples=samples+excluded.samples",
            (one.batch_id, series_id, len(lacked)),
        )
        return []
    return _set_aside(c, one.batch_id, lacked)


def _lacked(c: Connection, one: Reconcile, rows: list[Any], known: dict[tuple[int, int], list[float]]) -> list[Any]:
    """The rows that the file did not hold, though they had been stated before it was made."""
    made = c.exec_driver_sql("SELECT as_of FROM whole_export WHERE batch_id=?", (one.batch_id,)).scalar_one()
    told: dict[int, int] = {}
    found = []
    for row in rows:
        value, as_of, origin = row[4], row[9], row[10]
        if as_of is None:
            if origin not in told:
                told[origin] = _told(c, origin)
            as_of = told[origin]
        if as_of < made and not any(math.isinf(other) or same(other, value) for other in known.get((row[1], row[2]), ())):
            found.append(row)
    return found


def _told(c: Connection, batch_id: int) -> int:
    """How recent the samples of an upload are that do not say it themselves."""
    return int(
        c.exec_driver_sql(
            "SELECT coalesce(x.as_of, batch.as_of, batch.created_at) FROM batch LEFT JOIN whole_export AS x ON x.batch_id=batch.id "
            "WHERE batch.id=?",
            (batch_id,),
        ).scalar_one()
    )


def _set_aside(c: Connection, batch_id: int, rows: list[Any]) -> list[Moved]:
    if not rows:
        return []
    marks = ",".join("?" * len(rows[0]))
    driver(c).executemany(
        f"INSERT OR REPLACE INTO set_aside (batch_id, {_COLUMNS.replace('batch_id', 'origin')}) VALUES ({batch_id},{marks})", rows
    )
    for table in ("sample", "long_sample"):
        driver(c).executemany(f'DELETE FROM {table} WHERE series_id=? AND start=? AND "end"=? AND tag=?', [row[:4] for row in rows])
    return _moved(c, rows)


def give_back(c: Connection, batch_id: int, limit: int = WINDOW) -> tuple[list[Moved], bool]:
    """Samples that were set aside count again, but for those that were deleted meanwhile; True when these were the last."""
    columns = _COLUMNS.replace("batch_id", "origin")
    rows = c.exec_driver_sql(f"SELECT {columns} FROM set_aside WHERE batch_id=? LIMIT ?", (batch_id, limit)).fetchall()
    kept = [row for row in rows if row[5] is None or not _deleted(c, row[0], row[5])]
    if kept:
        marks = ",".join("?" * len(kept[0]))
        driver(c).executemany(f"INSERT OR IGNORE INTO sample ({_COLUMNS}) VALUES ({marks})", [tuple(row) for row in kept])
        long = [tuple(row[:4]) for row in kept if row[2] - row[1] > LONG_S]
        driver(c).executemany('INSERT OR IGNORE INTO long_sample (series_id, start, "end", tag) VALUES (?,?,?,?)', long)
    driver(c).executemany(
        'DELETE FROM set_aside WHERE batch_id=? AND series_id=? AND start=? AND "end"=? AND tag=?', [(batch_id, *row[:4]) for row in rows]
    )
    return _moved(c, rows), len(rows) < limit


def _deleted(c: Connection, series_id: int, uuid: bytes) -> bool:
    person_id, metric = c.exec_driver_sql("SELECT person_id, metric FROM series WHERE id=?", (series_id,)).one()
    return bool(buried(c, person_id, metric, [uuid]))


def _moved(c: Connection, rows: Sequence[Any]) -> list[Moved]:
    zones = zone_names(c) if any(row[8] is not None for row in rows) else {}
    metrics = dict(map(tuple, c.exec_driver_sql("SELECT id, metric FROM series").fetchall())) if rows else {}
    return [Moved(metrics[row[0]], row[1], row[2], zones.get(row[8])) for row in rows]


def forget(c: Connection, batch_id: int) -> None:
    """The upload is removed: its own samples go from where others set them aside."""
    c.exec_driver_sql("DELETE FROM reconcile WHERE batch_id=?", (batch_id,))
    c.exec_driver_sql("DELETE FROM set_aside WHERE origin=?", (batch_id,))


def merge_series(c: Connection, old: int, new: int) -> None:
    for table in ("set_aside", "reconcile_count"):
        c.exec_driver_sql(f"UPDATE OR IGNORE {table} SET series_id=? WHERE series_id=?", (new, old))
        c.exec_driver_sql(f"DELETE FROM {table} WHERE series_id=?", (old,))
