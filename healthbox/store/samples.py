"""Samples: the rules that decide whether two records are the same. ``standing`` knows what is stored.

The rules, in the order they are asked:

1. its uuid was deleted → "deleted"; its content is remembered as gone;
2. its uuid names a row of the same metric: equal content → duplicate, other content → the greater (as_of, value) stays,
   the loser's content is remembered as gone;
3. equal content, value within 1e-5 relative → duplicate; a first uuid is adopted, a second one remembered beside it;
4. no uuid and content known as gone → "deleted";
5. else new; what differs at one key is told apart by ``tag``.

A parent uuid names a set of points: a more recent set replaces the older one as a whole, parts of one statement add up.

Nothing depends on the order of arrival: content that turns out to be gone takes a row without uuid along, of two equal
values the larger stands, and what one record leaves open (fraction of a second, zone) another fills.
"""

from collections.abc import Sequence
from typing import NamedTuple

from sqlalchemy import Connection

from healthbox.store.engine import driver
from healthbox.store.standing import Incoming, Row, Standing, plain
from healthbox.store.tombstones import buried

TOLERANCE = 1e-5


class Change(NamedTuple):
    """An interval of a series whose days may be different now (seconds)."""

    series_id: int
    start: int
    end: int
    zone_id: int | None


def same(a: float, b: float) -> bool:
    return a == b or abs(a - b) <= TOLERANCE * max(abs(a), abs(b))


class Apply:
    """One step's samples against what stands. ``metric_of`` names the metric of each series, and learns of more."""

    def __init__(self, c: Connection, person_id: int, batch_id: int, metric_of: dict[int, str]) -> None:
        self._c, self._person, self._batch, self._metric_of = c, person_id, batch_id, metric_of
        self._standing = Standing(c, person_id, metric_of)
        self._buried: dict[str, set[bytes]] = {}
        self.counts = {"new": 0, "updated": 0, "duplicate": 0, "deleted": 0}
        self.changes: list[Change] = []

    def run(self, incoming: Sequence[Incoming]) -> None:
        if not incoming:
            return
        self._standing.load(incoming)
        named: dict[str, set[bytes]] = {}
        for item in incoming:
            if item.uuid is not None:
                named.setdefault(self._metric_of[item.series_id], set()).add(item.uuid)
        self._buried = {metric: buried(self._c, self._person, metric, uuids) for metric, uuids in named.items()}
        sets: dict[tuple[int, bytes], list[Incoming]] = {}
        for item in incoming:
            if item.parent and item.uuid is not None:
                sets.setdefault((item.series_id, item.uuid), []).append(item)
            else:
                self.counts[self._take(item)] += 1
        for (series_id, uuid), points in sets.items():
            self._take_set(series_id, uuid, points)
        self._standing.write(self._batch)

    def _take(self, item: Incoming) -> str:
        if item.uuid is not None:
            metric = self._metric_of[item.series_id]
            if item.uuid in self._buried[metric]:
                self._bury(item)
                return "deleted"
            if (standing := self._standing.by_uuid.get((metric, item.uuid))) is not None:
                return self._take_again(item, item.uuid, standing)
        if self._join_equal(item):
            return "duplicate"
        if item.uuid is None and any(same(item.value, v) for v in self._standing.gone.get((item.series_id, item.start, item.end), ())):
            return "deleted"
        self._insert(item)
        return "new"

    def _take_again(self, item: Incoming, uuid: bytes, standing: Row) -> str:
        if standing.key == (item.series_id, item.start, item.end) and same(standing.value, item.value):
            self._join(standing, item)
            return "duplicate"
        before = (standing.uuids[uuid], standing.value, standing.end, standing.start)
        if (item.as_of, item.value, item.end, item.start) <= before:
            self._bury(item)
            return "duplicate"
        self._unname(standing, uuid)
        if not self._join_equal(item):
            self._insert(item)
        return "updated"

    # -- one row ------------------------------------------------------------------------------------------------------

    def _equal(self, item: Incoming) -> Row | None:
        """The row with this content. A tag is told apart only from another tag."""
        rows = [r for r in self._standing.rows.get((item.series_id, item.start, item.end), ()) if same(r.value, item.value)]
        exact = next((r for r in rows if plain(r.tag) == item.tag), None)
        return exact or next((r for r in rows if not item.tag or not plain(r.tag)), None)

    def _join_equal(self, item: Incoming) -> bool:
        row = self._equal(item)
        if row is not None:
            self._join(row, item)
        return row is not None

    def _join(self, row: Row, item: Incoming) -> None:
        """Two records of one thing: the row takes what it lacks."""
        if item.uuid is not None:
            self._standing.name(row, item.uuid, item.as_of)
        if item.tag and not plain(row.tag):
            self._standing.retag(row, item.tag)
        before = (row.value, row.ms, row.zone_id)
        after = (max(row.value, item.value), max(row.ms or 0, item.ms or 0) or None, item.zone_id if row.zone_id is None else row.zone_id)
        if after != before:
            self._touch(row)
            row.value, row.ms, row.zone_id = after
            row.changed = True
            self._touch(row)
        if row.meta_id is None and item.meta_id is not None:
            row.meta_id, row.changed = item.meta_id, True

    def _insert(self, item: Incoming) -> None:
        self._touch(self._standing.add(item))

    def _touch(self, row: Row) -> None:
        self.changes.append(Change(row.series_id, row.start, row.end, row.zone_id))

    def _unname(self, row: Row, uuid: bytes) -> None:
        if self._standing.unname(row, uuid):
            self._touch(row)
            self._standing.bury(row.key, row.value)

    def _bury(self, item: Incoming) -> None:
        """Content that is gone takes a row along that stood without uuid."""
        self._standing.bury((item.series_id, item.start, item.end), item.value)
        row = self._equal(item)
        if row is not None and not row.uuids:
            self._standing.remove(row)
            self._touch(row)

    # -- a set of points under one uuid -------------------------------------------------------------------------------

    def _take_set(self, series_id: int, uuid: bytes, points: list[Incoming]) -> None:
        metric = self._metric_of[series_id]
        if uuid in self._buried[metric]:
            for point in points:
                self._bury(point)
            self.counts["deleted"] += len(points)
            return
        as_of = max(p.as_of for p in points)
        sets = point_sets(self._c, uuid, self._standing.series_of(metric))
        newest = max((found.as_of for found in sets), default=None)
        if newest is not None and newest > as_of:
            for point in points:
                self._bury(point)
            self.counts["duplicate"] += len(points)
            return
        if newest is not None and newest < as_of:
            for found in sets:
                for row in self._standing.of_parent(found.series_id, uuid, found.low, found.high):
                    if not any(row.key == (p.series_id, p.start, p.end) and same(row.value, p.value) for p in points):
                        self._unname(row, uuid)
                forget_set(self._c, found.series_id, uuid)
        told = outcomes(sets, self._batch)
        for point in points:
            if self._join_equal(point):
                self.counts["duplicate"] += 1
            else:
                known = any(same(point.value, v) for v in self._standing.gone.get((point.series_id, point.start, point.end), ()))
                self._insert(point)
                self.counts[told.again if known else told.added] += 1
        keep_set(self._c, self._batch, PointSet(series_id, as_of, min(p.start for p in points), max(p.start for p in points)), uuid, told)


