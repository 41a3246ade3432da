"""Two series become one: what was said of either is said of the one, as if it had been so from the beginning.

Most rows just move. What meets another row or gone content at its key is taken out and said again, as the upload it came with
said it and under every uuid that names it, so that the rules of an upload decide what is the same and who stays.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row

from healthbox.store import reconciling, sleep
from healthbox.store.engine import driver
from healthbox.store.samples import Apply
from healthbox.store.standing import Incoming, plain

SLICE = 2_000
_AT = 'k.start=t.start AND k."end"=t."end"'
_MEET = (
    "SELECT {columns} FROM {table} AS t WHERE series_id=:old AND start>=:since AND (EXISTS (SELECT 1 FROM {table} AS k "
    f"WHERE k.series_id=:new AND {_AT}) OR EXISTS (SELECT 1 FROM gone AS k WHERE k.series_id=:new AND {_AT})) ORDER BY start LIMIT :most"
)
_NAMELESS = (
    'SELECT {columns} FROM {table} WHERE (series_id, start, "end") IN (SELECT :new, start, "end" FROM gone WHERE series_id=:old) '
    "AND uuid IS NULL"
)
_COLUMNS = {
    "sample": 'series_id, start, "end", tag, uuid, as_of, batch_id, value, ms, zone_id, meta_id',
    "sleep_stage": 'series_id, start, "end", stage AS tag, uuid, as_of, batch_id, zone',
}
_NAMES = 'SELECT uuid, as_of FROM also_uuid WHERE series_id=? AND start=? AND "end"=? AND tag=? ORDER BY uuid'
_SET = "SELECT 1 FROM point_set WHERE series_id=? AND uuid=?"


class _Name(NamedTuple):
    uuid: bytes
    parent: bool
    as_of: int


class _Said(NamedTuple):
    row: Row[Any]
    names: list[_Name]


def merge_series(c: Connection, old: int, new: int) -> None:
    """What is stored of ``old`` becomes part of ``new``, another series of the person; ``old`` is no more. The caller marks the days."""
    person_id, metric = c.exec_driver_sql("SELECT person_id, metric FROM series WHERE id=?", (new,)).one()
    table = "sleep_stage" if metric == sleep.METRIC else "sample"
    given: dict[str, Any] = {"old": old, "new": new, "most": SLICE, "since": -(1 << 62)}
    nameless = _taken(c, table, c.exec_driver_sql(_NAMELESS.format(table=table, columns=_COLUMNS[table]), given).fetchall())
    _move(c, "gone", old, new)
    _say(c, person_id, metric, new, nameless)
    meet = _MEET.format(table=table, columns=_COLUMNS[table])
    while rows := c.exec_driver_sql(meet, given).fetchall():
        given["since"] = rows[-1].start  # others of that start may be left
        _say(c, person_id, metric, new, _taken(c, table, rows))
    for rest in (table, "long_sample", "also_uuid"):
        _move(c, rest, old, new)
    c.exec_driver_sql(
        'INSERT INTO point_set (series_id, uuid, batch_id, as_of, start, "end", replaced) SELECT ?, uuid, batch_id, as_of, start, "end", '
        "replaced FROM point_set WHERE series_id=? ON CONFLICT DO UPDATE SET as_of=max(as_of, excluded.as_of), "
        'start=min(start, excluded.start), "end"=max("end", excluded."end"), replaced=max(replaced, excluded.replaced)',
        (new, old),
    )
    c.exec_driver_sql("DELETE FROM point_set WHERE series_id=?", (old,))
    reconciling.merge_series(c, old, new)
    c.exec_driver_sql(
        "UPDATE series SET longest=max(series.longest, was.longest), zoned=max(series.zoned, was.zoned) "
        "FROM series AS was WHERE series.id=? AND was.id=?",
        (new, old),
    )
    c.exec_driver_sql("DELETE FROM series WHERE id=?", (old,))


def _move(c: Connection, table: str, old: int, new: int) -> None:
    c.exec_driver_sql(f"UPDATE OR IGNORE {table} SET series_id=? WHERE series_id=?", (new, old))
    c.exec_driver_sql(f"DELETE FROM {table} WHERE series_id=?", (old,))


def _taken(c: Connection, table: str, rows: Sequence[Row[Any]]) -> list[_Said]:
    """Take the rows out, with the uuids that name them."""
    beneath = driver(c)
    found = []
    for row in rows:
        names = {} if row.uuid is None else {row.uuid: row.as_of or 0}
        names |= dict(beneath.execute(_NAMES, row[:4]))  # a stage's first one stands there, too
        parents = {uuid for uuid in names if beneath.execute(_SET, (row.series_id, uuid)).fetchone()}
        found.append(_Said(row, [_Name(uuid, uuid in parents, as_of) for uuid, as_of in names.items()]))
    tag = "stage" if table == "sleep_stage" else "tag"
    for place, column in ((table, tag), ("long_sample", "tag"), ("also_uuid", "tag")):
        beneath.executemany(
            f'DELETE FROM {place} WHERE series_id=? AND start=? AND "end"=? AND {column}=?', [tuple(row[:4]) for row in rows]
        )
    return found


def _say(c: Connection, person_id: int, metric: str, series_id: int, said: list[_Said]) -> None:
    by_batch: dict[int, list[_Said]] = {}
    for one in said:
        by_batch.setdefault(one.row.batch_id, []).append(one)
    for batch_id, own in sorted(by_batch.items()):
        if metric == sleep.METRIC:
            sleep.apply(c, person_id, batch_id, [_stage(series_id, one.row, name) for one in own for name in one.names])
            sleep.apply(c, person_id, batch_id, [_stage(series_id, one.row, None) for one in own])  # its own as_of may be later
        else:
            items = [_sample(series_id, one.row, name) for one in own for name in one.names or (None,)]
            Apply(c, person_id, batch_id, {series_id: metric}).run(items)


def _sample(series_id: int, row: Row[Any], name: _Name | None) -> Incoming:
    uuid, parent, as_of = name or (None, False, 0)
    return Incoming(series_id, row.start, row.end, row.value, plain(row.tag), uuid, parent, row.ms, row.zone_id, row.meta_id, as_of)


def _stage(series_id: int, row: Row[Any], name: _Name | None) -> sleep.StageRow:
    uuid, parent, as_of = name or (None, False, row.as_of)
    return sleep.StageRow(series_id, row.start, row.end, row.tag, uuid, parent, row.zone, as_of)
