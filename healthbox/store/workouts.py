"""Workouts: one row a session, merged field by field; series and route are compressed blobs, never samples.

A recording is a row that only a file of the device itself has told of (GPX, TCX, FIT: it is as recent as its end, or a GPX as its
start). Where it lies in exactly one other workout of the person, but for a tenth of it or 15 seconds (the way begins when the
satellites are found), it is a part of that one: not listed beside it, its way and series shown where that one has none. Rows are
not merged for it: what is a part is seen when reading, so it does not matter which came first, and two workouts that could both
be meant leave the recording what it is.

What two sources each recorded as a workout of its own stays two rows, too: both are listed, one of them counts (``again``).
"""

import json
import zlib
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection

from healthbox.domain.records import Workout
from healthbox.store.sources import ranks
from healthbox.store.superseding import InForce
from healthbox.store.tombstones import buried

NEAR_MS = 2_000
KIND = "workout"  # stands for a metric where a deletion names one
DELETED = 2  # as `superseded`: emptied, kept for its times alone
_WHOLE = (  # of the recording t: the workout that it is a part of
    '(SELECT CASE count(*) WHEN 1 THEN max(w.id) END FROM workout AS w WHERE t.uuid IS NULL AND t.as_of<=t."end" '
    'AND w.person_id=t.person_id AND w.start BETWEEN t.start-max(15000, (t."end"-t.start)/9+1)-2000 AND t.start+2000 '
    'AND w."end">=t."end"-2000 AND (w."end"-w.start)-(t."end"-t.start)<=max(15000, (w."end"-w.start)/10) '
    "AND w.superseded=0 AND (w.uuid IS NOT NULL OR w.as_of>w.\"end\") AND (w.activity=t.activity OR 'other' IN (w.activity, t.activity)))"
)
LISTED = f"t.superseded=0 AND {_WHOLE} IS NULL"  # of workout AS t: what counts and is no part of another
_EMPTY = "superseded=?, totals='{}', series=NULL, route=NULL, laps='[]', meta='{}'"


class WorkoutRow(NamedTuple):
    id: int
    source_id: int
    uuid: bytes | None
    activity: str
    start: int
    end: int
    zone: str | None
    totals: dict[str, float]
    laps: list[dict[str, Any]]
    meta: dict[str, Any]
    as_of: int
    superseded: int


class Telling(NamedTuple):
    """A workout as far as it decides what counts. ``order`` sorts, the best first, by what was told: no row id, no arrival."""

    id: int
    source_id: int
    activity: str
    start: int
    end: int
    order: tuple[Any, ...]


_ORDER, _START = attrgetter("order"), attrgetter("start")
_COLUMNS = 'id, source_id, uuid, activity, start, "end", zone, totals, laps, meta, as_of, superseded'


def _row(found: Any) -> WorkoutRow:
    values = list(found[:12])
    for at in (7, 8, 9):
        values[at] = json.loads(values[at])
    return WorkoutRow._make(values)


def _standing(c: Connection, person_id: int, workout: Workout, uuid: bytes | None) -> WorkoutRow | None:
    if uuid is not None:
        found = c.exec_driver_sql(f"SELECT {_COLUMNS} FROM workout WHERE person_id=? AND uuid=?", (person_id, uuid)).fetchone()
        if found is not None:
            return _row(found)
    rows = c.exec_driver_sql(
        f'SELECT {_COLUMNS} FROM workout WHERE person_id=? AND start BETWEEN ? AND ? AND "end" BETWEEN ? AND ? ORDER BY start, "end", id',
        (person_id, workout.start - NEAR_MS, workout.start + NEAR_MS, workout.end - NEAR_MS, workout.end + NEAR_MS),
    ).fetchall()
    near = sorted(map(_row, rows), key=lambda row: row.superseded == DELETED)
    if uuid is not None:  # it lives, so the deletion of another one at these times is not its own
        near = [row for row in near if row.uuid is None and row.superseded != DELETED]
    return near[0] if near else None


