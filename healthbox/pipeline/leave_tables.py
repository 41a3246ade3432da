"""What leaves as tables, for spreadsheets and SQLite: the columns with their words, and the rows one by one."""

import datetime as dt
import json
import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from sqlalchemy import Connection

from healthbox.domain.catalogue import Catalogue
from healthbox.domain.clock import ZoneHistory, known_zone, zone_of
from healthbox.store import leaving
from healthbox.store.leaving import LeavingWorkout, Origin

Row = tuple[Any, ...]
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_UNSAFE = re.compile(r"\W+", re.ASCII)

# What every table with a source says of it.
_SOURCE = (
    ("source", str, "the name of what measured"),
    ("source_class", str, "manual, watch, ring, strap, phone, scale, app, provider or unknown"),
)
_ZONE = ("zone", str, "the time zone that the record itself names, where it does")
_AS_OF = ("as_of", str, "how recent the statement is")


class Table(NamedTuple):
    """``columns``: (name, type, what it says)."""

    name: str
    about: str
    columns: tuple[tuple[str, type, str], ...]
    rows: Callable[[], Iterator[Row]]


class Clock:
    """Instants as text with the offset of where the person lived then (or of the zone that the event names)."""

    def __init__(self, zones: ZoneHistory) -> None:
        self._zones = zones
        self._seen: dict[str, dt.tzinfo] = {}

    def __call__(self, ms: int | None, zone: str | None = None) -> str | None:
        return None if ms is None else self.at(ms, zone).isoformat(timespec="milliseconds")

    def at(self, ms: int, zone: str | None = None) -> dt.datetime:
        name = zone or self._zones.zone_at(ms)
        if name not in self._seen:
            self._seen[name] = known_zone(name) or zone_of(self._zones.zone_at(ms))
        return (_EPOCH + dt.timedelta(milliseconds=ms)).astimezone(self._seen[name])


