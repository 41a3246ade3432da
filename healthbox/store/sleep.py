"""Sleep stages: few rows, each found exactly by its uuid or by its content. The rules are those of ``samples``.

``also_uuid`` holds every uuid that names a stage here (``tag`` is the stage), so that a stage goes with its last one. A
stage's ``as_of`` is the most recent statement of it: inside one source the later statement wins where stages overlap, and a
whole export that is younger than it supersedes it (``superseding``).
"""

from typing import NamedTuple, get_args

from sqlalchemy import Connection

from healthbox.domain.records import Stage
from healthbox.store.engine import driver
from healthbox.store.samples import PointSet, forget_set, keep_set, outcomes, point_sets
from healthbox.store.superseding import InForce
from healthbox.store.tombstones import buried

METRIC = "sleep_analysis"
_CODES = {stage: float(at) for at, stage in enumerate(sorted(get_args(Stage)))}  # how content that is gone names a stage
_DAY_MS = 86_400_000
_SKEW_MS = 3_600_000


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


Content = tuple[int, int, int, str]


def apply(c: Connection, person_id: int, batch_id: int, rows: list[StageRow]) -> Spans:
    """Store stages: the same uuid with other content is a reclassification; a parent uuid's stages replace the old set."""
    return _Apply(c, person_id, batch_id).run(rows)


def remove(c: Connection, person_id: int, uuid: bytes) -> list[tuple[int, int, str | None]]:
    """Take away the stages a deletion names; returns the intervals they covered."""
    gone = _Apply(c, person_id, 0)
    for content, _ in gone.named(uuid):
        gone.unname(content, uuid)
    for series_id in gone.series:
        forget_set(c, series_id, uuid)
    return gone.changed


