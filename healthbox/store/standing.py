"""What stands: the sample rows that a step's records meet, found by key and by uuid, and written back as they are then.

Look-ups are by primary key or inside the step's own time window, so a step costs the same however much is stored.
"""

import json
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from sqlalchemy import Connection

LONG_S = 48 * 3600
WINDOW_S = 3600
PART = 500

Key = tuple[int, int, int]


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


class Row:
    """One sample. ``uuids``: every uuid that names it and how recent that statement is; the first stands in its own column."""

    __slots__ = ("changed", "end", "meta_id", "ms", "named", "series_id", "start", "stored", "tag", "uuids", "value", "zone_id")

    def __init__(
        self,
        series_id: int,
        start: int,
        end: int,
        tag: str,
        value: float,
        uuids: dict[bytes, int],
        ms: int | None,
        zone_id: int | None,
        meta_id: int | None,
        *,
        stored: bool,
    ) -> None:
        self.series_id, self.start, self.end, self.tag, self.value, self.uuids = series_id, start, end, tag, value, uuids
        self.ms, self.zone_id, self.meta_id, self.stored = ms, zone_id, meta_id, stored
        self.named = self.changed = False  # named: has, or had, more than one uuid

    @property
    def key(self) -> Key:
        return (self.series_id, self.start, self.end)


_COLUMNS = 'series_id, start, "end", tag, value, uuid, as_of, ms, zone_id, meta_id'
_WANTED = "WITH k(s, a, b) AS (SELECT value ->> 0, value ->> 1, value ->> 2 FROM json_each(?)) "


