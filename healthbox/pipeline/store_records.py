"""One step's records into the store: names, units and sources become ours, then each kind goes to its own room.

A record that cannot be stored as what it claims to be is a ``Rejected`` with a reason, never an exception.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from sqlalchemy import Connection

from healthbox.domain.catalogue import Catalogue, Metric
from healthbox.domain.clock import ZoneHistory
from healthbox.domain.records import (
    WIDE,
    Bucket,
    Clinical,
    Naming,
    Record,
    Rejected,
    Sample,
    SampleBlock,
    SetAside,
    SleepStage,
    SourceRef,
    StatedNight,
    StatedTotal,
    Tombstone,
    WholeExport,
    Workout,
)
from healthbox.domain.uuids import packed
from healthbox.pipeline.ready import Ready
from healthbox.pipeline.settle import Refused, canonical, settled, words
from healthbox.pipeline.storable import not_storable, storable
from healthbox.pipeline.store_aside import Aside
from healthbox.pipeline.store_blocks import store_block
from healthbox.store import buckets, clinical, deletions, metrics, samples, sleep, workouts
from healthbox.store.bulk import BulkRow
from healthbox.store.ledger import Claim
from healthbox.store.series import Registry, zone_names
from healthbox.store.sources import Sources
from healthbox.store.standing import Incoming

SLEEP = "sleep_analysis"
DAY_MS = 86_400_000
LONGEST_MS = 400 * DAY_MS


class Step:
    """Stores the records of one step inside the caller's write transaction and collects what became of them."""

    def __init__(self, c: Connection, claim: Claim, plain: Catalogue, zones: ZoneHistory, now: int) -> None:
        self.c, self.claim, self.zones, self.now = c, claim, zones, now
        self.catalogue = metrics.catalogue(c, plain)
        self.registry = Registry(c, claim.person_id)
        self.sources = Sources(c, claim.person_id, now)
        self.counts = {"new": 0, "updated": 0, "duplicate": 0, "deleted": 0, "rejected": 0}
        self.rejections: list[Rejected] = []
        self.dirty: set[tuple[str, str]] = set()
        self.samples: list[Incoming] = []
        self.stages: list[sleep.StageRow] = []
        self.deleted: dict[str, list[bytes]] = {}
        self.aside = Aside(self)
        self.unknown: dict[tuple[str, str, str, str | None], int] = {}
        self.metric_of: dict[int, str] = {}
        self._zone_names: dict[int, str] = {}
        self._resolved: dict[tuple[str, str, str | None], tuple[Metric | None, str]] = {}
        self._put: dict[type, Callable[[Any], None]] = {
            Sample: self._sample,
            Bucket: self._bucket,
            StatedTotal: self._stated,
            SleepStage: self._stage,
            StatedNight: self._night,
            Workout: self._workout,
            Clinical: self._clinical,
            Tombstone: self._tombstone,
            SetAside: self.aside.samples,
            WholeExport: self.aside.export,
            Rejected: self._reject,
        }

    def store(self, items: Iterable[Record | SampleBlock | Ready]) -> None:
        for item in items:
            if isinstance(item, SampleBlock | Ready):
                self.aside.flush()
                store_block(self, item)
            else:
                self.take(item)
        self._delete()
        self.aside.flush()
        self._flush_samples()
        self._flush_stages()
        for (naming, name, key, unit), count in self.unknown.items():
            metrics.note_unknown(self.c, self.claim.person_id, key, naming, name, unit, count, self.now)

    def take(self, record: Record) -> None:
        """One record towards its room; what cannot be is rejected with its reason."""
        record = storable(record)
        try:
            self._put[type(record)](record)
        except Refused as refused:
            self._reject(Rejected(position=record.position, code=refused.code, reason=refused.reason, raw=words(record)))
        except OverflowError:  # a number of 64 bits without a sign, where the database has room for one with it
            self._reject(not_storable(record))

    def series(self, metric: str, source: SourceRef) -> int:
        """The series of a metric and what measured it, made when there is none yet."""
        series_id = self.registry.series(metric, self.sources.resolve(source))
        self.metric_of[series_id] = metric
        return series_id

    # -- names, units, values -----------------------------------------------------------------------------------------

    def _find(self, naming: Naming, name: str, unit: str | None) -> tuple[Metric | None, str]:
        """The metric and the key to store under; an unknown name gets a key of its own and is listed."""
        seen = self._resolved.get((naming, name, unit))
        if seen is None:
            metric = self.catalogue.find(naming, name, unit)
            seen = (metric, metric.key if metric else metrics.unknown_key(name, unit))
            self._resolved[naming, name, unit] = seen
        if seen[0] is None:
            entry = (naming, name, seen[1], unit)
            self.unknown[entry] = self.unknown.get(entry, 0) + 1
        return seen

    # -- one method a kind of record ----------------------------------------------------------------------------------

    def _sample(self, record: Sample) -> None:
        if record.end < record.start:
            raise Refused("interval", "the end lies before the start")
        if record.end - record.start > LONGEST_MS:
            raise Refused("interval", "longer than 400 days")
        metric, key = self._find(record.naming, record.metric, record.unit)
        if key == SLEEP:
            self._sleep_sample(record)
            return
        try:
            value = settled(self.catalogue, metric, record.value, record.unit)
        except Refused:
            if metric is not None or record.value is None:
                raise
            self._keep_words(record)
            return
        series = self.series(key, record.source)
        ms = (record.start % 1000) * 1000 + record.end % 1000
        self.samples.append(
            Incoming(
                series,
                record.start // 1000,
                record.end // 1000,
                value,
                record.tag,
                packed(record.uuid),
                record.parent,
                ms or None,
                self.registry.zone(record.zone),
                self.registry.meta(record.metadata),
                self._as_of(record),
            )
        )

    def _sleep_sample(self, record: Sample) -> None:
        stage = None if record.value is None else self.catalogue.stage(record.naming, record.value)
        if stage is None:
            raise Refused("category", f"there is no sleep stage called {str(record.value)[:60]!r}")
        self._stage(
            SleepStage(
                position=record.position,
                start=record.start,
                end=record.end,
                stage=stage,
                source=record.source,
                uuid=record.uuid,
                parent=record.parent,
                zone=record.zone,
                as_of=record.as_of,
            )
        )

    def _keep_words(self, record: Sample) -> None:
        """An unknown metric whose value is no number is kept whole."""
        data = {"type": record.metric, "value": record.value, "unit": record.unit, "metadata": record.metadata}
        self._clinical(
            Clinical(
                position=record.position,
                kind="unknown",
                data=data,
                start=record.start,
                end=record.end,
                uuid=record.uuid,
                source=record.source,
                as_of=record.as_of,
            )
        )

    def _bucket(self, record: Bucket) -> None:
        dated = record.width in ("day", *WIDE)
        date = record.date or self.zones.local_date(record.start)
        start = date.toordinal() if dated else record.start
        self._put_bucket(record, record.width, start, date.isoformat() if dated else None)

    def _stated(self, record: StatedTotal) -> None:
        self._put_bucket(record, "stated", record.date.toordinal(), record.date.isoformat())

    def _put_bucket(self, record: Bucket | StatedTotal, width: str, start: int, date: str | None) -> None:
        metric, key = self._find(record.naming, record.metric, record.unit)
        if record.value is None and record.low is None and record.high is None:
            raise Refused("no_value", "there is no value")
        given = (record.value, record.low, record.high)
        if metric is None:
            value, low, high = given
        else:
            value, low, high = (None if n is None else canonical(metric, n, record.unit, wide=width in WIDE) for n in given)
        uuid = packed(record.uuid) if isinstance(record, Bucket) else None
        row = buckets.BucketRow(
            key, record.app, width, start, date, value, low, high, record.source, record.as_of or self.claim.as_of, uuid
        )
        outcome = buckets.put(self.c, self.claim.person_id, self.claim.batch_id, row)
        self.counts["duplicate" if outcome == "restated" else outcome] += 1
        if outcome not in ("duplicate", "deleted"):
            self._touch_bucket(key, width, start, date)

    def _stage(self, record: SleepStage) -> None:
        if record.end <= record.start or record.end - record.start > DAY_MS:
            raise Refused("interval", "a sleep stage lasts more than nothing and at most a day")
        series = self.registry.series(SLEEP, self.sources.resolve(record.source))
        self.stages.append(
            sleep.StageRow(
                series,
                record.start,
                record.end,
                record.stage,
                packed(record.uuid),
                record.parent,
                record.zone,
                self._as_of(record),
            )
        )

    def _as_of(self, record: Sample | SleepStage) -> int:
        """How recent the statement is. The points of one parent may come in several chunks: they are as old as their batch."""
        return record.as_of or (self.claim.batch_as_of if record.parent else self.claim.as_of)

    def _night(self, record: StatedNight) -> None:
        names = ("start", "end", "in_bed_start", "in_bed_end", "asleep", "core", "deep", "rem", "awake", "in_bed")
        data = {name: getattr(record, name) for name in names}
        at = (self.claim.person_id, self.claim.batch_id, record.app, record.date.isoformat())
        outcome = buckets.put_night(self.c, *at, data, record.source, record.as_of or self.claim.as_of)
        self.counts["duplicate" if outcome == "restated" else outcome] += 1
        if outcome != "duplicate":
            self.dirty.add((SLEEP, record.date.isoformat()))

    def _workout(self, record: Workout) -> None:
        if record.end < record.start:
            raise Refused("interval", "the end lies before the start")
        source = self.sources.resolve(record.source)
        outcome = workouts.put(
            self.c, self.claim.person_id, self.claim.batch_id, source, record, packed(record.uuid), record.as_of or self.claim.as_of
        )
        self.counts[outcome] += 1

    def _clinical(self, record: Clinical) -> None:
        source = self.sources.resolve(record.source)
        outcome = clinical.put(
            self.c, self.claim.person_id, self.claim.batch_id, source, record, packed(record.uuid), record.as_of or self.claim.as_of
        )
        self.counts[outcome] += 1

    def _tombstone(self, record: Tombstone) -> None:
        name = record.metric or self.claim.metric
        metric = self.catalogue.find(record.naming, name) if name and name != "*" else None
        uuid = packed(record.uuid)
        if uuid is not None:
            self.deleted.setdefault(metric.key if metric else "", []).append(uuid)

    def _reject(self, record: Rejected) -> None:
        self.counts["rejected"] += 1
        self.rejections.append(record)

    # -- together, at the end -----------------------------------------------------------------------------------------

    def _delete(self) -> None:
        for metric, uuids in self.deleted.items():
            gone = deletions.delete(self.c, self.claim.person_id, metric, uuids, self.claim.batch_id, self.now)
            self.counts["deleted"] += gone.told
            for series_metric, change in gone.samples:
                self._touch_change(series_metric, change)
            for start, end, zone in gone.sleep:
                self._touch_sleep(start, end, zone)
            for bucket in gone.buckets:
                self._touch_bucket(*bucket)

    def _flush_samples(self) -> None:
        apply = samples.Apply(self.c, self.claim.person_id, self.claim.batch_id, self.metric_of)
        apply.run(self.samples)
        self.took(apply)

    def took(self, apply: samples.Apply) -> None:
        for name, count in apply.counts.items():
            self.counts[name] += count
        for change in apply.changes:
            self._touch_change(self.metric_of[change.series_id], change)

    def _flush_stages(self) -> None:
        spans = sleep.apply(self.c, self.claim.person_id, self.claim.batch_id, self.stages)
        for name, count in spans.counts.items():
            self.counts[name] += count
        for start, end, zone in spans.changed:
            self._touch_sleep(start, end, zone)

    def _touch_change(self, metric: str, change: samples.Change) -> None:
        """Whole seconds by floor: the end may lie up to 999 ms later."""
        if change.zone_id is not None and change.zone_id not in self._zone_names:
            self._zone_names = zone_names(self.c)
        zone = None if change.zone_id is None else self._zone_names.get(change.zone_id)
        self._touch(metric, change.start * 1000, change.end * 1000 + 999, zone)

    def _touch(self, metric: str, start: int, end: int, zone: str | None) -> None:
        for date in self.zones.dates(start, end):
            self.dirty.add((metric, date.isoformat()))
        if zone is not None:
            self.dirty.add((metric, self.zones.local_date(start, zone).isoformat()))
            self.dirty.add((metric, self.zones.local_date(end, zone).isoformat()))

    def touch_rows(self, metric: str, rows: Sequence[BulkRow]) -> None:
        """As for single changes; rows in time order cost one look at the calendar a day."""
        low = high = 0
        for row in rows:
            start, end = row[0] * 1000, row[1] * 1000 + 999
            if row[4] is not None:
                self._touch_change(metric, samples.Change(0, row[0], row[1], row[4]))
            elif not low <= start <= end < high:
                self._touch(metric, start, end, None)
                low, high = self.zones.bounds(self.zones.local_date(start))

    def touch_spans(self, metric: str, spans: Sequence[tuple[int, int]]) -> None:
        """For stretches of seconds in which no whole day goes by without a row."""
        for start, end in spans:
            self._touch(metric, start * 1000, end * 1000 + 999, None)

    def _touch_bucket(self, metric: str, width: str, start: int, date: str | None) -> None:
        if width in WIDE:
            return
        if date is None:
            self._touch(metric, start, start + buckets.LASTS[width], None)
        else:
            self.dirty.add((metric, date))

    def _touch_sleep(self, start: int, end: int, zone: str | None) -> None:
        """A stage can move the edges of the night before it and after it."""
        first, last = self.zones.local_date(start, zone), self.zones.local_date(end, zone)
        for days in range(-1, (last - first).days + 2):
            self.dirty.add((SLEEP, (first + dt.timedelta(days=days)).isoformat()))
