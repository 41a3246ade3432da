"""What a deletion takes with it: the sample, bucket, stage, workout or record that carried the uuid."""

from typing import NamedTuple

from sqlalchemy import Connection

from healthbox.store import buckets, clinical, sleep, tombstones, workouts
from healthbox.store.samples import Change, forget_set, point_sets

STEP_S = 30 * 86_400
PART = 500


class Gone(NamedTuple):
    told: int
    samples: list[tuple[str, Change]]
    sleep: list[tuple[int, int, str | None]]
    buckets: list[tuple[str, str, int, str | None]]


def delete(c: Connection, person_id: int, metric: str, uuids: list[bytes], batch_id: int, now: int) -> Gone:
    """Bury the uuids (of one metric, or "" where the client does not say) and remove what carries them."""
    fresh = tombstones.bury(c, person_id, metric, uuids, batch_id, now)
    left: set[bytes] = set()
    nights: list[tuple[int, int, str | None]] = []
    totals: list[tuple[str, str, int, str | None]] = []
    for uuid in fresh:
        spans = sleep.remove(c, person_id, uuid) if metric in ("", sleep.METRIC) else []
        nights += spans
        found = buckets.remove(c, person_id, metric, uuid)
        totals += found
        taken = len(spans) + len(found)
        if not metric:
            taken += workouts.remove(c, person_id, uuid) + clinical.remove(c, person_id, uuid)
        if not taken:
            left.add(uuid)
    changes = _samples(c, person_id, metric, left) if left else []
    return Gone(len(uuids), changes, nights, totals)


def _samples(c: Connection, person_id: int, metric: str, wanted: set[bytes]) -> list[tuple[str, Change]]:
    """One scan of the metric's series, newest first, that stops as soon as everything is found."""
    rows = c.exec_driver_sql(
        "SELECT id, metric FROM series WHERE person_id=? AND (?='' OR metric=?) ORDER BY id", (person_id, metric, metric)
    ).fetchall()
    metric_of = {row[0]: row[1] for row in rows}
    changes: list[tuple[str, Change]] = []
    left = set(wanted)
    for uuid in wanted:  # a parent's uuid names many points, perhaps of several metrics: found exactly
        for found in point_sets(c, uuid, list(metric_of)):
            series_id = found.series_id
            changes += [(metric_of[series_id], change) for change, _ in _window(c, series_id, found.low, found.high + 1, [uuid])]
            _forget_name(c, series_id, uuid)
            forget_set(c, series_id, uuid)
            left.discard(uuid)
    for series_id, name in metric_of.items():
        for uuid in _known_seconds(c, series_id, left):
            _forget_name(c, series_id, uuid)
            left.discard(uuid)
        ordered = sorted(left)
        for at in range(0, len(ordered), PART):
            for change, uuid in _scan(c, series_id, set(ordered[at : at + PART])):
                changes.append((name, change))
                left.discard(uuid)
    return changes


def _known_seconds(c: Connection, series_id: int, wanted: set[bytes]) -> list[bytes]:
    if c.exec_driver_sql("SELECT 1 FROM also_uuid WHERE series_id=? LIMIT 1", (series_id,)).fetchone() is None:
        return []
    found = "SELECT 1 FROM also_uuid WHERE series_id=? AND uuid=? LIMIT 1"
    return [u for u in sorted(wanted) if c.exec_driver_sql(found, (series_id, u)).fetchone() is not None]


def _forget_name(c: Connection, series_id: int, uuid: bytes) -> None:
    """A second name of content that another uuid still holds: only the name goes."""
    c.exec_driver_sql("DELETE FROM also_uuid WHERE series_id=? AND uuid=?", (series_id, uuid))


def _scan(c: Connection, series_id: int, wanted: set[bytes]) -> list[tuple[Change, bytes]]:
    edges = c.exec_driver_sql("SELECT min(start), max(start) FROM sample WHERE series_id=?", (series_id,)).one()
    if edges[0] is None:
        return []
    found: list[tuple[Change, bytes]] = []
    left = set(wanted)
    high, step = edges[1] + 1, STEP_S
    while left and high > edges[0]:
        some = _window(c, series_id, high - step, high, sorted(left))
        found += some
        left -= {uuid for _, uuid in some}
        high, step = high - step, step * 2
    return found


def _window(c: Connection, series_id: int, low: int, high: int, uuids: list[bytes]) -> list[tuple[Change, bytes]]:
    marks = ",".join("?" * len(uuids))
    rows = c.exec_driver_sql(
        f'SELECT start, "end", tag, value, zone_id, uuid FROM sample WHERE series_id=? AND start>=? AND start<? AND uuid IN ({marks})',
        (series_id, low, high, *uuids),
    ).fetchall()
    for start, end, tag, value, _, _ in rows:
        if _release(c, (series_id, start, end, tag)):
            c.exec_driver_sql(
                'INSERT OR IGNORE INTO gone (series_id, start, "end", value) VALUES (?,?,?,?)', (series_id, start, end, value)
            )
    return [(Change(series_id, row[0], row[1], row[4]), row[5]) for row in rows]


def _release(c: Connection, key: tuple[int, int, int, str]) -> bool:
    """Take a row away from the uuid it carries; content that a second uuid also names stays, under that one. True when it is gone."""
    other = c.exec_driver_sql(
        'SELECT uuid, as_of FROM also_uuid WHERE series_id=? AND start=? AND "end"=? AND tag=? ORDER BY uuid LIMIT 1', key
    ).fetchone()
    if other is not None:
        c.exec_driver_sql('UPDATE sample SET uuid=?, as_of=? WHERE series_id=? AND start=? AND "end"=? AND tag=?', (*other, *key))
        c.exec_driver_sql('DELETE FROM also_uuid WHERE series_id=? AND start=? AND "end"=? AND tag=? AND uuid=?', (*key, other[0]))
        return False
    c.exec_driver_sql('DELETE FROM sample WHERE series_id=? AND start=? AND "end"=? AND tag=?', key)
    c.exec_driver_sql('DELETE FROM long_sample WHERE series_id=? AND start=? AND "end"=? AND tag=?', key)
    return True
