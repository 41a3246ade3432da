"""Reconciling: samples that a whole export lacks, counted first, then set aside: kept in a table of their own, in no sum.

state   reading → counting → asking (a person) → moving → moved → returning → returned; else dropped (by the person, or because the
        export proved not to be whole) or lost (what it held was swept away, or its series merged, meanwhile)
The cursor (series, start) stands in the row and moves with what was done up to there, in one transaction.
"""

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import Connection

from healthbox.store import held
from healthbox.store.engine import driver
from healthbox.store.samples import Apply, same
from healthbox.store.series import zone_names
from healthbox.store.standing import LONG_S, Incoming, free, plain
from healthbox.store.tombstones import buried

WINDOW = 10_000
NEEDS_HELD = ("reading", "counting", "asking", "moving")
_COLUMNS = 'series_id, start, "end", tag, value, uuid, ms, meta_id, zone_id, as_of, batch_id'
_ASIDE = _COLUMNS.replace("batch_id", "origin") + ", names"
_KEY = 'series_id=? AND start=? AND "end"=?'


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
    if lacked:
        _set_aside(c, one.batch_id, lacked)
    return _moved(c, lacked)


def _lacked(c: Connection, one: Reconcile, rows: list[Any], known: dict[tuple[int, int], list[float]]) -> list[Any]:
    """The rows that the file did not hold, though they had been stated before it was made."""
    made = c.exec_driver_sql("SELECT as_of FROM whole_export WHERE batch_id=? AND told=0", (one.batch_id,)).scalar_one()
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
            "SELECT coalesce(x.as_of, batch.as_of, batch.created_at) FROM batch "
            "LEFT JOIN whole_export AS x ON x.batch_id=batch.id AND told=0 WHERE batch.id=?",
            (batch_id,),
        ).scalar_one()
    )


def _set_aside(c: Connection, batch_id: int, rows: list[Any]) -> None:
    marks = ",".join("?" * len(rows[0]))
    second = {series_id for series_id in {row[0] for row in rows} if _has_second_names(c, series_id)}
    driver(c).executemany(
        f"INSERT OR REPLACE INTO set_aside (batch_id, {_ASIDE}) VALUES ({batch_id},{marks},?)",
        [(*row, _second_names(c, row[:4]) if row[0] in second else None) for row in rows],
    )
    for table in ("sample", "long_sample", "also_uuid"):
        driver(c).executemany(f"DELETE FROM {table} WHERE {_KEY} AND tag=?", [row[:4] for row in rows])


def _has_second_names(c: Connection, series_id: int) -> bool:
    return driver(c).execute("SELECT 1 FROM also_uuid WHERE series_id=? LIMIT 1", (series_id,)).fetchone() is not None


def _second_names(c: Connection, row: Sequence[Any]) -> str | None:
    """As ``set_aside`` keeps them: what comes to stand at this key meanwhile has names of its own."""
    (found,) = (
        driver(c)
        .execute(
            "SELECT json_group_array(json_array(hex(uuid), as_of, EXISTS(SELECT 1 FROM point_set AS p WHERE p.series_id=a.series_id "
            f"AND p.uuid=a.uuid))) FROM also_uuid AS a WHERE {_KEY} AND tag=?",
            tuple(row),
        )
        .fetchone()
    )
    return None if found == "[]" else str(found)


def bring(c: Connection, person_id: int, batch_id: int, given: Sequence[Sequence[Incoming]], metric_of: dict[int, str]) -> Apply:
    """Samples that were set aside elsewhere, each under all of its names, are set aside here, under the upload that brings them.
    What stands already, counted or set aside, stays as it is. Returns what became of them."""
    fresh = [names for names in given if names and not _known(c, names[0])]
    apply = Apply(c, person_id, batch_id, metric_of)
    apply.counts["duplicate"] += sum(map(len, given)) - sum(map(len, fresh))
    apply.run([item for names in fresh for item in names])  # as if they counted: so every rule of what is the same is asked
    for names in fresh:
        _put_aside(c, batch_id, names[0])
    if fresh:
        c.exec_driver_sql(
            "INSERT INTO reconcile (batch_id, held, state) SELECT id, public || '.held', 'moved' FROM batch WHERE id=? "
            "ON CONFLICT DO UPDATE SET state='moved'",
            (batch_id,),
        )
    return apply


