"""Fold: dirty days into day rows and nights. A pure function of what is stored, so a rebuild equals the increments."""

import datetime as dt
import logging
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection

from healthbox.domain.catalogue import Catalogue
from healthbox.domain.clock import ZoneHistory, zone_name
from healthbox.domain.days import DayRow
from healthbox.domain.errors import Problem
from healthbox.domain.nights import Night, nights, stated_night
from healthbox.pipeline.beside import Asked, Beside, Told, encoded
from healthbox.pipeline.day_rows import Material, day_rows
from healthbox.pipeline.gather import gather, gather_stages, runs
from healthbox.store import buckets, days, metrics, people
from healthbox.store.days import Dirty
from healthbox.store.engine import Database

log = logging.getLogger("healthbox.fold")
SETTLE_MS = 2_000
DEFER_MS = 300_000
SLEEP = "sleep_analysis"
PER_COMMIT = 400
WORTH = 60  # days from which a process of its own is worth its start
AHEAD, ROOM = 2, 8 << 20  # groups on their way to and from it, and about so many bytes of each

Put = Callable[[Connection], list[str]]


class _Flight(NamedTuple):
    """Days that are being computed beside; so many answers are to come."""

    person_id: int
    metric: str
    dirty: list[Dirty]
    answers: int
    told: list[Told]


