"""Samples: the high-volume table and the rules that decide whether two records are the same.

Rows are clustered by (series, start, end, tag): all look-ups here are by that key or inside a chunk's own time window,
so a chunk costs the same however much is stored. The rules, in the order they are asked:

1. its uuid was deleted → "deleted"; its content is remembered as gone;
2. its uuid stands in the window (or as a second uuid): equal content → duplicate, other content → the greater
   (as_of, value) stays, the loser's content is remembered as gone;
3. equal content, value within 1e-5 relative → duplicate; a first uuid is adopted, a second one remembered beside it;
4. no uuid and content known as gone → "deleted";
5. else new; what differs at one key is told apart by ``tag``.

A parent uuid names a set of points: a set from a newer batch replaces the older one as a whole.
"""

import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from healthbox.store.tombstones import buried

LONG_S = 48 * 3600
WINDOW_S = 3600
TOLERANCE = 1e-5


class Incoming(NamedTuple):
    """A sample in canonical units; start and end in whole seconds by floor, ``ms`` = start_ms * 1000 + end_ms or None."""

    series_id: int
    start: int
    end: int
    value: float
    tag: str = ""
    uuid: bytes | None = None
    parent: bool = False
    ms: int | None = None
    zone_id: int | None = None
    meta_id: int | None = None
    as_of: int = 0


class Change(NamedTuple):
    """An interval of a series whose days may be different now (seconds)."""

    series_id: int
    start: int
    end: int
    zone_id: int | None


class _Row:
    __slots__ = ("as_of", "end", "fresh", "meta_id", "ms", "series_id", "start", "tag", "uuid", "value", "zone_id")

    def __init__(
        self,
        series_id: int,
        start: int,
        end: int,
        tag: str,
        value: float,
        uuid: bytes | None,
        as_of: int | None,
        ms: int | None = None,
        zone_id: int | None = None,
        meta_id: int | None = None,
        fresh: bool = False,
    ) -> None:
        self.series_id, self.start, self.end, self.tag, self.value = series_id, start, end, tag, value
        self.uuid, self.as_of, self.ms, self.zone_id, self.meta_id, self.fresh = uuid, as_of, ms, zone_id, meta_id, fresh

    @property
    def key(self) -> tuple[int, int, int]:
        return (self.series_id, self.start, self.end)


_COLUMNS = 'series_id, start, "end", tag, value, uuid, as_of, ms, zone_id, meta_id'


def same(a: float, b: float) -> bool:
    return a == b or abs(a - b) <= TOLERANCE * max(abs(a), abs(b))


