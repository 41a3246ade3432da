"""Taking an upload back: what its rows cover, which other uploads could hold the same, and the removal itself."""

import json
from typing import Any, NamedTuple

from sqlalchemy import Connection

WINDOW_S = 21_600

_MINE = "series_id IN (SELECT id FROM series WHERE person_id=?)"
_READ = "(chunk.status='done' OR (chunk.status='pending' AND chunk.position>0))"
_KEPT = "(chunk.body IS NOT NULL OR chunk.spool IS NOT NULL)"


class Cover(NamedTuple):
    """A stretch of time (ms) that holds rows of an upload; ``metric`` "" for what makes no days, ``zone`` the rows' own."""

    metric: str
    start: int
    end: int
    zone: str | None


class Other(NamedTuple):
    """Another upload of the person: ``chunks`` are read and their bodies kept, ``whole`` when no read body is gone."""

    id: int
    format: str
    zone: str
    headers: dict[str, str]
    shared: bool  # it counted duplicates or updates
    whole: bool
    chunks: list[int]


class Standing(NamedTuple):
    status: str
    touched_at: int
    changing: bool  # it updated or deleted what others had stored, or states sets of points as a whole
    running: bool  # some upload of the person is worked on this moment


def standing(c: Connection, person_id: int, batch_id: int) -> Standing:
    status, touched_at, changed = c.exec_driver_sql("SELECT status, touched_at, updated+deleted FROM batch WHERE id=?", (batch_id,)).one()
    sets = c.exec_driver_sql(f"SELECT 1 FROM point_set WHERE {_MINE} AND batch_id=? LIMIT 1", (person_id, batch_id)).first()
    running = c.exec_driver_sql(
        "SELECT 1 FROM chunk JOIN batch ON batch.id=batch_id WHERE chunk.status='running' AND person_id=? LIMIT 1", (person_id,)
    ).first()
    return Standing(status, touched_at, bool(changed) or sets is not None, running is not None)


def being_read(c: Connection, person_id: int | None, now: int) -> bool:
    """Whether some chunk (of one person, or of all) is worked on or due; one that waits for its next attempt is not."""
    found = c.exec_driver_sql(
        "SELECT 1 FROM chunk JOIN batch ON batch.id=batch_id WHERE (chunk.status='running' OR (chunk.status='pending' AND due_at<=?)) "
        "AND (? IS NULL OR person_id=?) LIMIT 1",
        (now, person_id, person_id),
    )
    return found.first() is not None


def covers(c: Connection, person_id: int, batch_id: int) -> list[Cover]:
    """Where the upload's rows lie in time, samples in stretches of some hours."""
    rows: list[Any] = []
    rows += c.exec_driver_sql(
        'SELECT metric, 1000*min(start), 1000*max("end")+999, zone.name FROM series CROSS JOIN sample ON series_id=series.id '
        'LEFT JOIN zone ON zone.id=zone_id WHERE person_id=? AND batch_id=? GROUP BY series_id, zone_id, start/?, "end"-start>?',
        (person_id, batch_id, WINDOW_S, WINDOW_S),
    ).fetchall()
    rows += c.exec_driver_sql(
        'SELECT metric, start, "end", zone FROM series CROSS JOIN sleep_stage ON series_id=series.id WHERE person_id=? AND batch_id=?',
        (person_id, batch_id),
    ).fetchall()
    rows += c.exec_driver_sql(
        "SELECT metric, start, start, NULL FROM bucket WHERE person_id=? AND batch_id=? AND date IS NULL", (person_id, batch_id)
    ).fetchall()
    for table in ("workout", "clinical"):
        rows += c.exec_driver_sql(
            f"SELECT '', start, coalesce(\"end\", start), NULL FROM {table} WHERE person_id=? AND batch_id=? AND start IS NOT NULL",
            (person_id, batch_id),
        ).fetchall()
    return [Cover(*row) for row in rows]


def dates(c: Connection, person_id: int, batch_id: int) -> list[tuple[str, str]]:
    """(metric, ISO date) of the statements of the upload that name their own date."""
    rows = c.exec_driver_sql(
        "SELECT metric, date FROM bucket WHERE person_id=? AND batch_id=? AND date IS NOT NULL "
        "UNION SELECT 'sleep_analysis', date FROM stated_night WHERE person_id=? AND batch_id=?",
        (person_id, batch_id, person_id, batch_id),
    )
    return [(metric, date) for metric, date in rows]


def others(c: Connection, person_id: int, batch_id: int) -> list[Other]:
    """The person's other uploads of which something was read."""
    rows = c.exec_driver_sql(
        f"SELECT batch.id, format, zone, headers, duplicate+updated>0, min({_KEPT}), json_group_array(chunk.id) FILTER (WHERE {_KEPT}) "
        f"FROM batch JOIN chunk ON chunk.batch_id=batch.id WHERE person_id=? AND batch.id<>? AND {_READ} "
        "GROUP BY batch.id ORDER BY batch.id",
        (person_id, batch_id),
    )
    return [Other(row[0], row[1], row[2], json.loads(row[3]), bool(row[4]), bool(row[5]), json.loads(row[6])) for row in rows]


def touched_since(c: Connection, person_id: int, at: int) -> set[int]:
    return set(c.exec_driver_sql("SELECT id FROM batch WHERE person_id=? AND touched_at>=?", (person_id, at)).scalars())


def restated(c: Connection, person_id: int, batch_id: int) -> list[int]:
    """Other uploads whose buckets this one may have said again later: such a row shows it only by its ``as_of``."""
    rows = c.exec_driver_sql(
        "SELECT DISTINCT batch_id FROM bucket WHERE person_id=? AND batch_id<>? AND as_of IN (SELECT as_of FROM chunk WHERE batch_id=?)",
        (person_id, batch_id, batch_id),
    )
    return list(rows.scalars())