class Folder:
    """Folds one (person, metric) at a time: reads a snapshot, computes, then writes where the marks still stand.

    Many days at once are computed beside this process; a day that is on its way is not taken again until it has come."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._plain = Catalogue.load()
        self._beside: Beside | None = None
        self._flights: deque[_Flight] = deque()
        self._trusted = True  # a child that failed us is not asked again before the next rest

    @property
    def waits(self) -> bool:
        """Whether days are being computed beside."""
        return bool(self._flights)

    def step(self, now: int, *, settle_ms: int = SETTLE_MS) -> bool:
        """Fold the next group of dirty days, or hand it over to be; False when none is due, or enough are on their way."""
        if self.hear(now):
            return True
        away = {day[:3] for flight in self._flights for day in flight.dirty}
        with self._database.reading() as c:
            group = days.due_group(c, now, settle_ms=settle_ms, limit=PER_COMMIT, away=away)
            if group is None:
                return False
            person_id, metric, dirty = group
            try:
                if metric != SLEEP and len(dirty) >= WORTH and self._trusted:
                    return self._handed_over(c, person_id, metric, dirty)
                put = self._computed(c, person_id, metric, dirty)
            except Problem:
                raise
            except Exception as error:  # days that cannot be computed wait, so that all the others need not
                put = self._deferred(person_id, metric, dirty, now, error)
        self._put(person_id, metric, dirty, put)
        return True

    def hear(self, now: int, timeout_s: float = 0.0) -> bool:
        """Take what was computed beside; says whether a group of days was finished."""
        while self._flights and self._beside is not None:
            flight = self._flights[0]
            try:
                told = self._beside.hear(timeout_s)
            except ChildProcessError:
                log.error("the process that computes days has ended", extra={"days": sum(len(one.dirty) for one in self._flights)})
                self.rest()
                self._trusted = False
                return True
            if told is None:
                return False
            flight.told.append(told)
            if len(flight.told) == flight.answers:
                self._flights.popleft()
                self._land(flight, now)
                return True
        return False

    def rest(self) -> None:
        """Let go of what is on its way: the marks stand."""
        if self._beside is not None:
            self._beside.close()
        self._beside = None
        self._flights.clear()
        self._trusted = True

    def _land(self, flight: _Flight, now: int) -> None:
        error = next((told.error for told in flight.told if told.error), None)
        if error is not None:
            put = self._deferred(flight.person_id, flight.metric, flight.dirty, now, error)
        else:
            rows = [row for told in flight.told for row in told.rows]
            put = self._folded(flight.person_id, flight.metric, rows, [date for told in flight.told for date in told.absent], flight.dirty)
        self._put(flight.person_id, flight.metric, flight.dirty, put)

    def _put(self, person_id: int, metric: str, dirty: list[Dirty], put: Put) -> None:
        with self._database.working() as c:
            changed = put(c)
        log.info("days folded", extra={"person": person_id, "metric": _named(metric), "days": len(dirty), "changed": len(changed)})

    def _deferred(self, person_id: int, metric: str, dirty: list[Dirty], now: int, error: Exception | str) -> Put:
        raised = error if isinstance(error, Exception) else None
        about = {"person": person_id, "metric": _named(metric), "days": len(dirty), "error": type(raised).__name__ if raised else error}
        log.error("days cannot be folded", extra=about, exc_info=raised)
        return partial(days.defer, dirty=dirty, until=now + DEFER_MS)

    def _folded(self, person_id: int, metric: str, rows: list[DayRow], absent: list[str], dirty: list[Dirty]) -> Put:
        return partial(days.put_days, person_id=person_id, rows=rows, absent=[(metric, date) for date in absent], done=dirty)

    def _computed(self, c: Connection, person_id: int, metric: str, dirty: list[Dirty]) -> Put:
        """The rows of these days, as the write that stores them."""
        if metric == SLEEP:
            zones = ZoneHistory(people.zone_history(c, person_id))
            found = fold_nights(c, person_id, [dt.date.fromisoformat(day.date) for day in dirty], zones)
            return partial(days.put_nights, person_id=person_id, nights=found, done=dirty)
        told = [day_rows(*question) for question in self._questions(c, person_id, metric, dirty)]
        rows = [row for made, _ in told for row in made]
        return self._folded(person_id, metric, rows, [date for _, none in told for date in none], dirty)

    def _handed_over(self, c: Connection, person_id: int, metric: str, dirty: list[Dirty]) -> bool:
        """Ask for as many of these days as a group's memory allows, newest first. All is read before anything is asked: what
        cannot be read asks for nothing."""
        if len(self._flights) >= AHEAD:
            return False
        asked: list[bytes] = []
        dates: set[str] = set()
        room = ROOM
        for question in self._questions(c, person_id, metric, dirty):
            asked.append(encoded(Asked(*question)))
            dates.update(date.isoformat() for date in question[2].dates)
            room -= len(asked[-1])
            if room < 0:
                break
        try:
            self._beside = self._beside or Beside()
        except OSError as error:
            log.warning("no process to compute days", extra={"error": type(error).__name__})
            self._trusted = False
            return True
        for raw in asked:
            self._beside.ask(raw)
        self._flights.append(_Flight(person_id, metric, [day for day in dirty if day.date in dates], len(asked), []))
        return True

    def _questions(self, c: Connection, person_id: int, metric: str, dirty: list[Dirty]) -> Iterator[tuple[str, str, Material]]:
        zones = ZoneHistory(people.zone_history(c, person_id))
        known = metrics.catalogue(c, self._plain).get(metric)
        aggregation = known.aggregation if known else "mean"  # a metric nobody has named yet
        for run in runs([dt.date.fromisoformat(day.date) for day in dirty]):
            yield metric, aggregation, gather(c, person_id, metric, run, zones)


def _named(metric: str) -> str:
    """What a person's own app calls an unknown metric is nobody's business in a log."""
    return "unknown" if metric.startswith("unknown.") else metric


def fold_nights(c: Connection, person_id: int, dates: list[dt.date], zones: ZoneHistory) -> dict[str, dict[str, Any] | None]:
    """The nights of these wake-up dates; a stated one only where no stages exist."""
    found: dict[str, dict[str, Any] | None] = {date.isoformat(): None for date in dates}
    day = dt.timedelta(days=1)
    for run in runs(dates):
        low, high = zones.bounds(run[0] - 2 * day)[0], zones.bounds(run[-1] + 2 * day)[1]
        spans, local = gather_stages(c, person_id, low, high, zones)
        for night in nights(spans, local):
            if night.date.isoformat() in found:
                found[night.date.isoformat()] = night_json(night, zone_name(local(night.end).tzinfo))
        for app, date, numbers, source, _ in buckets.stated_nights(c, person_id, run[0].isoformat(), run[-1].isoformat()):
            standing = found[date]
            if standing is None or standing["stated"] or standing["asleep"] is None:  # oldest first: the newest statement stays
                found[date] = _beside(_stated(dt.date.fromisoformat(date), app, numbers, source), standing)
    return found


def _beside(stated: dict[str, Any] | None, standing: dict[str, Any] | None) -> dict[str, Any] | None:
    """A stated night with the naps that were measured on its date."""
    if stated is None or standing is None:
        return stated or standing
    start, end = stated["start"], stated["end"]
    return stated | {"naps": [nap for nap in standing["naps"] if end is None or nap[0] >= end or nap[1] <= start]}


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
