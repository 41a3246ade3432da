"""Samples without uuid in bulk, as big files bring them: what is plainly new or plainly known is settled here.

The rules are those of ``samples``; a row that needs more than a look (other content at its key, something to fill in, a
series with deletions) is handed back to it.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from healthbox.store.engine import driver
from healthbox.store.samples import same
from healthbox.store.standing import LONG_S

DENSE = 4  # more stored rows in the window than this many per row: not worth reading them all


class BulkRow(NamedTuple):
    """A sample of one series in canonical units; start and end in whole seconds, ``ms`` as in ``Incoming``."""

    start: int
    end: int
    value: float
    ms: int | None
    zone_id: int | None
    meta_id: int | None


class Settled(NamedTuple):
    """``new``: the rows stored, as given; ``rest``: positions of the rows that ``samples`` must look at."""

    new: list[BulkRow]
    duplicate: int
    rest: list[int]


def add(c: Connection, series_id: int, batch_id: int, rows: Sequence[BulkRow]) -> Settled:
    standing = _standing(c, series_id, rows)
    if standing is None:
        return Settled([], 0, list(range(len(rows))))
    new: list[BulkRow] = []
    rest: list[int] = []
    duplicate = 0
    for at, row in enumerate(rows):
        key = (row.start, row.end)
        known = standing.get(key)
        if known is None:
            standing[key] = row
            new.append(row)
        elif _adds_nothing(row, known):
            duplicate += 1
        else:
            rest.append(at)
    _insert(c, series_id, batch_id, new)
    return Settled(new, duplicate, rest)


def _standing(c: Connection, series_id: int, rows: Sequence[BulkRow]) -> dict[tuple[int, int], BulkRow] | None:
    """What is stored in the rows' window by (start, end); None when the window says too little or too much."""
    if c.exec_driver_sql("SELECT 1 FROM gone WHERE series_id=? LIMIT 1", (series_id,)).fetchone():
        return None
    limit = DENSE * len(rows) + 100
    found = (
        driver(c)
        .execute(
            'SELECT start, "end", value, ms, zone_id, meta_id, tag FROM sample WHERE series_id=? AND start BETWEEN ? AND ? LIMIT ?',
            (series_id, min(row.start for row in rows), max(row.start for row in rows), limit),
        )
        .fetchall()
    )
    if len(found) == limit:
        return None
    standing: dict[tuple[int, int], BulkRow] = {}
    for start, end, value, ms, zone_id, meta_id, tag in found:
        if tag or (start, end) in standing:  # several contents at one key: the careful way
            standing[start, end] = BulkRow(start, end, float("nan"), None, None, None)
        else:
            standing[start, end] = BulkRow(start, end, value, ms, zone_id, meta_id)
    return standing


def _adds_nothing(row: BulkRow, known: BulkRow) -> bool:
    return (
        row.value <= known.value
        and same(row.value, known.value)
        and (row.ms or 0) <= (known.ms or 0)
        and (row.zone_id is None or known.zone_id is not None)
        and (row.meta_id is None or known.meta_id is not None)
    )


def _insert(c: Connection, series_id: int, batch_id: int, rows: Sequence[BulkRow]) -> None:
    if not rows:
        return
    ordered = sorted(rows, key=lambda row: (row.start, row.end))
    c.exec_driver_sql(
        'INSERT INTO sample (series_id, start, "end", tag, value, ms, zone_id, meta_id, batch_id) VALUES (?,?,?,\'\',?,?,?,?,?)',
        [(series_id, *row, batch_id) for row in ordered],
    )
    longest = max((row.end - row.start for row in rows if row.end - row.start <= LONG_S), default=0)
    c.exec_driver_sql("UPDATE series SET longest=? WHERE id=? AND longest<?", (longest, series_id, longest))
    if any(row.zone_id is not None for row in rows):
        c.exec_driver_sql("UPDATE series SET zoned=1 WHERE id=? AND zoned=0", (series_id,))
    long = [(series_id, row.start, row.end) for row in rows if row.end - row.start > LONG_S]
    if long:
        c.exec_driver_sql('INSERT OR IGNORE INTO long_sample (series_id, start, "end", tag) VALUES (?,?,?,\'\')', long)