class Apply:
    """One step's samples against what stands; collects the changes and writes them with ``flush``."""

    def __init__(self, c: Connection, person_id: int, batch_id: int) -> None:
        self._c, self._person, self._batch = c, person_id, batch_id
        self.counts = {"new": 0, "updated": 0, "duplicate": 0, "deleted": 0}
        self.changes: list[Change] = []
        self._by_key: dict[tuple[int, int, int], list[_Row]] = {}
        self._by_uuid: dict[tuple[int, bytes], _Row] = {}
        self._also: dict[tuple[int, bytes], _Row] = {}
        self._gone: dict[tuple[int, int, int], list[float]] = {}
        self._buried: set[bytes] = set()
        self._removed: list[_Row] = []
        self._adopted: list[_Row] = []
        self._new_also: list[tuple[int, bytes, int, int, str]] = []
        self._new_gone: list[tuple[int, int, int, float]] = []

    def run(self, incoming: Sequence[Incoming]) -> None:
        if not incoming:
            return
        self._load(incoming)
        parents: dict[tuple[int, bytes], list[Incoming]] = {}
        for item in incoming:
            if item.parent and item.uuid is not None:
                parents.setdefault((item.series_id, item.uuid), []).append(item)
            else:
                self._take(item)
        for (series_id, uuid), points in parents.items():
            self._take_set(series_id, uuid, points)
        self._flush()

    # -- what stands --------------------------------------------------------------------------------------------------

    def _load(self, incoming: Sequence[Incoming]) -> None:
        keys = json.dumps(list({(i.series_id, i.start, i.end) for i in incoming}))
        wanted = "WITH k(s, a, b) AS (SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?)) "
        for row in self._c.exec_driver_sql(
            wanted + 'SELECT t.series_id, t.start, t."end", t.tag, t.value, t.uuid, t.as_of, t.ms, t.zone_id, t.meta_id '
            'FROM k CROSS JOIN sample AS t ON t.series_id=k.s AND t.start=k.a AND t."end"=k.b ORDER BY t.tag',
            (keys,),
        ):
            self._remember(_Row(*row))
        for series_id, start, end, value in self._c.exec_driver_sql(
            wanted + 'SELECT g.series_id, g.start, g."end", g.value FROM k CROSS JOIN gone AS g '
            'ON g.series_id=k.s AND g.start=k.a AND g."end"=k.b',
            (keys,),
        ):
            self._gone.setdefault((series_id, start, end), []).append(value)
        with_uuid = [i for i in incoming if i.uuid is not None]
        if with_uuid:
            self._load_uuids(with_uuid)

    def _load_uuids(self, incoming: Sequence[Incoming]) -> None:
        uuids = {i.uuid for i in incoming if i.uuid is not None}
        self._buried = buried(self._c, self._person, uuids)
        starts: dict[int, list[int]] = {}
        for item in incoming:
            starts.setdefault(item.series_id, []).append(item.start)
        for series_id, found in starts.items():
            for low, high in windows(found):
                for row in self._c.exec_driver_sql(
                    f"SELECT {_COLUMNS} FROM sample WHERE series_id=? AND start BETWEEN ? AND ? AND uuid IS NOT NULL",
                    (series_id, low, high),
                ):
                    if row[5] in uuids and (series_id, row[5]) not in self._by_uuid:
                        self._remember(self._known(_Row(*row)))
            if self._c.exec_driver_sql("SELECT 1 FROM also_uuid WHERE series_id=? LIMIT 1", (series_id,)).fetchone():
                self._load_also(series_id, [i.uuid for i in incoming if i.series_id == series_id and i.uuid is not None])

    def _load_also(self, series_id: int, uuids: Iterable[bytes]) -> None:
        for uuid in uuids:
            key = self._c.exec_driver_sql(
                'SELECT start, "end", tag FROM also_uuid WHERE series_id=? AND uuid=?', (series_id, uuid)
            ).fetchone()
            if key is None:
                continue
            row = self._c.exec_driver_sql(
                f'SELECT {_COLUMNS} FROM sample WHERE series_id=? AND start=? AND "end"=? AND tag=?',
                (series_id, *key),
            ).fetchone()
            if row is not None:
                self._also[series_id, uuid] = self._known(_Row(*row))

    def _known(self, row: _Row) -> _Row:
        """The one object that stands for a stored row, however often it is found."""
        for other in self._by_key.get(row.key, ()):
            if other.tag == row.tag:
                return other
        self._by_key.setdefault(row.key, []).append(row)
        return row

    def _remember(self, row: _Row) -> None:
        row = self._known(row)
        if row.uuid is not None:
            self._by_uuid[row.series_id, row.uuid] = row

    # -- one sample ---------------------------------------------------------------------------------------------------

    def _take(self, item: Incoming) -> None:
        if item.uuid is not None:
            if item.uuid in self._buried:
                self._bury_content(item.series_id, item.start, item.end, item.value)
                self.counts["deleted"] += 1
                return
            standing = self._by_uuid.get((item.series_id, item.uuid)) or self._also.get((item.series_id, item.uuid))
            if standing is not None:
                self._take_again(item, standing)
                return
        if self._find_equal(item):
            self.counts["duplicate"] += 1
            return
        key = (item.series_id, item.start, item.end)
        if item.uuid is None and any(same(item.value, value) for value in self._gone.get(key, ())):
            self.counts["deleted"] += 1
            return
        self._insert(item)
        self.counts["new"] += 1

    def _take_again(self, item: Incoming, standing: _Row) -> None:
        equal = standing.key == (item.series_id, item.start, item.end) and same(standing.value, item.value)
        if equal or (item.as_of, item.value) <= (standing.as_of or 0, standing.value):
            self.counts["duplicate"] += 1
            if not equal:
                self._bury_content(item.series_id, item.start, item.end, item.value)
            return
        if standing.uuid == item.uuid:
            self._remove(standing)
            self._bury_content(standing.series_id, standing.start, standing.end, standing.value)
        else:  # it was only the second name of that content, which stays for its own uuid
            del self._also[item.series_id, item.uuid or b""]
            self._c.exec_driver_sql("DELETE FROM also_uuid WHERE series_id=? AND uuid=?", (item.series_id, item.uuid))
        if not self._find_equal(item):
            self._insert(item)
        self.counts["updated"] += 1

    def _find_equal(self, item: Incoming) -> bool:
        for row in self._by_key.get((item.series_id, item.start, item.end), ()):
            if same(row.value, item.value) and (not item.tag or item.tag == row.tag):
                if item.uuid is not None and row.uuid is None:
                    row.uuid, row.as_of = item.uuid, item.as_of
                    self._by_uuid[row.series_id, item.uuid] = row
                    if not row.fresh:
                        self._adopted.append(row)
                elif item.uuid is not None and row.uuid != item.uuid:
                    self._also[row.series_id, item.uuid] = row
                    self._new_also.append((row.series_id, item.uuid, row.start, row.end, row.tag))
                return True
        return False

    def _insert(self, item: Incoming) -> None:
        rows = self._by_key.setdefault((item.series_id, item.start, item.end), [])
        used = {row.tag for row in rows}
        tag, ordinal = item.tag, 0
        while tag in used:
            ordinal += 1
            tag = f"{item.tag}#{ordinal}"
        row = _Row(
            item.series_id,
            item.start,
            item.end,
            tag,
            item.value,
            item.uuid,
            item.as_of if item.uuid else None,
            item.ms,
            item.zone_id,
            item.meta_id,
            fresh=True,
        )
        rows.append(row)
        if item.uuid is not None and not item.parent:
            self._by_uuid[item.series_id, item.uuid] = row
        self.changes.append(Change(item.series_id, item.start, item.end, item.zone_id))

    def _remove(self, row: _Row) -> None:
        self._by_key[row.key].remove(row)
        if row.uuid is not None:
            self._by_uuid.pop((row.series_id, row.uuid), None)
        if not row.fresh:
            self._removed.append(row)
        self.changes.append(Change(row.series_id, row.start, row.end, row.zone_id))

    def _bury_content(self, series_id: int, start: int, end: int, value: float) -> None:
        self._gone.setdefault((series_id, start, end), []).append(value)
        self._new_gone.append((series_id, start, end, value))

    # -- a set of points under one uuid -------------------------------------------------------------------------------

    def _take_set(self, series_id: int, uuid: bytes, points: list[Incoming]) -> None:
        if uuid in self._buried:
            self.counts["deleted"] += len(points)
            return
        as_of = max(p.as_of for p in points)
        low, high = min(p.start for p in points), max(p.end for p in points)
        standing = self._c.exec_driver_sql(
            'SELECT batch_id, as_of, start, "end" FROM point_set WHERE series_id=? AND uuid=?', (series_id, uuid)
        ).fetchone()
        old: list[_Row] = []
        if standing is not None:
            if standing[0] != self._batch and standing[1] > as_of:
                self.counts["duplicate"] += len(points)
                return
            for found in self._c.exec_driver_sql(
                f"SELECT {_COLUMNS} FROM sample WHERE series_id=? AND start BETWEEN ? AND ? AND uuid=?",
                (series_id, standing[2], standing[3], uuid),
            ).fetchall():
                old.append(self._known(_Row(*found)))
        for point in points:
            if self._find_equal(point._replace(uuid=None)):
                self.counts["duplicate"] += 1
            else:
                self._insert(point)
                self.counts["updated" if standing else "new"] += 1
        if standing is not None and standing[0] != self._batch:
            kept = {(p.start, p.end) for p in points}
            for row in old:
                if (row.start, row.end) not in kept or not any(same(row.value, p.value) for p in points if (p.start, p.end) == row.key[1:]):
                    self._remove(row)
        elif standing is not None:
            low, high = min(low, standing[2]), max(high, standing[3])
        self._c.exec_driver_sql(
            'INSERT OR REPLACE INTO point_set (series_id, uuid, batch_id, as_of, start, "end") VALUES (?,?,?,?,?,?)',
            (series_id, uuid, self._batch, as_of, low, high),
        )

    # -- writing ------------------------------------------------------------------------------------------------------

    def _flush(self) -> None:
        c = self._c
        if self._removed:
            keys = [(r.series_id, r.start, r.end, r.tag) for r in self._removed]
            release(c, keys)
        if self._adopted:
            c.exec_driver_sql(
                'UPDATE sample SET uuid=?, as_of=? WHERE series_id=? AND start=? AND "end"=? AND tag=?',
                [(r.uuid, r.as_of, r.series_id, r.start, r.end, r.tag) for r in self._adopted],
            )
        fresh = [row for rows in self._by_key.values() for row in rows if row.fresh]
        if fresh:
            fresh.sort(key=lambda r: (r.series_id, r.start, r.end, r.tag))
            c.exec_driver_sql(
                'INSERT INTO sample (series_id, start, "end", tag, value, uuid, ms, zone_id, meta_id, batch_id, as_of) '
                "VALUES (?,?,?,?,?,?,?,?,?,?,?)",
                [(r.series_id, r.start, r.end, r.tag, r.value, r.uuid, r.ms, r.zone_id, r.meta_id, self._batch, r.as_of) for r in fresh],
            )
            _stretch(c, fresh)
        if self._new_also:
            c.exec_driver_sql('INSERT OR REPLACE INTO also_uuid (series_id, uuid, start, "end", tag) VALUES (?,?,?,?,?)', self._new_also)
        if self._new_gone:
            c.exec_driver_sql('INSERT OR IGNORE INTO gone (series_id, start, "end", value) VALUES (?,?,?,?)', self._new_gone)


