"""Sleep in all its shapes: a stage per point, or a whole night per point in three generations of the app.

A night's ``date`` is taken as stated. The old shape has ``sleepSource`` and ``inBedSource``; the new one ``source`` and
stages; some clients send a date and durations only. Zero is what the app writes for "not measured": with stages ``asleep`` and
``inBed`` are 0, and a band without stages leaves core, deep and rem at 0. Those zeros are missing values here.
"""

import math
from collections.abc import Iterator
from typing import Any

from healthbox.domain.records import Record, SleepStage, StatedNight
from healthbox.formats.wire import Unreadable, moment, named_source, number, optional_ms, span, stage, text, uuid

APP = "health-auto-export"
_MINUTES = {"hr": 60.0, "h": 60.0, "hours": 60.0, "min": 1.0, "minutes": 1.0, "s": 1 / 60, "sec": 1 / 60}
_DAY = 24 * 60.0


def point(item: dict[str, Any], at: str, units: str, zone: str) -> Iterator[Record]:
    if "startDate" in item and "value" in item:
        start, end = span(item["startDate"], item.get("endDate"), zone)
        found = stage("health_auto_export", item["value"])
        source, ident = named_source(item.get("source")), uuid(item.get("source_uuid"))
        yield SleepStage(position=at, start=start, end=end, stage=found, source=source, uuid=ident)
        return
    yield _night(item, at, units, zone)


def _night(item: dict[str, Any], at: str, units: str, zone: str) -> StatedNight:
    factor = _MINUTES.get(units)
    if factor is None:
        raise Unreadable("unknown_unit", "sleep is stated in a unit that is not known")
    told = {name: _minutes(item.get(name), factor) for name in ("totalSleep", "asleep", "core", "deep", "rem", "awake", "inBed")}
    stages = [told[name] for name in ("core", "deep", "rem")]
    staged = any(stages)
    asleep = told["totalSleep"] or math.fsum(minutes or 0.0 for minutes in (told["asleep"], *stages)) or None
    if asleep is None and not told["inBed"]:
        raise Unreadable("no_value", "the night states no sleep")
    if asleep is not None and asleep > _DAY:
        raise Unreadable("absurd_duration", "the night is longer than 24 hours")
    times = {name: optional_ms(item.get(name), zone) for name in ("sleepStart", "sleepEnd", "inBedStart", "inBedEnd")}
    wake = moment(item.get("date") or item.get("sleepEnd") or item.get("inBedEnd"), zone)
    names = dict.fromkeys(filter(None, (text(item.get(key)) for key in ("source", "sleepSource", "inBedSource"))))
    return StatedNight(
        position=at,
        app=APP,
        date=wake.date,
        start=times["sleepStart"],
        end=times["sleepEnd"],
        in_bed_start=times["inBedStart"],
        in_bed_end=times["inBedEnd"],
        asleep=asleep,
        core=told["core"] if staged else None,
        deep=told["deep"] if staged else None,
        rem=told["rem"] if staged else None,
        awake=told["awake"] if staged else told["awake"] or None,
        in_bed=told["inBed"] or None,
        source="|".join(names),
    )


def _minutes(value: Any, factor: float) -> float | None:
    found = number(value)
    if found is None:
        return None
    if not 0 <= found * factor <= _DAY:
        raise Unreadable("absurd_duration", "a duration of the night lies outside 0 to 24 hours")
    return round(found * factor, 6)
