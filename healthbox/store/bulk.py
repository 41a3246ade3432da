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


# A sample of one series: start and end in whole seconds, value in canonical units; then ``ms`` as in ``Incoming``, zone, metadata.
# Plain tuples: there are millions of them.
BareRow = tuple[int, int, float]
BulkRow = tuple[int, int, float, int | None, int | None, int | None]


class Rows(NamedTuple):
    """Samples of one series, ``bare`` ones and ``full`` ones, each in the order of (start, end). ``longest`` of them in seconds;
    ``distinct``: no two share start and end; ``zoned``: some may have a zone."""

    bare: Sequence[BareRow]
    full: Sequence[BulkRow]
    longest: int
    distinct: bool
    zoned: bool

    @property
    def number(self) -> int:
        return len(self.bare) + len(self.full)

    def all(self) -> list[BulkRow]:
        """In the order of (start, end)."""
        return sorted([*((*row, None, None, None) for row in self.bare), *self.full], key=_when)


class Settled(NamedTuple):
    """``new``: the rows stored, None for all of them; ``rest``: the rows that ``samples`` must look at."""

    new: list[BulkRow] | None
    duplicate: int
    rest: list[BulkRow]


def add(c: Connection, series_id: int, batch_id: int, rows: Rows) -> Settled:
    standing = _standing(c, series_id, rows)
    if standing is None:
        return Settled([], 0, rows.all())
    if not standing and rows.distinct:
        _insert(c, series_id, batch_id, rows)
        return Settled(None, 0, [])
    new: list[BulkRow] = []
    rest: list[BulkRow] = []
    duplicate = 0
    for row in rows.all():
        key = (row[0], row[1])
        known = standing.get(key)
        if known is None:
            standing[key] = row
            new.append(row)
        elif _adds_nothing(row, known):
            duplicate += 1
        else:
            rest.append(row)
    if new:
        bare = [row[:3] for row in new if row[3] is row[4] is row[5] is None]
        full = [row for row in new if not row[3] is row[4] is row[5] is None]
        _insert(c, series_id, batch_id, Rows(bare, full, max(row[1] - row[0] for row in new), True, rows.zoned))
    return Settled(new, duplicate, rest)


def _standing(c: Connection, series_id: int, rows: Rows) -> dict[tuple[int, int], BulkRow] | None:
    """What is stored in the rows' window by (start, end); None when the window says too little or too much."""
    if c.exec_driver_sql("SELECT 1 FROM gone WHERE series_id=? LIMIT 1", (series_id,)).fetchone():
        return None
    limit = DENSE * rows.number + 100
    ends = [part[at][0] for part in (rows.bare, rows.full) if part for at in (0, -1)]
    found = (
        driver(c)
        .execute(
            'SELECT start, "end", value, ms, zone_id, meta_id, tag FROM sample WHERE series_id=? AND start BETWEEN ? AND ? LIMIT ?',
            (series_id, min(ends), max(ends), limit),
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


def _insert(c: Connection, series_id: int, batch_id: int, rows: Rows) -> None:
    _insert_many(c, series_id, batch_id, _BARE, rows.bare)
    _insert_many(c, series_id, batch_id, _FULL, rows.full)
    longest = rows.longest
    if longest > LONG_S:
        times = [row[:2] for part in (rows.bare, rows.full) for row in part]
        long = [(series_id, start, end) for start, end in times if end - start > LONG_S]
        c.exec_driver_sql("INSERT OR IGNORE INTO long_sample (series_id, start, \"end\", tag) VALUES (?,?,?,'')", long)
        longest = max((end - start for start, end in times if end - start <= LONG_S), default=0)
    c.exec_driver_sql("UPDATE series SET longest=? WHERE id=? AND longest<?", (longest, series_id, longest))
    if rows.zoned and any(row[4] is not None for row in rows.full):
        c.exec_driver_sql("UPDATE series SET zoned=1 WHERE id=? AND zoned=0", (series_id,))


def _insert_many(c: Connection, series_id: int, batch_id: int, columns: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> None:
    """Many rows a statement: half the time of one each, and the lock of the interpreter is asked for once, not once a row. Columns
    that are left out cost nothing; the two numbers that every row shares stand in the statement."""
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