class PointSet(NamedTuple):
    """The points that a parent uuid names in one series: how recent, the first and the last start. ``replaced``: its batch
    put it in the place of another batch's."""

    series_id: int
    as_of: int
    low: int
    high: int
    batch_id: int = 0
    replaced: bool = False


class Outcomes(NamedTuple):
    """What the receipt says of a point that a set did not hold, and of one that only an earlier step of the batch took out."""

    added: str
    again: str


def outcomes(sets: Sequence[PointSet], batch_id: int) -> Outcomes:
    """A batch may bring a set in several steps: what stood before its first one decides, so that the cut is not to be seen."""
    before = any(found.replaced or found.batch_id != batch_id for found in sets)
    begun = any(found.replaced and found.batch_id == batch_id for found in sets)
    added = "updated" if before else "new"
    return Outcomes(added, "duplicate" if begun else added)


def point_sets(c: Connection, uuid: bytes, series_ids: Sequence[int]) -> list[PointSet]:
    """The sets that a parent uuid names."""
    beneath = driver(c)
    found = []
    for series_id in series_ids:
        row = beneath.execute(
            'SELECT as_of, start, "end", batch_id, replaced FROM point_set WHERE series_id=? AND uuid=?', (series_id, uuid)
        ).fetchone()
        if row is not None:
            found.append(PointSet(series_id, *row))
    return found


def keep_set(c: Connection, batch_id: int, points: PointSet, uuid: bytes, told: Outcomes) -> None:
    """Note these points as a set, or as a part of the one that stands."""
    driver(c).execute(
        'INSERT INTO point_set (series_id, uuid, batch_id, as_of, start, "end", replaced) VALUES (?,?,?,?,?,?,?) '
        'ON CONFLICT DO UPDATE SET start=min(start, excluded.start), "end"=max("end", excluded."end")',
        (points.series_id, uuid, batch_id, points.as_of, points.low, points.high, told.added == "updated"),
    )


def forget_set(c: Connection, series_id: int, uuid: bytes) -> None:
    driver(c).execute("DELETE FROM point_set WHERE series_id=? AND uuid=?", (series_id, uuid))