def _known(c: Connection, item: Incoming) -> bool:
    rows = driver(c).execute(
        f"SELECT tag, value FROM sample WHERE {_KEY} UNION ALL SELECT tag, value FROM set_aside WHERE {_KEY}", item[:3] * 2
    )
    return any(_says(tag, value, item.tag, item.value) for tag, value in rows)


def _says(tag: str, value: float, other_tag: str, other: float) -> bool:
    """Whether two rows at one key are the same: a tag is told apart only from another tag."""
    return same(value, other) and (not other_tag or not plain(tag) or plain(tag) == other_tag)


def _put_aside(c: Connection, batch_id: int, item: Incoming) -> None:
    """The row that was just stored of it, under a tag that no other one set aside at its key has."""
    found = driver(c).execute(f"SELECT {_COLUMNS} FROM sample WHERE {_KEY} AND batch_id=?", (*item[:3], batch_id)).fetchall()
    row = next((row for row in found if same(row[4], item.value) and plain(row[3]) == item.tag), None)
    if row is None:
        return
    standing = {other[3] for other in found if other is not row}
    tag = free(item.tag, standing | _tags_aside(c, batch_id, item[:3]))
    if tag != row[3]:
        for table in ("sample", "long_sample", "also_uuid"):
            driver(c).execute(f"UPDATE {table} SET tag=? WHERE {_KEY} AND tag=?", (tag, *row[:4]))
    _set_aside(c, batch_id, [(*row[:3], tag, *row[4:])])


def _tags_aside(c: Connection, batch_id: int, key: Sequence[int]) -> set[str]:
    return {row[0] for row in driver(c).execute(f"SELECT tag FROM set_aside WHERE {_KEY} AND batch_id=?", (*key, batch_id))}


def give_back(c: Connection, batch_id: int, limit: int = WINDOW) -> tuple[list[Moved], bool]:
    """Samples that were set aside count again, but for those that were deleted or said again meanwhile; True when these were
    the last."""
    rows = driver(c).execute(f"SELECT {_ASIDE} FROM set_aside WHERE batch_id=? LIMIT ?", (batch_id, limit)).fetchall()
    named = [_names(row) for row in rows]
    dead = _deleted(c, rows, named)
    for row, names in zip(rows, named, strict=True):
        alive = [one for one in names if (row[0], one[0]) not in dead]
        if alive or not names:
            _count_again(c, batch_id, row[:-1], alive)
    driver(c).executemany(f"DELETE FROM set_aside WHERE batch_id=? AND {_KEY} AND tag=?", [(batch_id, *row[:4]) for row in rows])
    return _moved(c, rows), len(rows) < limit


def _names(row: Sequence[Any]) -> list[tuple[bytes, int | None]]:
    """Every uuid of a row that is set aside, and how recent that statement is."""
    second = [(bytes.fromhex(digits), as_of) for digits, as_of, _ in sorted(json.loads(row[11] or "[]"))]
    return [] if row[5] is None else [(row[5], row[9]), *second]


