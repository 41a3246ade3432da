"""Sleep stages: few rows, each found exactly by its uuid or by its content."""

from typing import NamedTuple

from sqlalchemy import Connection

from healthbox.store.tombstones import buried


class StageRow(NamedTuple):
    """One stage interval in ms."""

    series_id: int
    start: int
    end: int
    stage: str
    uuid: bytes | None
    parent: bool
    zone: str | None
    as_of: int


class Spans(NamedTuple):
    """Intervals (ms) whose nights may be different now."""

    counts: dict[str, int]
    changed: list[tuple[int, int, str | None]]


_COLUMNS = 'id, series_id, start, "end", stage, uuid, as_of, zone'


def apply(c: Connection, person_id: int, batch_id: int, rows: list[StageRow]) -> Spans:
    """Store stages: the same uuid with other content is a reclassification; a parent uuid's stages replace the old set."""
    counts = {"new": 0, "updated": 0, "duplicate": 0, "deleted": 0}
    changed: list[tuple[int, int, str | None]] = []
    gone = buried(c, person_id, {row.uuid for row in rows if row.uuid is not None})
    sets: set[tuple[int, bytes]] = set()
    for row in rows:
        if row.uuid is not None and row.uuid in gone:
            counts["deleted"] += 1
            continue
        if row.uuid is not None and row.parent:
            if (row.series_id, row.uuid) not in sets:
                sets.add((row.series_id, row.uuid))
                changed += _start_set(c, batch_id, row, [r for r in rows if r.uuid == row.uuid and r.series_id == row.series_id])
            outcome = _put(c, batch_id, row, changed)
        elif row.uuid is not None and (standing := _by_uuid(c, row.series_id, row.uuid)) is not None:
            outcome = _again(c, batch_id, row, standing, changed)
        else:
            outcome = _put(c, batch_id, row, changed)
        counts[outcome] += 1
    return Spans(counts, changed)


def _by_uuid(c: Connection, series_id: int, uuid: bytes) -> tuple[int, int, int, int, str, bytes, int, str | None] | None:
    found = c.exec_driver_sql(
        f"SELECT {_COLUMNS} FROM sleep_stage WHERE series_id=? AND uuid=? AND parent=0",
        (series_id, uuid),
    ).fetchone()
    return None if found is None else tuple(found)


def _again(
    c: Connection,
    batch_id: int,
    row: StageRow,
    standing: tuple[int, int, int, int, str, bytes, int, str | None],
    changed: list[tuple[int, int, str | None]],
) -> str:
    before = (standing[2], standing[3], standing[4])
    after = (row.start, row.end, row.stage)
    if before == after or (row.as_of, *after) <= (standing[6], *before):
        return "duplicate"
    c.exec_driver_sql("DELETE FROM sleep_stage WHERE id=?", (standing[0],))
    changed.append((standing[2], standing[3], standing[7]))
    _put(c, batch_id, row, changed)
    return "updated"


def _put(c: Connection, batch_id: int, row: StageRow, changed: list[tuple[int, int, str | None]]) -> str:
    standing = c.exec_driver_sql(
        'SELECT id, uuid, superseded FROM sleep_stage WHERE series_id=? AND start=? AND "end"=? AND stage=?',
        (row.series_id, row.start, row.end, row.stage),
    ).fetchone()
    if standing is None:
        c.exec_driver_sql(
            'INSERT INTO sleep_stage (series_id, start, "end", stage, uuid, parent, zone, as_of, batch_id) VALUES (?,?,?,?,?,?,?,?,?)',
            (*row[:5], int(row.parent), row.zone, row.as_of, batch_id),
        )
        changed.append((row.start, row.end, row.zone))
        return "new"
    if row.uuid is not None and standing[1] is None:
        c.exec_driver_sql(
            "UPDATE sleep_stage SET uuid=?, parent=?, as_of=? WHERE id=?", (row.uuid, int(row.parent), row.as_of, standing[0])
        )
    if standing[2]:
        c.exec_driver_sql("UPDATE sleep_stage SET superseded=0 WHERE id=?", (standing[0],))
        changed.append((row.start, row.end, row.zone))
    return "duplicate"


def _start_set(c: Connection, batch_id: int, row: StageRow, members: list[StageRow]) -> list[tuple[int, int, str | None]]:
    """The first stages of a parent in this step: what older batches said of it and this one does not goes."""
    kept = {(m.start, m.end, m.stage) for m in members}
    old = c.exec_driver_sql(
        'SELECT id, start, "end", stage, zone FROM sleep_stage WHERE series_id=? AND uuid=? AND parent=1 AND batch_id<>? AND as_of<=?',
        (row.series_id, row.uuid, batch_id, row.as_of),
    ).fetchall()
    drop = [o for o in old if (o[1], o[2], o[3]) not in kept]
    for found in drop:
        c.exec_driver_sql("DELETE FROM sleep_stage WHERE id=?", (found[0],))
    c.exec_driver_sql("UPDATE sleep_stage SET batch_id=? WHERE series_id=? AND uuid=? AND parent=1", (batch_id, row.series_id, row.uuid))
    return [(o[1], o[2], o[4]) for o in drop]


def remove(c: Connection, person_id: int, uuid: bytes) -> list[tuple[int, int, str | None]]:
    """Take away the stages a deletion names; returns the intervals they covered."""
    rows = c.exec_driver_sql(
        'SELECT sleep_stage.id, start, "end", zone FROM sleep_stage JOIN series ON series.id=series_id WHERE person_id=? AND uuid=?',
        (person_id, uuid),
    ).fetchall()
    for row in rows:
        c.exec_driver_sql("DELETE FROM sleep_stage WHERE id=?", (row[0],))
    return [(row[1], row[2], row[3]) for row in rows]


def between(c: Connection, person_id: int, low: int, high: int) -> list[tuple[int, int, int, str, int, str | None]]:
    """(source, start, end, stage, as_of, zone) of the stages in force that overlap [low, high] ms, canonical order."""
    rows = c.exec_driver_sql(
        'SELECT source_id, start, "end", stage, as_of, zone FROM series JOIN sleep_stage ON series_id=series.id '
        'WHERE person_id=? AND start BETWEEN ? AND ? AND superseded=0 ORDER BY start, "end", stage, source_id',
        (person_id, low - 86_400_000, high),
    ).fetchall()
    return [tuple(row) for row in rows if row[2] >= low]