def unmerge(c: Connection, person_id: int, batch_id: int, origins: set[int]) -> None:
    """Rows that the upload changed in place go too, where their own upload is read again afterwards."""
    for origin in origins:
        c.exec_driver_sql(
            "DELETE FROM bucket WHERE person_id=? AND batch_id=? AND as_of IN (SELECT as_of FROM chunk WHERE batch_id=?)",
            (person_id, origin, batch_id),
        )


def unmerge_typed(c: Connection, person_id: int, origins: set[int]) -> None:
    """Workouts and records of uploads that are read again: fields merged into them leave no trace of where they came from."""
    for origin in origins:
        for table in ("workout", "clinical"):
            c.exec_driver_sql(f"DELETE FROM {table} WHERE person_id=? AND batch_id=?", (person_id, origin))


def unname(c: Connection, person_id: int, batch_id: int) -> None:
    """Uuids that this upload was the last to give to rows of others are taken off; a row keeps the ones that others gave it."""
    late = "as_of IN (SELECT as_of FROM chunk WHERE batch_id=?)"
    at = 'a.series_id=t.series_id AND a.start=t.start AND a."end"=t."end" AND a.tag=t.'
    c.exec_driver_sql(f"DELETE FROM also_uuid WHERE {_MINE} AND {late}", (person_id, batch_id))
    c.exec_driver_sql(
        f"UPDATE sample AS t SET (uuid, as_of)=(SELECT uuid, as_of FROM also_uuid AS a WHERE {at}tag ORDER BY uuid LIMIT 1) "
        f"WHERE {_MINE} AND uuid IS NOT NULL AND batch_id<>? AND {late}",
        (person_id, batch_id, batch_id),
    )
    c.exec_driver_sql(
        f"DELETE FROM also_uuid AS a WHERE {_MINE} AND EXISTS (SELECT 1 FROM sample AS t WHERE {at}tag AND t.uuid=a.uuid)", (person_id,)
    )
    c.exec_driver_sql(
        f"UPDATE sleep_stage AS t SET uuid=(SELECT uuid FROM also_uuid AS a WHERE {at}stage ORDER BY uuid LIMIT 1) "
        f"WHERE {_MINE} AND uuid IS NOT NULL AND NOT EXISTS (SELECT 1 FROM also_uuid AS a WHERE {at}stage AND a.uuid=t.uuid)",
        (person_id,),
    )


def forget_gone(c: Connection, person_id: int) -> None:
    """What was remembered as deleted or replaced: every upload that says so is read again."""
    c.exec_driver_sql(f"DELETE FROM gone WHERE {_MINE}", (person_id,))


def take_away(c: Connection, person_id: int, batch_id: int) -> int:
    """Delete every record that the upload stored; how many."""
    ranges = c.exec_driver_sql(
        "SELECT series_id, min(start), max(start) FROM series CROSS JOIN sample ON series_id=series.id WHERE person_id=? AND batch_id=? "
        "GROUP BY series_id",
        (person_id, batch_id),
    ).fetchall()
    gone = 0
    for series_id, low, high in ranges:
        gone += c.exec_driver_sql(
            "DELETE FROM sample WHERE series_id=? AND start BETWEEN ? AND ? AND batch_id=?", (series_id, low, high, batch_id)
        ).rowcount
        for table in ("long_sample", "also_uuid"):
            c.exec_driver_sql(
                f"DELETE FROM {table} AS t WHERE series_id=? AND start BETWEEN ? AND ? AND NOT EXISTS (SELECT 1 FROM sample AS s "
                'WHERE s.series_id=t.series_id AND s.start=t.start AND s."end"=t."end" AND s.tag=t.tag)',
                (series_id, low, high),
            )
    c.exec_driver_sql(f"DELETE FROM point_set WHERE {_MINE} AND batch_id=?", (person_id, batch_id))
    gone += c.exec_driver_sql(f"DELETE FROM sleep_stage WHERE {_MINE} AND batch_id=?", (person_id, batch_id)).rowcount
    c.exec_driver_sql(  # the names of stages, which stand beside them
        "DELETE FROM also_uuid AS t WHERE series_id IN (SELECT id FROM series WHERE person_id=? AND metric='sleep_analysis') "
        "AND NOT EXISTS (SELECT 1 FROM sleep_stage AS s WHERE "
        's.series_id=t.series_id AND s.start=t.start AND s."end"=t."end" AND s.stage=t.tag)',
        (person_id,),
    )
    for table in ("bucket", "stated_night", "workout", "clinical", "tombstone"):
        gone += c.exec_driver_sql(f"DELETE FROM {table} WHERE person_id=? AND batch_id=?", (person_id, batch_id)).rowcount
    return gone


def drop(c: Connection, batch_id: int, now: int) -> list[str]:
    """The upload's bodies and rejections go, its row stays as "removed" and gives up the client's name for it: sent again, it is
    another upload. The spool files to delete once this is committed."""
    spools = list(c.exec_driver_sql("SELECT spool FROM chunk WHERE batch_id=? AND spool IS NOT NULL", (batch_id,)).scalars())
    c.exec_driver_sql("DELETE FROM chunk WHERE batch_id=?", (batch_id,))
    c.exec_driver_sql("DELETE FROM rejection WHERE batch_id=?", (batch_id,))
    c.exec_driver_sql(
        "UPDATE batch SET status='removed', client=NULL, unfinished=NULL, closed_at=?, touched_at=? WHERE id=?", (now, now, batch_id)
    )
    return spools
