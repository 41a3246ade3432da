"""Fold: dirty days into day rows and nights. A pure function of what is stored, so a rebuild equals the increments."""

import datetime as dt
import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import Connection

from healthbox.domain.catalogue import Catalogue
from healthbox.domain.clock import ZoneHistory
from healthbox.domain.days import DayResult, fold
from healthbox.domain.errors import Problem
from healthbox.domain.merge import Share
from healthbox.domain.nights import Night, nights, stated_night
from healthbox.pipeline.gather import gather, gather_stages, runs
from healthbox.store import buckets, days, metrics, people
from healthbox.store.days import DayRow, Dirty
from healthbox.store.engine import Database

log = logging.getLogger("healthbox.fold")
SETTLE_MS = 2_000
DEFER_MS = 300_000
SLEEP = "sleep_analysis"
PER_COMMIT = 400


class Folder:
    """Folds one (person, metric) at a time: reads a snapshot, computes, then writes if the marks still stand."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._plain = Catalogue.load()

    def step(self, now: int, *, settle_ms: int = SETTLE_MS) -> bool:
        """Fold the next group of dirty days; False when none is due."""
        with self._database.reading() as c:
            group = days.due_group(c, now, settle_ms=settle_ms, limit=PER_COMMIT)
            if group is None:
                return False
            person_id, metric, dirty = group
            try:
                put = self._computed(c, person_id, metric, dirty)
            except Problem:
                raise
            except Exception as error:  # days that cannot be computed wait, so that all the others need not
                log.error("days cannot be folded", extra={"person": person_id, "metric": metric, "days": len(dirty)}, exc_info=error)
                put = partial(days.defer, dirty=dirty, until=now + DEFER_MS)
        with self._database.working() as c:
            changed = put(c)
        # what a person's own app calls an unknown metric is nobody's business in a log
        named = "unknown" if metric.startswith("unknown.") else metric
        log.info("days folded", extra={"person": person_id, "metric": named, "days": len(dirty), "changed": len(changed)})
        return True

    def _computed(self, c: Connection, person_id: int, metric: str, dirty: list[Dirty]) -> Callable[[Connection], list[str]]:
        """The rows of these days, as the write that stores them."""
        zones = ZoneHistory(people.zone_history(c, person_id))
        dates = [dt.date.fromisoformat(day.date) for day in dirty]
        if metric == SLEEP:
            found = fold_nights(c, person_id, dates, zones)
            return partial(days.put_nights, person_id=person_id, nights=found, done=dirty)
        rows, absent = self._fold(c, person_id, metric, dates, zones)
        return partial(days.put_days, person_id=person_id, rows=rows, absent=absent, done=dirty)

    def _fold(
        self, c: Connection, person_id: int, metric: str, dates: list[dt.date], zones: ZoneHistory
    ) -> tuple[list[DayRow], list[tuple[str, str]]]:
        known = metrics.catalogue(c, self._plain).get(metric)
        aggregation = known.aggregation if known else "mean"  # a metric nobody has named yet
        rows: list[DayRow] = []
        absent: list[tuple[str, str]] = []
        for run in runs(dates):
            material = gather(c, person_id, metric, run, zones)
            for date, bounds in zip(run, material.bounds, strict=True):
                result = fold(aggregation, bounds, material.readings[date], material.buckets[date], material.stated[date])
                if result is None:
                    absent.append((metric, date.isoformat()))
                else:
                    rows.append(day_row(metric, date, result))
        return rows, absent


def day_row(metric: str, date: dt.date, result: DayResult) -> DayRow:
    detail = {
        "sources": [_share(share) for share in result.shares],
        "overlap": result.overlap,
        "layers": result.layers,
    }
    if result.beside:
        detail["beside"] = [_share(share) for share in result.beside]
    return DayRow(
        metric,
        date.isoformat(),
        result.value,
        result.low,
        result.high,
        result.mean,
        result.n,
        result.coverage,
        result.layer,
        result.rule,
        msgspec.json.encode(detail, order="sorted").decode(),
    )


def _share(share: Share) -> dict[str, Any]:
    name, _, kind = share.name.partition("\x00")
    return {"name": name, "kind": kind, "value": share.value, "raw": share.raw, "discarded": share.discarded}


def fold_nights(c: Connection, person_id: int, dates: list[dt.date], zones: ZoneHistory) -> dict[str, dict[str, Any] | None]:
    """The nights of these wake-up dates; a stated one only where no stages exist."""
    found: dict[str, dict[str, Any] | None] = {date.isoformat(): None for date in dates}
    day = dt.timedelta(days=1)
    for run in runs(dates):
        low, high = zones.bounds(run[0] - 2 * day)[0], zones.bounds(run[-1] + 2 * day)[1]
        spans, local = gather_stages(c, person_id, low, high, zones)
        for night in nights(spans, local):
            if night.date.isoformat() in found:
                found[night.date.isoformat()] = night_json(night, str(local(night.end).tzinfo or ""))
        for app, date, numbers, source, _ in buckets.stated_nights(c, person_id, run[0].isoformat(), run[-1].isoformat()):
            standing = found[date]
            if standing is None or standing["stated"] or standing["asleep"] is None:  # oldest first: the newest statement stays
                found[date] = _stated(dt.date.fromisoformat(date), app, numbers, source) or standing
    return found


def night_json(night: Night, zone: str) -> dict[str, Any]:
    data: dict[str, Any] = msgspec.to_builtins(night)
    del data["source"]
    name, _, kind = night.name.partition("\x00")
    data |= {"name": name, "kind": kind, "zone": zone}
    data["alternates"] = [[other[0].partition("\x00")[0], *other[1:]] for other in night.alternates]
    return data


def _stated(date: dt.date, app: str, numbers: dict[str, Any], source: str) -> dict[str, Any] | None:
    name = source or app
    night = stated_night(date, name, **numbers)
    if night is not None:
        return night_json(night, "")
    parts = [numbers[part] for part in ("core", "deep", "rem") if numbers[part] is not None]
    asleep = numbers["asleep"] if numbers["asleep"] is not None else (sum(parts) if parts else None)
    if asleep is None:
        return None
    blank = stated_night(date, name, **(numbers | {"start": 0, "end": 1, "in_bed_start": None, "in_bed_end": None}))
    if blank is None:
        return None
    return night_json(blank, "") | {"asleep": asleep, "start": None, "end": None, "midpoint_ms": None}


def rebuild(database: Database, now: int, *, since: str = "") -> int:
    """Mark every stored day and everything that could make one, from a date on. Returns how many marks there are then."""
    with database.writing() as c:
        for person in people.list_persons(c):
            zones = ZoneHistory(people.zone_history(c, person.id))
            days.mark_known(c, person.id, now, since=since)
            _mark_stored(c, person.id, zones, since, now)
        return days.dirty_count(c)


def _mark_stored(c: Connection, person_id: int, zones: ZoneHistory, since: str, now: int) -> None:
    marks: set[tuple[str, str]] = set()
    for metric, start, end in days.stored_intervals(c, person_id):
        marks.update((metric, date.isoformat()) for date in zones.dates(start, end))
    marks.update(days.stored_dates(c, person_id))
    days.mark(c, person_id, (mark for mark in marks if mark[1] >= since), now)