class Tables:
    """The tables of one person, read from one snapshot."""

    def __init__(self, c: Connection, person_id: int, catalogue: Catalogue, zones: ZoneHistory) -> None:
        self._c, self._person, self._catalogue = c, person_id, catalogue
        self._clock = Clock(zones)
        self._origins = leaving.origins(c, person_id)
        self._units = {key: unit for key, _, _, unit in leaving.unknown_metrics(c, person_id)}

    def all(self) -> list[Table]:
        return [
            self._samples_table(), self._buckets_table(), self._sleep_table(), self._days_table(), self._nights_table(),
            self._workouts_table(), self._clinical_table(),
        ]  # fmt: skip

    def _samples_table(self) -> Table:
        return Table(
            "samples",
            "every single reading or interval, as it was sent",
            (
                ("metric", str, "the key of the metric"),
                ("start", str, "when it began"),
                ("end", str, "when it ended; the same as start for a reading"),
                ("value", float, "the value in this unit"),
                ("unit", str, "the unit, as UCUM writes it"),
                ("meaning", str, "the value in words, where it is one of a few"),
                *_SOURCE,
                ("bundle", str, "the app or device identifier of the source"),
                ("product", str, "the hardware of the source"),
                _ZONE,
                ("uuids", str, "the identifiers the client gave it, with a space between them"),
                ("tag", str, "what tells it apart from another at the same time: a food, an identifier"),
                ("metadata", str, "whatever else the client said, as JSON"),
                ("set_aside", int, "1 when an export lacked it and you chose that it shall not count: kept, not counted"),
            ),
            self._samples,
        )

    def _buckets_table(self) -> Table:
        return Table(
            "buckets",
            "minutes, hours, days and longer that a client added up itself, and whole days as its system states them",
            (
                ("metric", str, "the key of the metric"),
                ("app", str, "the app that sent it"),
                ("width", str, "minute, hour, day, week, month, year; stated is a whole day's total by the client's system"),
                ("start", str, "when it began; for a day and more the local date"),
                ("value", float, "the sum or the mean, in this unit"),
                ("low", float, "the lowest value in it"),
                ("high", float, "the highest value in it"),
                ("unit", str, "the unit, as UCUM writes it"),
                ("source", str, "the sources the client names, joined by it"),
                ("uuid", str, "the identifier the client gave it"),
                _AS_OF,
            ),
            self._buckets,
        )

    def _sleep_table(self) -> Table:
        return Table(
            "sleep",
            "every stage of sleep, as it was sent",
            (
                ("start", str, "when it began"),
                ("end", str, "when it ended"),
                ("stage", str, "in_bed, asleep_unspecified, awake, core, deep or rem"),
                *_SOURCE,
                _ZONE,
                ("uuids", str, "the identifiers the client gave it"),
                _AS_OF,
                ("superseded", int, "1 when a newer export lacked it: kept, not counted"),
            ),
            self._sleep,
        )

    def _days_table(self) -> Table:
        return Table(
            "days",
            "what healthbox counted for each day",
            (
                ("metric", str, "the key of the metric"),
                ("date", str, "the local date"),
                ("value", float, "the value of the day in this unit"),
                ("low", float, "the lowest value of the day"),
                ("high", float, "the highest value of the day"),
                ("mean", float, "the mean of the day"),
                ("n", int, "how many records made it"),
                ("coverage", float, "how much of the day they cover, 0 to 1"),
                ("unit", str, "the unit, as UCUM writes it"),
                ("layer", str, "what it was counted from: raw samples, minute, hour or day buckets, or a stated total"),
                ("rule", str, "why that layer"),
            ),
            self._days,
        )

    def _nights_table(self) -> Table:
        return Table(
            "nights",
            "what healthbox counted for each night, on the date of waking up; minutes",
            (
                ("date", str, "the date of waking up"),
                *((name, str, words) for name, words in _NIGHT_TIMES),
                *((name, float, words) for name, words in _NIGHT_NUMBERS),
                ("source", str, "the source it was taken from"),
                ("stated", int, "1 when it is as the client's system states it, without stages"),
            ),
            self._nights,
        )

    def _workouts_table(self) -> Table:
        return Table(
            "workouts",
            "training sessions; the way is in the folder routes",
            (
                ("activity", str, "what it was"),
                ("start", str, "when it began"),
                ("end", str, "when it ended"),
                *_SOURCE,
                _ZONE,
                ("uuid", str, "the identifier the client gave it"),
                ("totals", str, "JSON: energy in kcal, distance in m, duration in s, heart rate per minute and others"),
                ("laps", str, "JSON: the laps"),
                ("metadata", str, "JSON: whatever else the client said"),
                ("route", str, "the file of the way, where one was recorded"),
                ("superseded", int, "1 when a newer export lacked it: kept, not counted"),
            ),
            self._workouts,
        )

    def _clinical_table(self) -> Table:
        return Table(
            "clinical",
            "clinical and other typed records, kept whole",
            (
                ("kind", str, "fhir, ecg, symptom, medication and others"),
                ("start", str, "when it began or was noted"),
                ("end", str, "when it ended"),
                *_SOURCE,
                ("uuid", str, "its own identifier"),
                ("data", str, "the record as JSON (FHIR records as FHIR)"),
            ),
            self._clinical,
        )

    def _unit(self, metric: str) -> str:
        known = self._catalogue.get(metric)
        return known.unit if known else self._units.get(metric, "")

    def _samples(self) -> Iterator[Row]:
        for origin in self._origins:
            for series_id, metric in leaving.series_of(self._c, self._person, origin.id):
                known, unit = self._catalogue.get(metric), self._unit(metric)
                coded = known if known is not None and known.kind == "category" else None
                of = (origin.label, origin.kind, _first(origin.bundles), origin.product)
                for aside, found in ((False, leaving.samples), (True, leaving.set_aside)):
                    for one in found(self._c, series_id):
                        meaning = self._catalogue.category_name(coded, int(one.value)) if coded else None
                        times = (self._clock(one.start, one.zone), self._clock(one.end, one.zone))
                        more = (one.zone, " ".join(name.uuid for name in one.names), one.tag, _json(one.metadata), int(aside))
                        yield (metric, *times, one.value, unit, meaning, *of, *more)

    def _buckets(self) -> Iterator[Row]:
        for metric, app, width, start, date, value, low, high, source, as_of, uuid in leaving.buckets(self._c, self._person):
            yield (metric, app, width, date or self._clock(start), value, low, high, self._unit(metric), source, uuid, self._clock(as_of))

    def _sleep(self) -> Iterator[Row]:
        for origin in self._origins:
            for series_id, metric in leaving.series_of(self._c, self._person, origin.id):
                if metric != "sleep_analysis":
                    continue
                for one in leaving.stages(self._c, series_id):
                    times = (self._clock(one.start, one.zone), self._clock(one.end, one.zone))
                    uuids = " ".join(name.uuid for name in one.names)
                    yield (*times, one.stage, origin.label, origin.kind, one.zone, uuids, self._clock(one.as_of), int(one.superseded))

    def _days(self) -> Iterator[Row]:
        for metric, date, value, low, high, mean, n, coverage, layer, rule in leaving.days(self._c, self._person):
            yield (metric, date, value, low, high, mean, n, coverage, self._unit(metric), layer, rule)

    def _nights(self) -> Iterator[Row]:
        for date, night in leaving.nights(self._c, self._person):
            zone = night["zone"] or None
            times = [self._clock(night[name], zone) for name, _ in _NIGHT_TIMES]
            yield (date, *times, *(night[name] for name, _ in _NIGHT_NUMBERS), night["name"], int(night["stated"]))

    def _workouts(self) -> Iterator[Row]:
        for origin, one, route in self.workouts():
            times = (self._clock(one.start, one.zone), self._clock(one.end, one.zone))
            more = (_json(one.totals), _json(one.laps), _json(one.metadata))
            yield (one.activity, *times, origin.label, origin.kind, one.zone, one.uuid, *more, route, one.state)

    def workouts(self) -> Iterator[tuple[Origin, LeavingWorkout, str | None]]:
        """Each workout that was not deleted, with the name of its route file where it has a way."""
        number = 0
        for origin in self._origins:
            for one in leaving.workouts(self._c, self._person, origin.id):
                if one.state == 2:
                    continue
                number += 1
                activity = _UNSAFE.sub("_", one.activity)[:40]
                began = f"{self._clock.at(one.start, one.zone):%Y-%m-%d_%H%M}"
                yield origin, one, f"routes/{began}_{activity}_{number}.gpx" if one.route else None

    def _clinical(self) -> Iterator[Row]:
        for origin in (*self._origins, None):
            for one in leaving.clinical(self._c, self._person, origin.id if origin else None):
                of = (origin.label, origin.kind) if origin else (None, None)
                yield (one.kind, self._clock(one.start), self._clock(one.end), *of, one.uuid, _json(one.data))


_NIGHT_TIMES = (
    ("start", "first asleep"), ("end", "last asleep"), ("bed_start", "into bed"), ("bed_end", "out of bed"),
)  # fmt: skip
_NIGHT_NUMBERS = (
    ("asleep", "minutes asleep"), ("core", "of them core sleep"), ("deep", "of them deep sleep"), ("rem", "of them REM sleep"),
    ("unspecified", "of them without a stage"), ("awake", "minutes awake between first and last asleep"), ("in_bed", "minutes in bed"),
    ("latency", "minutes from bed to sleep"), ("efficiency", "asleep by time in bed, 0 to 1"),
)  # fmt: skip


def _first(words: list[str]) -> str | None:
    return words[0] if words else None


def _json(data: Any) -> str | None:
    return json.dumps(data, ensure_ascii=False) if data else None
