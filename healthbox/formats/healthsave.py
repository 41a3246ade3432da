"""HealthSave for iPhone and Android: one metric a body, ``{"metric", "batch_index", "total_batches", "samples": []}``.

A sample is ``{date, qty, unit?, source}``, a category ``{startDate, endDate, value, source}``, a workout ``{name, start, end, ...}``.
Units are mostly not said: the contract fixes some (``UNITS``); another value whose unit is open is kept under a name of its own.
"%" is HealthKit's fraction, but for blood oxygen, which the contract lets come as 97 or as 0.97. What the phone's own statistics
added up over a day is a bucket of that day.
"""

import datetime as dt
from collections.abc import Iterator
from typing import Any

from healthbox.domain.records import Bucket, Clinical, Naming, Record, Sample, SleepStage, Stage, StatedTotal, Workout
from healthbox.formats.contract import Envelope, Format
from healthbox.formats.day_marks import date_of
from healthbox.formats.native import value_of
from healthbox.formats.routes import instant
from healthbox.formats.shapes import marked
from healthbox.formats.shortcuts.names import Name, placed
from healthbox.formats.totals import Totals
from healthbox.formats.wire import Unreadable, catalogue, each, metadata, moment, named_source, number, span, stage, text, uuid

NAME = "healthsave"
STATISTICS = "HealthKit Statistics"
_ALIASES = {"blood_oxygen": "oxygen_saturation", "hrv": "hrv_sdnn"}
# Units that the contract fixes, by metric.
UNITS = {
    "body_temperature": "degC", "wrist_temperature": "degC", "basal_body_temperature": "degC",
    "distance_walking_running": "m", "distance_cycling": "m", "distance_wheelchair": "m", "distance_swimming": "m",
    "active_energy": "kcal", "basal_energy": "kcal", "exercise_time": "min", "stand_time": "min",
}  # fmt: skip
_WORKOUT = {
    "duration": ("duration", "s"),
    "activeEnergy": ("energy", "kcal"),
    "totalEnergy": ("total_energy", "kcal"),
    "distance": ("distance", "m"),
    "avgHeartRate": ("heart_rate_avg", "bpm"),
    "minHeartRate": ("heart_rate_min", "bpm"),
    "maxHeartRate": ("heart_rate_max", "bpm"),
    "steps": ("steps", "count"),
    "elevationAscended": ("elevation_up", "m"),
}
_RINGS = {
    "active_energy": (("activeEnergyBurned", "activeEnergy"), "kcal"),
    "exercise_time": (("appleExerciseTime", "exerciseMinutes", "exerciseTime"), "min"),
    "stand_hour": (("appleStandHours", "standHours"), "count"),
    "move_time": (("appleMoveTime", "moveMinutes"), "min"),
}
_WHOLE = {"medication_dose_event": "medication", "medications": "medication", "electrocardiogram": "ecg", "ecg": "ecg"}
_TIMES = ("startDate", "start", "date")
_ENDS = ("endDate", "end")


def claims(body: Any, envelope: Envelope) -> bool:
    return marked(body) == NAME


def records(body: Any, envelope: Envelope) -> Iterator[Record]:
    name = (text(body["metric"]) or "")[:200]
    zone = envelope.zone
    readers = {"sleep_analysis": _sleep, "workouts": _workout, "activity_summaries": _rings, **dict.fromkeys(_WHOLE, _whole)}
    read = readers.get(name, _sample)
    yield from each(body["samples"], "samples", lambda item, at: read(item, at, name, zone))


def window(samples: list[Any], zone: str) -> tuple[int, int] | None:
    """The earliest start and the latest end (ms) of a body's samples; None when no time in them can be read."""
    found = [
        at
        for item in samples
        if isinstance(item, dict)
        for key in (*_TIMES, *_ENDS)
        if item.get(key) and (at := instant(item[key], zone)) is not None
    ]
    return (min(found), max(found)) if found else None


def _first(item: dict[str, Any], keys: tuple[str, ...]) -> Any:
    return next((item[key] for key in keys if item.get(key) not in (None, "")), None)