def put(c: Connection, person_id: int, batch_id: int, source_id: int, workout: Workout, uuid: bytes | None, as_of: int) -> str:
    """Store or merge one workout; returns "new", "updated", "duplicate" or "deleted"."""
    if uuid is not None and buried(c, person_id, KIND, [uuid]):
        _forget(c, person_id, batch_id, source_id, workout, as_of)
        return "deleted"
    standing = _standing(c, person_id, workout, uuid)
    if standing is not None and standing.superseded == DELETED:
        return "deleted"
    route = pack(workout.route)
    meta = workout.metadata or {}
    if standing is None:
        c.exec_driver_sql(
            'INSERT INTO workout (person_id, source_id, uuid, activity, start, "end", zone, totals, series, route, '
            "laps, meta, as_of, batch_id, superseded) "
            "VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
            (
                person_id,
                source_id,
                uuid,
                workout.activity,
                workout.start,
                workout.end,
                workout.zone,
                _json(workout.totals),
                pack(workout.series),
                route,
                _json(workout.laps),
                _json(meta),
                as_of,
                batch_id,
                int(InForce(c).lack(source_id, workout.start, workout.end, as_of)),
            ),
        )
        return "new"
    newer = as_of >= standing.as_of
    totals = standing.totals | workout.totals if newer else workout.totals | standing.totals
    merged_meta = standing.meta | meta if newer else meta | standing.meta
    activity = workout.activity if standing.activity == "other" or (newer and workout.activity != "other") else standing.activity
    own = newer and uuid is not None  # a record under its own uuid says when it was; one found by its time came close enough
    span = (workout.start, workout.end) if own else (standing.start, standing.end)
    zone = (workout.zone or standing.zone) if newer else (standing.zone or workout.zone)
    laps = (workout.laps or standing.laps) if newer else (standing.laps or workout.laps)
    after = (uuid or standing.uuid, activity, *span, zone, totals, laps, merged_meta)
    before = (standing.uuid, standing.activity, standing.start, standing.end, standing.zone, standing.totals, standing.laps, standing.meta)
    had = c.exec_driver_sql("SELECT series, route FROM workout WHERE id=?", (standing.id,)).one()
    blobs = (_joined(workout.series, had[0], newer), (route or had[1]) if newer else (had[1] or route))
    stated = max(as_of, standing.as_of)
    superseded = int(InForce(c).lack(standing.source_id, *span, stated))
    if after == before and blobs == tuple(had):
        c.exec_driver_sql("UPDATE workout SET as_of=?, superseded=? WHERE id=?", (stated, superseded, standing.id))
        return "duplicate"
    c.exec_driver_sql(
        'UPDATE workout SET uuid=?, activity=?, start=?, "end"=?, zone=?, totals=?, laps=?, meta=?, series=?, route=?, '
        "as_of=?, superseded=? WHERE id=?",
        (*after[:5], _json(totals), _json(laps), _json(merged_meta), *blobs, stated, superseded, standing.id),
    )
    return "updated"


def _joined(series: dict[str, Any], had: bytes | None, newer: bool) -> bytes | None:
    """Series by series: a watch's power stays beside the pulse that the phone tells."""
    if had is None or not series:
        return had or pack(series)
    standing = unpack(had)
    both = standing | series if newer else series | standing
    return had if both == standing else pack(both)


def remove(c: Connection, person_id: int, uuid: bytes) -> int:
    """Empty a deleted workout: only its times stay, so that the same one without uuid is known as deleted."""
    return c.exec_driver_sql(
        f"UPDATE workout SET {_EMPTY} WHERE person_id=? AND uuid=? AND superseded<>?", (DELETED, person_id, uuid, DELETED)
    ).rowcount


def _forget(c: Connection, person_id: int, batch_id: int, source_id: int, workout: Workout, as_of: int) -> None:
    """The workout of a deleted uuid: the same one told of without uuid goes too, or is known when it comes."""
    standing = _standing(c, person_id, workout, None)
    if standing is None:
        c.exec_driver_sql(
            'INSERT INTO workout (person_id, source_id, activity, start, "end", totals, as_of, batch_id, superseded) '
            "VALUES (?,?,?,?,?,?,?,?,?)",
            (person_id, source_id, workout.activity, workout.start, workout.end, "{}", as_of, batch_id, DELETED),
        )
    elif standing.uuid is None:
        c.exec_driver_sql(f"UPDATE workout SET {_EMPTY} WHERE id=?", (DELETED, standing.id))