def release(c: Connection, keys: list[tuple[int, int, int, str]]) -> int:
    """Take away rows under the uuid they carry; content that a second uuid also names stays, under that one.

    Returns how many rows are really gone."""
    gone = 0
    for key in keys:
        other = c.exec_driver_sql(
            'SELECT uuid FROM also_uuid WHERE series_id=? AND start=? AND "end"=? AND tag=? ORDER BY uuid LIMIT 1', key
        ).fetchone()
        if other is not None:
            c.exec_driver_sql('UPDATE sample SET uuid=? WHERE series_id=? AND start=? AND "end"=? AND tag=?', (other[0], *key))
            c.exec_driver_sql("DELETE FROM also_uuid WHERE series_id=? AND uuid=?", (key[0], other[0]))
        else:
            c.exec_driver_sql('DELETE FROM sample WHERE series_id=? AND start=? AND "end"=? AND tag=?', key)
            c.exec_driver_sql('DELETE FROM long_sample WHERE series_id=? AND start=? AND "end"=? AND tag=?', key)
            gone += 1
    return gone


def _stretch(c: Connection, rows: list[_Row]) -> None:
    """A series keeps its longest interval (capped) and whether any of its rows carries a zone of its own."""
    longest: dict[int, int] = {}
    zoned: set[int] = set()
    long: list[tuple[int, int, int, str]] = []
    for row in rows:
        length = row.end - row.start
        if length > LONG_S:
            long.append((row.series_id, row.start, row.end, row.tag))
            length = 0
        longest[row.series_id] = max(longest.get(row.series_id, 0), length)
        if row.zone_id is not None:
            zoned.add(row.series_id)
    c.exec_driver_sql("UPDATE series SET longest=? WHERE id=? AND longest<?", [(n, s, n) for s, n in longest.items()])
    if zoned:
        c.exec_driver_sql("UPDATE series SET zoned=1 WHERE id=? AND zoned=0", [(s,) for s in zoned])
    if long:
        c.exec_driver_sql('INSERT OR IGNORE INTO long_sample (series_id, start, "end", tag) VALUES (?,?,?,?)', long)


def windows(starts: list[int]) -> list[tuple[int, int]]:
    """Few disjoint [low, high] windows, an hour wider than the starts they hold: where a changed record is looked for."""
    found: list[tuple[int, int]] = []
    for start in sorted(set(starts)):
        if found and start - WINDOW_S <= found[-1][1]:
            found[-1] = (found[-1][0], start + WINDOW_S)
        else:
            found.append((start - WINDOW_S, start + WINDOW_S))
    return found