class _Apply:
    def __init__(self, c: Connection, person_id: int, batch_id: int) -> None:
        self._c, self._person, self._batch = c, person_id, batch_id
        self._beneath = driver(c)
        rows = c.exec_driver_sql(
            "SELECT id, source_id FROM series WHERE person_id=? AND metric=? ORDER BY id", (person_id, METRIC)
        ).fetchall()
        self._source_of: dict[int, int] = {row[0]: row[1] for row in rows}
        self.series = list(self._source_of)
        self._exports = InForce(c)
        self.changed: list[tuple[int, int, str | None]] = []

    def run(self, rows: list[StageRow]) -> Spans:
        counts = {"new": 0, "updated": 0, "duplicate": 0, "deleted": 0}
        gone = buried(self._c, self._person, METRIC, {row.uuid for row in rows if row.uuid is not None})
        sets: dict[bytes, list[StageRow]] = {}
        for row in rows:
            if row.uuid is not None and row.uuid in gone:
                self._bury(row)
                counts["deleted"] += 1
            elif row.uuid is not None and row.parent:
                sets.setdefault(row.uuid, []).append(row)
            else:
                counts[self._take(row)] += 1
        for uuid, members in sets.items():
            for outcome in self._take_set(uuid, members):
                counts[outcome] += 1
        return Spans(counts, self.changed)

    def _take(self, row: StageRow) -> str:
        standing = self.named(row.uuid) if row.uuid is not None else []
        if standing and row.uuid is not None:
            content, as_of = standing[0]
            if content == row[:4]:
                self._join(row)
                return "duplicate"
            if (row.as_of, row.stage, row.end, row.start) <= (as_of, content[3], content[2], content[1]):
                self._bury(row)
                return "duplicate"
            self.unname(content, row.uuid)
            if not self._join(row):
                self._insert(row)
            return "updated"
        if self._join(row):
            return "duplicate"
        if row.uuid is None and self._is_gone(row):
            return "deleted"
        self._insert(row)
        return "new"

    def _take_set(self, uuid: bytes, members: list[StageRow]) -> list[str]:
        as_of = max(row.as_of for row in members)
        sets = point_sets(self._c, uuid, self.series)
        newest = max((found.as_of for found in sets), default=None)
        if newest is not None and newest > as_of:
            for row in members:
                self._bury(row)
            return ["duplicate"] * len(members)
        if newest is not None and newest < as_of:
            kept = {row[:4] for row in members}
            for content, _ in self.named(uuid):
                if content not in kept:
                    self.unname(content, uuid)
            for found in sets:
                forget_set(self._c, found.series_id, uuid)
        told = outcomes(sets, self._batch)
        became = []
        for row in members:
            if self._join(row):
                became.append("duplicate")
            else:
                became.append(told.again if self._is_gone(row) else told.added)
                self._insert(row)
        points = PointSet(members[0].series_id, as_of, min(r.start for r in members), max(r.start for r in members))
        keep_set(self._c, self._batch, points, uuid, told)
        return became

    # -- one stage ----------------------------------------------------------------------------------------------------

    def named(self, uuid: bytes) -> list[tuple[Content, int]]:
        """(series, start, end, stage) that a uuid names, and how recent that statement is."""
        found = []
        for series_id in self.series:
            for row in self._c.exec_driver_sql(
                'SELECT series_id, start, "end", tag, as_of FROM also_uuid WHERE series_id=? AND uuid=? ORDER BY start, "end", tag',
                (series_id, uuid),
            ).fetchall():
                content: Content = (row[0], row[1], row[2], row[3])
                found.append((content, int(row[4])))
        return found

    def unname(self, content: Content, uuid: bytes) -> None:
        """The uuid is about something else now, or deleted; the stage goes with its last uuid."""
        c = self._c
        c.exec_driver_sql('DELETE FROM also_uuid WHERE series_id=? AND start=? AND "end"=? AND tag=? AND uuid=?', (*content, uuid))
        other = c.exec_driver_sql(
            'SELECT uuid FROM also_uuid WHERE series_id=? AND start=? AND "end"=? AND tag=? ORDER BY uuid LIMIT 1', content
        ).fetchone()
        if other is not None:
            c.exec_driver_sql('UPDATE sleep_stage SET uuid=? WHERE series_id=? AND start=? AND "end"=? AND stage=?', (other[0], *content))
            return
        self._delete(content)
        self._remember_gone(content)

    def _delete(self, content: Content) -> None:
        for (zone,) in self._c.exec_driver_sql(
            'DELETE FROM sleep_stage WHERE series_id=? AND start=? AND "end"=? AND stage=? RETURNING zone', content
        ).fetchall():
            self.changed.append((content[1], content[2], zone))

    def _join(self, row: StageRow) -> bool:
        """The row that already says this takes the uuid, the later ``as_of`` and a zone where it had none; False when there is none."""
        standing = self._beneath.execute(
            'SELECT id, uuid, zone, as_of, superseded FROM sleep_stage WHERE series_id=? AND start=? AND "end"=? AND stage=?', row[:4]
        ).fetchone()
        if standing is None:
            return False
        as_of = max(standing[3], row.as_of)
        after = (standing[1] or row.uuid, standing[2] or row.zone, as_of, int(standing[4] and self._lacked(row, as_of)))
        if after != tuple(standing[1:]):
            self._beneath.execute("UPDATE sleep_stage SET uuid=?, zone=?, as_of=?, superseded=? WHERE id=?", (*after, standing[0]))
            if after[1] != standing[2] or after[3] != standing[4] or self._counts(row, standing[0], standing[3]):
                self.changed += [(row.start, row.end, standing[2]), (row.start, row.end, after[1])]
        self._name(row)
        return True

    def _counts(self, row: StageRow, identity: int, as_of: int) -> bool:
        """Whether a later statement of the same stage can change a night: it was still a plan, or another stage overlaps it."""
        overlap = self._c.exec_driver_sql(
            'SELECT 1 FROM sleep_stage WHERE series_id=? AND start>? AND start<? AND "end">? AND id<>? LIMIT 1',
            (row.series_id, row.start - _DAY_MS, row.end, row.start, identity),
        ).fetchone()
        return row.end > as_of + _SKEW_MS or overlap is not None

    def _insert(self, row: StageRow) -> None:
        self._beneath.execute(
            'INSERT INTO sleep_stage (series_id, start, "end", stage, uuid, parent, zone, as_of, batch_id, superseded) '
            "VALUES (?,?,?,?,?,?,?,?,?,?)",
            (*row[:5], int(row.parent), row.zone, row.as_of, self._batch, int(self._lacked(row, row.as_of))),
        )
        self._name(row)
        self.changed.append((row.start, row.end, row.zone))

    def _lacked(self, row: StageRow, as_of: int) -> bool:
        return self._exports.lack(self._source_of[row.series_id], row.start, row.end, as_of)

    def _name(self, row: StageRow) -> None:
        if row.uuid is not None:
            self._beneath.execute(
                'INSERT INTO also_uuid (series_id, uuid, start, "end", tag, as_of) VALUES (?,?,?,?,?,?) '
                "ON CONFLICT DO UPDATE SET as_of=max(as_of, excluded.as_of)",
                (row.series_id, row.uuid, row.start, row.end, row.stage, row.as_of),
            )

    def _bury(self, row: StageRow) -> None:
        """Content that is gone takes a stage along that stood without uuid."""
        content: Content = (row.series_id, row.start, row.end, row.stage)
        self._remember_gone(content)
        if self._c.exec_driver_sql(
            'SELECT 1 FROM sleep_stage WHERE series_id=? AND start=? AND "end"=? AND stage=? AND uuid IS NULL', content
        ).fetchone():
            self._delete(content)

    def _remember_gone(self, content: Content) -> None:
        self._c.exec_driver_sql(
            'INSERT OR IGNORE INTO gone (series_id, start, "end", value) VALUES (?,?,?,?)', (*content[:3], _CODES[content[3]])
        )

    def _is_gone(self, row: StageRow) -> bool:
        found = self._beneath.execute(
            'SELECT 1 FROM gone WHERE series_id=? AND start=? AND "end"=? AND value=?', (*row[:3], _CODES[row.stage])
        ).fetchone()
        return found is not None


def between(c: Connection, person_id: int, low: int, high: int) -> list[tuple[int, int, int, str, int, str | None]]:
    """(source, start, end, stage, as_of, zone) of the stages in force that overlap [low, high] ms, canonical order."""
    rows = c.exec_driver_sql(
        'SELECT source_id, start, "end", stage, as_of, zone FROM series JOIN sleep_stage ON series_id=series.id '
        'WHERE person_id=? AND start BETWEEN ? AND ? AND superseded=0 ORDER BY start, "end", stage, source_id',
        (person_id, low - _DAY_MS, high),
    ).fetchall()
    return [tuple(row) for row in rows if row[2] >= low]
