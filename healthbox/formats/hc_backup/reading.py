"""The tables as records, in an order that the file alone decides: the known ones first, then by name; rows by row id."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from healthbox.domain.records import Record, Rejected, SourceRef
from healthbox.formats.apple_export.others import document_record
from healthbox.formats.contract import Tell
from healthbox.formats.device_kinds import kind_of
from healthbox.formats.hc_backup import head, rows, sessions, tables
from healthbox.formats.hc_backup.cells import HEAD, Stated, as_of, code, ident, instant, needed, shown, span, zone
from healthbox.formats.hc_backup.database import Backup, Broken, Row
from healthbox.formats.wire import Unreadable, rejected, text

SOURCES = 10_000
_HERE = SourceRef("Health Connect")
EVERY = 2_000  # rows between two words of how far it is

Steps = Callable[[], Iterator[Record]]


class Reading:
    def __init__(self, backup: Backup, tell: Tell) -> None:
        self._backup, self._tell = backup, tell
        self._sources: dict[tuple[Any, ...], SourceRef] = {}
        self._apps = self._directory(head.APPS, ("package_name", "app_name"))
        self._devices = self._directory(tables.MAKERS, ("model", "device_type"))
        self._before, self._all, self._seen = 0, 1, 0

    def records(self) -> Iterator[Record]:
        """Every record; a row too large to be read is a ``Rejected``, and so is a table with damage; the rest is read all the same."""
        plan = self._plan()
        last = {name: self._backup.last(name) for name, _ in plan}
        self._all = sum(last.values()) or 1
        for name, read in plan:
            try:
                yield from read()
            except Broken as broken:
                yield from _lost(name, broken)
            self._before += last[name]

    def _plan(self) -> list[tuple[str, Steps]]:
        """(table, its reader) of the tables that are there."""
        found: list[tuple[str, Steps]] = []
        for kind, read in rows.READERS.items():
            found.append((f"{kind}{tables.SUFFIX}", partial(self._rows, f"{kind}{tables.SUFFIX}", read)))
        for metric, (_, points, _, _) in tables.SERIES.items():
            found.append((points, partial(self._series, metric)))
        found += [(tables.SLEEP, self._nights), (tables.EXERCISE, self._workouts), (tables.MEDICAL, self._medical)]
        known = {name for name, _ in found} | {parent for parent, *_ in tables.SERIES.values()}
        for name, columns in self._backup.columns.items():
            if name not in known and "uuid" in columns and ("time" in columns or "start_time" in columns):
                found.append((name, partial(self._rows, name, partial(rows.unknown, name))))
        return [(name, read) for name, read in found if name in self._backup.columns]

    # -- rows ---------------------------------------------------------------------------------------------------------

    def _rows(self, table: str, read: rows.Read) -> Iterator[Record]:
        for number, row in self._backup.rows(table):
            self._at(number)
            at = f"{table}/{number}"
            try:
                made = list(read(row, self._stated(row), at))
            except Unreadable as problem:
                made = [rejected(at, problem.code, problem.reason, shown(row))]
            yield from made

    def _at(self, number: int) -> None:
        self._seen += 1
        if self._seen % EVERY == 0:
            self._tell(max(0.0, min((self._before + number) / self._all, 1.0)))

    def _stated(self, row: Row) -> Stated:
        if "start_time" in row:
            start, end = span(row["start_time"], row.get("end_time"))
        else:
            start = end = instant(row.get("time"))
        offset = zone(row.get("start_zone_offset", row.get("zone_offset")))
        return Stated(start, end, offset, self._source(row), ident(row.get("uuid")), as_of(row.get("last_modified_time")))

    def _source(self, row: Row) -> SourceRef:
        """The app that wrote the record and the device it names, as HC Webhook says them, so that both mean one source."""
        key = (row.get("app_info_id"), row.get("device_info_id"), row.get("recording_method"))
        found = self._sources.get(key)
        if found is None:
            app, device = self._apps.get(key[0], {}), self._devices.get(key[1], {})
            bundle, model = text(app.get("package_name")), text(device.get("model"))
            name = model or text(app.get("app_name")) or (None if bundle else "Health Connect")
            kind = kind_of(tables.DEVICES.get(code(device.get("device_type")) or 0), tables.METHODS.get(code(key[2]) or 0))
            found = SourceRef(name, bundle, model, kind)
            if len(self._sources) < SOURCES and all(part is None or isinstance(part, int) for part in key):
                self._sources[key] = found
        return found

    def _directory(self, table: str, wanted: tuple[str, ...]) -> dict[Any, Row]:
        found: dict[Any, Row] = {}
        try:
            for number, row in self._backup.rows(table, wanted) if table in self._backup.columns else ():
                found[number] = {name: text(cell) if isinstance(cell, str) else code(cell) for name, cell in row.items()}
                if len(found) >= SOURCES:
                    break
        except Broken:
            pass  # records without the name of their app are records all the same
        return found

    # -- records of several rows --------------------------------------------------------------------------------------

    def _series(self, metric: str) -> Iterator[Record]:
        parent, points, column, unit = tables.SERIES[metric]
        if parent not in self._backup.columns:
            raise Broken(damaged=True)
        for number, row in self._backup.points(points, parent, (column, "epoch_millis"), (*HEAD, "start_zone_offset")):
            self._at(number)
            at = f"{points}/{number}"
            try:
                when, value, uuid = instant(row["epoch_millis"]), needed(row[column]), ident(row["uuid"])
            except Unreadable as problem:
                yield rejected(at, problem.code, problem.reason, shown(row))
                continue
            stated = Stated(when, when, zone(row["start_zone_offset"]), self._source(row), uuid, as_of(row["last_modified_time"]))
            yield rows.sample(at, metric, stated, value, unit, {}, parent=True)

    def _nights(self) -> Iterator[Record]:
        children = sessions.Children(self._backup, (tables.STAGES,))
        yield from map(_damaged, children.broken)
        for number, row in self._backup.rows(tables.SLEEP):
            self._at(number)
            at = f"{tables.SLEEP}/{number}"
            try:
                stated = self._stated(row)
            except Unreadable as problem:
                yield rejected(at, problem.code, problem.reason, shown(row))
                continue
            woken = zone(row.get("end_zone_offset")) or stated.zone  # a night is of the day of its waking
            yield from sessions.sleep(stated._replace(zone=woken), number, at, children)

    def _workouts(self) -> Iterator[Record]:
        children = sessions.Children(self._backup, (tables.ROUTE, tables.LAPS, tables.SEGMENT_TABLE))
        yield from map(_damaged, children.broken)
        for number, row in self._backup.rows(tables.EXERCISE):
            self._at(number)
            at = f"{tables.EXERCISE}/{number}"
            try:
                yield sessions.exercise(row, self._stated(row), number, at, children)
            except Unreadable as problem:
                yield rejected(at, problem.code, problem.reason, shown(row))

    def _medical(self) -> Iterator[Record]:
        for number, row in self._backup.rows(tables.MEDICAL, ("last_modified_time", "fhir_data")):
            self._at(number)
            at = f"{tables.MEDICAL}/{number}"
            raw = row["fhir_data"]
            try:
                yield document_record(raw.encode() if isinstance(raw, str) else b"", at, "UTC", as_of(row["last_modified_time"]), _HERE)
            except Unreadable as problem:
                yield rejected(at, problem.code, problem.reason, "")


def _lost(table: str, broken: Broken) -> Iterator[Record]:
    for number in broken.too_large:
        yield rejected(f"{table}/{number}", "too_large", "a field of this row holds more than 1 MB: the row is not read", "")
    if broken.damaged:
        yield _damaged(table)


def _damaged(table: str) -> Rejected:
    return rejected(table, "damaged_table", "a part of this table cannot be read: the database is damaged", "")
