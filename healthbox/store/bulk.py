"""Samples without uuid in bulk, as big files bring them: what is plainly new or plainly known is settled here.

The rules are those of ``samples``; a row that needs more than a look (other content at its key, something to fill in, a
series with deletions) is handed back to it.
"""

import math
from collections.abc import Sequence
from itertools import chain
from operator import itemgetter
from typing import Any, NamedTuple

from sqlalchemy import Connection

from healthbox.store.engine import driver
from healthbox.store.samples import same
from healthbox.store.standing import LONG_S

AT_ONCE = 100
_BARE = ("start", '"end"', "value")
_FULL = (*_BARE, "ms", "zone_id", "meta_id")
DENSE = 4  # more stored rows in the window than this many per row: not worth reading them all


# A sample of one series: start and end in whole seconds, value in canonical units, ``ms`` as in ``Incoming``, zone, metadata.
# A plain tuple: there are millions of them.
BulkRow = tuple[int, int, float, int | None, int | None, int | None]


class Settled(NamedTuple):
    """``new``: the rows stored, as given; ``rest``: positions of the rows that ``samples`` must look at."""

    new: list[BulkRow]
    duplicate: int
    rest: list[int]


def add(c: Connection, series_id: int, batch_id: int, rows: list[BulkRow], *, distinct: bool = False) -> Settled:
    """Rows in the order of (start, end) go in fastest. ``distinct``: it is known that no two of them share both."""
    standing = _standing(c, series_id, rows)
    if standing is None:
        return Settled([], 0, list(range(len(rows))))
    if not standing and (distinct or len(set(map(_when, rows))) == len(rows)):
        _insert(c, series_id, batch_id, rows)
        return Settled(rows, 0, [])
    new: list[BulkRow] = []
    rest: list[int] = []
    duplicate = 0
    for at, row in enumerate(rows):
        key = (row[0], row[1])
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
            (series_id, min(row[0] for row in rows), max(row[0] for row in rows), limit),
        )
        .fetchall()
    )
    if len(found) == limit:
        return None
    standing: dict[tuple[int, int], BulkRow] = {}
    for start, end, value, ms, zone_id, meta_id, tag in found:
        if tag or (start, end) in standing:  # several contents at one key: the careful way
            standing[start, end] = (start, end, math.nan, None, None, None)
        else:
            standing[start, end] = (start, end, value, ms, zone_id, meta_id)
    return standing


def _adds_nothing(row: BulkRow, known: BulkRow) -> bool:
    _, _, value, ms, zone_id, meta_id = row
    _, _, old_value, old_ms, old_zone, old_meta = known
    return (
        value <= old_value
        and same(value, old_value)
        and (ms or 0) <= (old_ms or 0)
        and (zone_id is None or old_zone is not None)
        and (meta_id is None or old_meta is not None)
    )


def _insert(c: Connection, series_id: int, batch_id: int, rows: Sequence[BulkRow]) -> None:
    if not rows:
        return
    bare = [row[:3] for row in rows if row[3] is row[4] is row[5] is None]
    _insert_many(c, series_id, batch_id, _BARE, bare)
    if len(bare) < len(rows):
        _insert_many(c, series_id, batch_id, _FULL, [row for row in rows if not row[3] is row[4] is row[5] is None])
    lengths = [row[1] - row[0] for row in rows]
    longest = max(lengths)
    if longest > LONG_S:
        long = [(series_id, row[0], row[1]) for row in rows if row[1] - row[0] > LONG_S]
        c.exec_driver_sql("INSERT OR IGNORE INTO long_sample (series_id, start, \"end\", tag) VALUES (?,?,?,'')", long)
        longest = max((length for length in lengths if length <= LONG_S), default=0)
    c.exec_driver_sql("UPDATE series SET longest=? WHERE id=? AND longest<?", (longest, series_id, longest))
    if any(row[4] is not None for row in rows):
        c.exec_driver_sql("UPDATE series SET zoned=1 WHERE id=? AND zoned=0", (series_id,))


def _insert_many(c: Connection, series_id: int, batch_id: int, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> None:
    """Many rows a statement: half the time of one each, and the lock of the interpreter is asked for once, not once a row. Columns
    that are left out cost nothing; the two numbers that every row shares stand in the statement."""
    rows = sorted(rows, key=_when)
    row = f"({int(series_id)},{','.join('?' * len(columns))},{int(batch_id)},'')"
    head = f"INSERT INTO sample (series_id, {', '.join(columns)}, batch_id, tag) VALUES "
    full = len(rows) - len(rows) % AT_ONCE
    beneath = driver(c)
    if full:
        statement = head + ",".join([row] * AT_ONCE)
        for at in range(0, full, AT_ONCE):
            beneath.execute(statement, tuple(chain.from_iterable(rows[at : at + AT_ONCE])))
    if full < len(rows):
        beneath.executemany(head + row, rows[full:])


_when = itemgetter(0, 1)