def _sample(item: dict[str, Any], at: str, name: str, zone: str) -> Iterator[Record]:
    naming: Naming = "key" if name in _ALIASES else "health_auto_export"
    called = _ALIASES.get(name, name)
    metric = catalogue().find(naming, called)
    value = value_of(item["qty"] if item.get("qty") is not None else item.get("value"), naming, called)
    unit = text(item.get("unit"))
    if metric is not None:
        unit = unit or UNITS.get(metric.key)
        if metric.key == "oxygen_saturation" and unit in (None, "%"):
            unit = "hk%" if isinstance(value, float) and value <= 1 else "%"  # the contract lets both; 1 % is no reading
        elif unit == "%":
            unit = "hk%"
    called = placed(Name(called, naming, metric, unit), unit)
    source = text(item.get("source"))
    when = _first(item, _TIMES)
    start, end = span(when, _first(item, _ENDS), zone)
    if isinstance(value, float) and start == end and (source == STATISTICS or moment(when, zone).date_only):
        date = moment(when, zone).date if moment(when, zone).date_only else date_of(start, zone)
        yield Bucket(
            position=at, metric=called, naming=naming, app=NAME, width="day", start=start, date=date, value=value, unit=unit,
            source=source or "",
        )  # fmt: skip
        return
    yield Sample(
        position=at,
        metric=called,
        naming=naming,
        start=start,
        end=end,
        value=value,
        unit=unit,
        source=named_source(source),
        uuid=uuid(item.get("uuid")),
        metadata=metadata(item.get("metadata")),
    )


def _sleep(item: dict[str, Any], at: str, name: str, zone: str) -> Iterator[Record]:
    start, end = span(_first(item, _TIMES), _first(item, _ENDS), zone)
    source, ident = named_source(item.get("source")), uuid(item.get("uuid"))
    yield SleepStage(position=at, start=start, end=end, stage=_stage(item.get("value")), source=source, uuid=ident)


def _stage(value: Any) -> Stage:
    """A name as the app shows it, or HealthKit's own name or number."""
    word = text(value)
    shown = catalogue().stage("health_auto_export", word) if word else None
    return shown or stage("healthkit", value)


def _workout(item: dict[str, Any], at: str, name: str, zone: str) -> Iterator[Record]:
    called = text(item.get("name"))
    if called is None:
        raise Unreadable("no_activity", "the workout has no name")
    start, end = span(_first(item, _TIMES), _first(item, _ENDS), zone)
    totals = Totals()
    for wire_name, (total, unit) in _WORKOUT.items():
        totals.add(total, item.get(wire_name), unit, wire_name=wire_name, wire_value=item.get(wire_name))
    yield Workout(
        position=at,
        activity=catalogue().activity("health_auto_export", called),
        start=start,
        end=end,
        uuid=uuid(item.get("uuid")),
        source=named_source(item.get("source")),
        totals=totals.found,
        metadata={"name": called} | (metadata(item.get("metadata")) or {}) | totals.kept,
    )


def _rings(item: dict[str, Any], at: str, name: str, zone: str) -> Iterator[Record]:
    """A day as the activity rings state it."""
    date = _date(_first(item, _TIMES), zone)
    found = [(metric, unit, amount) for metric, (keys, unit) in _RINGS.items() if (amount := number(_first(item, keys))) is not None]
    if not found:
        raise Unreadable("no_value", "the summary states none of the rings")
    for metric, unit, amount in found:
        yield StatedTotal(position=f"{at}.{metric}", metric=metric, naming="key", app=NAME, date=date, value=amount, unit=unit)


def _date(value: Any, zone: str) -> dt.date:
    found = moment(value, zone)
    return found.date if found.date_only else date_of(found.ms, zone)


def _whole(item: dict[str, Any], at: str, name: str, zone: str) -> Iterator[Record]:
    start, end = span(_first(item, _TIMES), _first(item, _ENDS), zone)
    source, ident = named_source(item.get("source")), uuid(item.get("uuid"))
    yield Clinical(position=at, kind=_WHOLE[name], data=item, start=start, end=end, uuid=ident, source=source)


FORMAT = Format(name=NAME, looks_for='"metric" and "samples", with "batch_index" and "total_batches"', claims=claims, records=records)