class Standing:
    """``rows`` by (series, start, end), ``by_uuid`` by (metric, uuid), ``gone``: values that were deleted or replaced at a key."""

    def __init__(self, c: Connection, person_id: int, metric_of: dict[int, str]) -> None:
        self._c, self._person, self._metric_of = c, person_id, metric_of
        self.rows: dict[Key, list[Row]] = {}
        self.by_uuid: dict[tuple[str, bytes], Row] = {}
        self.gone: dict[Key, list[float]] = {}
        self._new_gone: list[tuple[int, int, int, float]] = []
        self._dropped: list[tuple[int, int, int, str]] = []
        self._dropped_names: list[tuple[int, int, int, str]] = []
        self._of_metric: dict[str, list[int]] = {}
        self._with_second: dict[int, bool] = {}

    # -- reading ------------------------------------------------------------------------------------------------------

    def load(self, incoming: Sequence[Incoming]) -> None:
        keys = json.dumps(list({(i.series_id, i.start, i.end) for i in incoming}))
        for row in self._c.exec_driver_sql(
            _WANTED + 'SELECT t.series_id, t.start, t."end", t.tag, t.value, t.uuid, t.as_of, t.ms, t.zone_id, t.meta_id '
            'FROM k CROSS JOIN sample AS t ON t.series_id=k.s AND t.start=k.a AND t."end"=k.b ORDER BY t.tag',
            (keys,),
        ).fetchall():
            self.known(row)
        for series_id, start, end, value in self._c.exec_driver_sql(
            _WANTED + 'SELECT g.series_id, g.start, g."end", g.value FROM k CROSS JOIN gone AS g '
            'ON g.series_id=k.s AND g.start=k.a AND g."end"=k.b',
            (keys,),
        ):
            self.gone.setdefault((series_id, start, end), []).append(value)
        single: dict[str, list[Incoming]] = {}
        for item in incoming:
            if item.uuid is not None and not item.parent:
                single.setdefault(self._metric_of[item.series_id], []).append(item)
        for metric, items in single.items():
            self._load_uuids(metric, items)

    def _load_uuids(self, metric: str, items: list[Incoming]) -> None:
        uuids = {i.uuid for i in items if i.uuid is not None}
        spans = windows([i.start for i in items])
        for series_id in self.series_of(metric):
            if self._has_second_names(series_id):
                for uuid_rows in self._second(series_id, uuids):
                    self.known(uuid_rows)
            if self._empty(series_id, spans[0][0], spans[-1][1]):
                continue
            for low, high in spans:
                for row in self._c.exec_driver_sql(
                    f"SELECT {_COLUMNS} FROM sample WHERE series_id=? AND start BETWEEN ? AND ? AND uuid IS NOT NULL",
                    (series_id, low, high),
                ).fetchall():
                    if row[5] in uuids:
                        self.known(row)

    def _empty(self, series_id: int, low: int, high: int) -> bool:
        return (
            self._c.exec_driver_sql(
                "SELECT 1 FROM sample WHERE series_id=? AND start BETWEEN ? AND ? LIMIT 1", (series_id, low, high)
            ).fetchone()
            is None
        )

    def _second(self, series_id: int, uuids: Iterable[bytes]) -> list[Sequence[object]]:
        found: list[Sequence[object]] = []
        wanted = sorted(uuids)
        for at in range(0, len(wanted), PART):
            part = wanted[at : at + PART]
            marks = ",".join("?" * len(part))
            found += self._c.exec_driver_sql(
                f'SELECT {_COLUMNS} FROM sample JOIN (SELECT series_id, start, "end", tag FROM also_uuid '
                f"WHERE series_id=? AND uuid IN ({marks})) "
                'USING (series_id, start, "end", tag)',
                (series_id, *part),
            ).fetchall()
        return found

    def _has_second_names(self, series_id: int) -> bool:
        if series_id not in self._with_second:
            found = self._c.exec_driver_sql("SELECT 1 FROM also_uuid WHERE series_id=? LIMIT 1", (series_id,)).fetchone()
            self._with_second[series_id] = found is not None
        return self._with_second[series_id]

    def series_of(self, metric: str) -> list[int]:
        """Every series of the person that measures a metric: a uuid is read inside (person, metric)."""
        if metric not in self._of_metric:
            rows = self._c.exec_driver_sql(
                "SELECT id FROM series WHERE person_id=? AND metric=? ORDER BY id", (self._person, metric)
            ).fetchall()
            self._of_metric[metric] = [row[0] for row in rows]
            self._metric_of.update((row[0], metric) for row in rows)
        return self._of_metric[metric]

    def known(self, found: Sequence[object]) -> Row:
        """The one object that stands for a stored row (its columns), however often it is found."""
        series_id, start, end, tag, value, uuid, as_of, ms, zone_id, meta_id = found
        key: Key = (series_id, start, end)  # type: ignore[assignment]
        for row in self.rows.get(key, ()):
            if row.tag == tag:
                return row
        names: dict[bytes, int] = {} if uuid is None else {uuid: as_of or 0}  # type: ignore[dict-item]
        made = Row(*key, tag, value, names, ms, zone_id, meta_id, stored=True)  # type: ignore[arg-type]
        if uuid is not None and self._has_second_names(key[0]):
            for other, also in self._c.exec_driver_sql(
                'SELECT uuid, as_of FROM also_uuid WHERE series_id=? AND start=? AND "end"=? AND tag=? ORDER BY uuid', (*key, tag)
            ):
                names[other] = also
                made.named = True
        self.rows.setdefault(key, []).append(made)
        for name in names:
            self.by_uuid[self._metric_of[key[0]], name] = made
        return made

    def of_parent(self, series_id: int, uuid: bytes, low: int, high: int) -> list[Row]:
        """The points of a set, which starts lie in [low, high] s."""
        rows = self._c.exec_driver_sql(
            f"SELECT {_COLUMNS} FROM sample WHERE series_id=? AND start BETWEEN ? AND ? AND uuid=?",
            (series_id, low, high, uuid),
        ).fetchall()
        for row in [*rows, *(self._second(series_id, [uuid]) if self._has_second_names(series_id) else [])]:
            self.known(row)
        return [row for found in self.rows.values() for row in found if row.series_id == series_id and uuid in row.uuids]

    # -- changing -----------------------------------------------------------------------------------------------------

    def add(self, item: Incoming) -> Row:
        """A new row; what differs at one key is told apart by an ordinal after the tag."""
        rows = self.rows.setdefault((item.series_id, item.start, item.end), [])
        names = {} if item.uuid is None else {item.uuid: item.as_of}
        tag = free(item.tag, {row.tag for row in rows})
        row = Row(item.series_id, item.start, item.end, tag, item.value, names, item.ms, item.zone_id, item.meta_id, stored=False)
        rows.append(row)
        if item.uuid is not None:
            self.by_uuid[self._metric_of[row.series_id], item.uuid] = row
        return row

    def retag(self, row: Row, tag: str) -> None:
        """Content stored without a tag turns out to have one."""
        rows = self.rows[row.key]
        rows.remove(row)
        self._drop(row)
        row.tag, row.stored = free(tag, {other.tag for other in rows}), False
        rows.append(row)

    def name(self, row: Row, uuid: bytes, as_of: int) -> None:
        if row.uuids.get(uuid, -1) < as_of:
            row.uuids[uuid] = as_of
            row.named, row.changed = row.named or len(row.uuids) > 1, True
        self.by_uuid[self._metric_of[row.series_id], uuid] = row

    def unname(self, row: Row, uuid: bytes) -> bool:
        """The uuid is about something else now. The row goes with its last one; True when it went."""
        del row.uuids[uuid]
        self.by_uuid.pop((self._metric_of[row.series_id], uuid), None)
        if row.uuids:
            row.changed = True
            return False
        self.remove(row)
        return True

    def remove(self, row: Row) -> None:
        self.rows[row.key].remove(row)
        self._drop(row)

    def _drop(self, row: Row) -> None:
        if row.stored:
            self._dropped.append((*row.key, row.tag))
            if row.named:
                self._dropped_names.append((*row.key, row.tag))

    def bury(self, key: Key, value: float) -> None:
        """Remember content as deleted or replaced."""
        values = self.gone.setdefault(key, [])
        if value not in values:
            values.append(value)
            self._new_gone.append((*key, value))

    # -- writing ------------------------------------------------------------------------------------------------------

    def write(self, batch_id: int) -> None:
        c = self._c
        rows = [row for found in self.rows.values() for row in found]
        fresh = sorted((r for r in rows if not r.stored), key=lambda r: (*r.key, r.tag))
        changed = [r for r in rows if r.stored and r.changed]
        renamed = [r for r in (*fresh, *changed) if r.named]
        if self._dropped:
            c.exec_driver_sql('DELETE FROM sample WHERE series_id=? AND start=? AND "end"=? AND tag=?', self._dropped)
            c.exec_driver_sql('DELETE FROM long_sample WHERE series_id=? AND start=? AND "end"=? AND tag=?', self._dropped)
        names = self._dropped_names + [(*r.key, r.tag) for r in renamed if r.stored]
        if names:
            c.exec_driver_sql('DELETE FROM also_uuid WHERE series_id=? AND start=? AND "end"=? AND tag=?', names)
        if changed:
            c.exec_driver_sql(
                "UPDATE sample SET value=?, uuid=?, as_of=?, ms=?, zone_id=?, meta_id=? "
                'WHERE series_id=? AND start=? AND "end"=? AND tag=?',
                [(r.value, *_main(r), r.ms, r.zone_id, r.meta_id, *r.key, r.tag) for r in changed],
            )
        if fresh:
            c.exec_driver_sql(
                'INSERT INTO sample (series_id, start, "end", tag, value, uuid, as_of, ms, zone_id, meta_id, batch_id) '
                "VALUES (?,?,?,?,?,?,?,?,?,?,?)",
                [(*r.key, r.tag, r.value, *_main(r), r.ms, r.zone_id, r.meta_id, batch_id) for r in fresh],
            )
        second = [(r.series_id, uuid, r.start, r.end, r.tag, as_of) for r in renamed for uuid, as_of in list(r.uuids.items())[1:]]
        if second:
            c.exec_driver_sql('INSERT INTO also_uuid (series_id, uuid, start, "end", tag, as_of) VALUES (?,?,?,?,?,?)', second)
        if self._new_gone:
            c.exec_driver_sql('INSERT OR IGNORE INTO gone (series_id, start, "end", value) VALUES (?,?,?,?)', self._new_gone)
        _stretch(c, fresh, changed)


def _main(row: Row) -> tuple[bytes | None, int | None]:
    return next(iter(row.uuids.items()), (None, None))


def plain(tag: str) -> str:
    """A tag without its ordinal."""
    return tag.partition("\x1f")[0]


def free(tag: str, used: Collection[str]) -> str:
    """The tag, with an ordinal where another row at the key has it."""
    found, ordinal = tag, 0
    while found in used:
        ordinal += 1
        found = f"{tag}\x1f{ordinal}"
    return found


def _stretch(c: Connection, fresh: list[Row], changed: list[Row]) -> None:
    """A series keeps its longest interval (capped) and whether any of its rows carries a zone of its own."""
    longest: dict[int, int] = {}
    long: list[tuple[int, int, int, str]] = []
    for row in fresh:
        length = row.end - row.start
        if length > LONG_S:
            long.append((*row.key, row.tag))
            length = 0
        longest[row.series_id] = max(longest.get(row.series_id, 0), length)
    if longest:
        c.exec_driver_sql("UPDATE series SET longest=? WHERE id=? AND longest<?", [(n, s, n) for s, n in longest.items()])
    if zoned := {row.series_id for row in (*fresh, *changed) if row.zone_id is not None}:
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