def _count_again(c: Connection, batch_id: int, row: tuple[Any, ...], names: list[tuple[bytes, int | None]]) -> None:
    """Beside what was said at its key meanwhile, unless that is the same: then its names are names of that."""
    key, tag, value = row[:3], row[3], row[4]
    beside = driver(c).execute(f"SELECT tag, value, uuid FROM sample WHERE {_KEY}", key).fetchall()
    used = {other[0] for other in beside}
    equal = next((other for other in beside if _says(other[0], other[1], plain(tag), value)), None)
    if equal is not None:
        if equal[2] is None and names:
            driver(c).execute(f"UPDATE sample SET uuid=?, as_of=? WHERE {_KEY} AND tag=?", (*names[0], *key, equal[0]))
        _name_too(c, key, equal[0], names[1:] if equal[2] is None else [name for name in names if name[0] != equal[2]])
        return
    if tag in used:
        tag = free(plain(tag), used | _tags_aside(c, batch_id, key))
    uuid, as_of = names[0] if names else (None, row[9])
    told = (*key, tag, value, uuid, *row[6:9], as_of, row[10])
    driver(c).execute(f"INSERT INTO sample ({_COLUMNS}) VALUES (?,?,?,?,?,?,?,?,?,?,?)", told)
    if row[2] - row[1] > LONG_S:
        driver(c).execute('INSERT OR IGNORE INTO long_sample (series_id, start, "end", tag) VALUES (?,?,?,?)', (*key, tag))
    _name_too(c, key, tag, names[1:])


def _name_too(c: Connection, key: tuple[Any, ...], tag: str, names: Sequence[tuple[bytes, int | None]]) -> None:
    driver(c).executemany(
        'INSERT OR IGNORE INTO also_uuid (series_id, start, "end", tag, uuid, as_of) VALUES (?,?,?,?,?,?)',
        [(*key, tag, *name) for name in names],
    )


def _deleted(c: Connection, rows: Sequence[Any], named: Sequence[list[tuple[bytes, int | None]]]) -> set[tuple[int, bytes]]:
    """(series, uuid) of the names that clients have deleted."""
    wanted: dict[int, set[bytes]] = {}
    for row, names in zip(rows, named, strict=True):
        if names:
            wanted.setdefault(row[0], set()).update(uuid for uuid, _ in names)
    found: set[tuple[int, bytes]] = set()
    for series_id, uuids in wanted.items():
        person_id, metric = c.exec_driver_sql("SELECT person_id, metric FROM series WHERE id=?", (series_id,)).one()
        found |= {(series_id, uuid) for uuid in buried(c, person_id, metric, uuids)}
    return found


def _moved(c: Connection, rows: Sequence[Any]) -> list[Moved]:
    zones = zone_names(c) if any(row[8] is not None for row in rows) else {}
    metrics = dict(map(tuple, c.exec_driver_sql("SELECT id, metric FROM series").fetchall())) if rows else {}
    return [Moved(metrics[row[0]], row[1], row[2], zones.get(row[8])) for row in rows]


def forget(c: Connection, batch_id: int) -> None:
    """The upload is removed: its own samples go from where others set them aside."""
    c.exec_driver_sql("DELETE FROM reconcile WHERE batch_id=?", (batch_id,))
    c.exec_driver_sql("DELETE FROM set_aside WHERE origin=?", (batch_id,))


def merge_series(c: Connection, old: int, new: int) -> None:
    """What files held of ``old`` does not speak of ``new``: an export that still needs it is reconciled no further."""
    c.exec_driver_sql(
        "UPDATE reconcile SET state=iif(state='moving', 'moved', 'lost') WHERE state IN ('reading','counting','asking','moving') "
        "AND batch_id IN (SELECT id FROM batch WHERE person_id=(SELECT person_id FROM series WHERE id=?))",
        (new,),
    )
    c.exec_driver_sql(
        "INSERT INTO reconcile_count (batch_id, series_id, samples) SELECT batch_id, ?, samples FROM reconcile_count WHERE series_id=? "
        "ON CONFLICT DO UPDATE SET samples=samples+excluded.samples",
        (new, old),
    )
    c.exec_driver_sql("DELETE FROM reconcile_count WHERE series_id=?", (old,))
    c.exec_driver_sql("UPDATE OR IGNORE set_aside SET series_id=? WHERE series_id=?", (new, old))
    c.exec_driver_sql("UPDATE set_aside SET series_id=?1, tag=tag || char(31) || 'from ' || ?2 WHERE series_id=?2", (new, old))