def between(c: Connection, person_id: int, low: int, high: int, *, limit: int = 500) -> list[WorkoutRow]:
    """Workouts that start in [low, high) ms, newest first."""
    rows = c.exec_driver_sql(
        f"SELECT {_COLUMNS} FROM workout AS t WHERE person_id=? AND start>=? AND start<? AND {LISTED} ORDER BY start DESC, id DESC LIMIT ?",
        (person_id, low, high, limit),
    ).fetchall()
    return [_row(row) for row in rows]


def again(c: Connection, person_id: int, low: int, high: int) -> dict[int, int]:
    """Of the listed workouts that start in [low, high) ms those that another source tells of, too: id → id of the one that counts.

    The source that ranks first counts, then who tells more (a way, series, totals), then who began first.
    """
    rank = ranks(c, person_id, "*")
    rows = c.exec_driver_sql(
        'SELECT id, source_id, activity, start, "end", totals, series IS NULL, route IS NULL, uuid FROM workout AS t '
        f"WHERE person_id=? AND start>=? AND start<? AND {LISTED}",
        (person_id, low, high),
    ).fetchall()
    found = []
    for key, source_id, activity, start, end, totals, no_series, no_route, uuid in rows:
        place, name = rank[source_id]
        order = (place, no_route, no_series, -len(json.loads(totals)), start, name, end, activity, totals, uuid or b"")
        found.append(Telling(key, source_id, activity, start, end, order))
    return told_again(found)


def told_again(tellings: Iterable[Telling]) -> dict[int, int]:
    """id → id of the one that counts instead. The same however they come: the best by ``order`` go first, and who is the same
    workout as one that counts already does not count, so each that does not count names one that does."""
    counting: list[Telling] = []
    found = {}
    for one in sorted(tellings, key=_ORDER):
        reach = (one.end - one.start) // 4 + 1  # who overlaps by four fifths of the longer began no further away
        low = bisect_left(counting, one.start - reach, key=_START)
        near = counting[low : bisect_right(counting, one.start + reach, key=_START)]
        same = [other for other in near if _same(one, other)]
        if same:
            found[one.id] = min(same, key=_ORDER).id
        else:
            insort(counting, one, key=_START)
    return found


def _same(one: Telling, other: Telling) -> bool:
    """One session that two sources recorded: one activity, or an unnamed one, and four fifths of the longer time in common."""
    if one.source_id == other.source_id or (one.activity != other.activity and "other" not in (one.activity, other.activity)):
        return False
    both = min(one.end, other.end) - max(one.start, other.start)
    return 5 * both >= 4 * max(one.end - one.start, other.end - other.start)


def get(c: Connection, person_id: int, workout_id: int) -> tuple[WorkoutRow, dict[str, Any], list[Any]] | None:
    """One workout with its series and its route; what it lacks and a recording of it has comes from there."""
    found = c.exec_driver_sql(
        f"SELECT {_COLUMNS}, series, route FROM workout WHERE person_id=? AND id=? AND superseded<>2",
        (person_id, workout_id),
    ).fetchone()
    if found is None:
        return None
    row, series, route = _row(found), unpack(found[12]) or {}, unpack(found[13]) or []
    for part in c.exec_driver_sql(
        f"SELECT {_COLUMNS}, series, route FROM workout AS t WHERE person_id=? AND start BETWEEN ? AND ? AND superseded=0 AND {_WHOLE}=? "
        'ORDER BY start, "end", activity',
        (person_id, row.start - NEAR_MS, row.end, row.id),
    ).fetchall():
        more = _row(part)
        row = row._replace(totals=more.totals | row.totals, laps=row.laps or more.laps, meta=more.meta | row.meta)
        series, route = (unpack(part[12]) or {}) | series, route or unpack(part[13]) or []
    return row, series, route


def pack(data: Any) -> bytes | None:
    return zlib.compress(_json(data).encode(), 6) if data else None


def unpack(blob: bytes | None) -> Any:
    return None if blob is None else json.loads(zlib.decompress(blob))


def _json(data: Any) -> str:
    return json.dumps(data, sort_keys=True, ensure_ascii=False)
