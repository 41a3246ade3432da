"""What a deletion takes with it: the sample, stage, workout or record that carried the uuid."""

from typing import NamedTuple

from sqlalchemy import Connection

from healthbox.store import clinical, sleep, tombstones, workouts
from healthbox.store.samples import Change, release

STEP_S = 30 * 86_400
PART = 500


class Gone(NamedTuple):
    told: int
    samples: list[tuple[str, Change]]
    sleep: list[tuple[int, int, str | None]]


def delete(c: Connection, person_id: int, metric: str, uuids: list[bytes], batch_id: int, now: int) -> Gone:
    """Bury the uuids (of one metric, or "" where the client does not say) and remove what carries them."""
    fresh = tombstones.bury(c, person_id, metric, uuids, batch_id, now)
    left: set[bytes] = set()
    nights: list[tuple[int, int, str | None]] = []
    removed = 0
    for uuid in fresh:
        spans = sleep.remove(c, person_id, uuid)
        nights += spans
        taken = len(spans) + workouts.remove(c, person_id, uuid) + clinical.remove(c, person_id, _text(uuid))
        removed += taken > 0
        if not taken:
            left.add(uuid)
    changes = _samples(c, person_id, metric, left) if left else []
    return Gone(len(uuids), changes, nights)


def _samples(c: Connection, person_id: int, metric: str, wanted: set[bytes]) -> list[tuple[str, Change]]:
    """One scan of the metric's series, newest first, that stops as soon as everything is found."""
    rows = c.exec_driver_sql(
        "SELECT id, metric FROM series WHERE person_id=? AND (?='' OR metric=?) ORDER BY id", (person_id, metric, metric)
    ).fetchall()
    changes: list[tuple[str, Change]] = []
    left = set(wanted)
    for series_id, name in rows:
        left -= _second_names(c, series_id, left)
        ordered = sorted(left)
        for at in range(0, len(ordered), PART):
            for change, uuid in _scan(c, series_id, set(ordered[at : at + PART])):
                changes.append((name, change))
                left.discard(uuid)
    return changes


def _second_names(c: Connection, series_id: int, wanted: set[bytes]) -> set[bytes]:
    """Uuids that were only a second name of content that another uuid still holds: only the name goes."""
    if c.exec_driver_sql("SELECT 1 FROM also_uuid WHERE series_id=? LIMIT 1", (series_id,)).fetchone() is None:
        return set()
    return {u for u in wanted if c.exec_driver_sql("DELETE FROM also_uuid WHERE series_id=? AND uuid=?", (series_id, u)).rowcount}


def _scan(c: Connection, series_id: int, wanted: set[bytes]) -> list[tuple[Change, bytes]]:
    edges = c.exec_driver_sql("SELECT min(start), max(start) FROM sample WHERE series_id=?", (series_id,)).one()
    if edges[0] is None:
        return []
    found: list[tuple[Change, bytes]] = []
    left = set(wanted)
    high, step = edges[1] + 1, STEP_S
    while left and high > edges[0]:
        marks = ",".join("?" * len(left))
        rows = c.exec_driver_sql(
            f'SELECT start, "end", tag, value, uuid FROM sample WHERE series_id=? AND start>=? AND start<? AND uuid IN ({marks})',
            (series_id, high - step, high, *left),
        ).fetchall()
        for start, end, tag, value, uuid in rows:
            if release(c, [(series_id, start, end, tag)]):
                c.exec_driver_sql(
                    'INSERT OR IGNORE INTO gone (series_id, start, "end", value) VALUES (?,?,?,?)', (series_id, start, end, value)
                )
            found.append((Change(series_id, start, end, None), uuid))
        left -= {row[4] for row in rows}
        high, step = high - step, step * 2
    return found


def _text(uuid: bytes) -> str:
    if len(uuid) == 16:
        text = uuid.hex()
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}".upper()
    return uuid.decode("utf-8", "replace")
