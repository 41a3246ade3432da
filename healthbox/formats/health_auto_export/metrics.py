"""The points of ``data.metrics[]``: buckets where the app aggregated, samples where it did not.

The width of a bucket is what the header ``automation-aggregation`` says. Without it the points of one array tell: all at local
midnight are days, all at full hours are hours, all at full minutes are minutes; anything else is raw. Two points of one array
at the same instant (or, from a day up, on the same date) cannot be aggregates, so such an array is raw as well. Categories
(stand hours, mindful minutes, handwashing) come as counts or durations, which only a bucket can say: they are at least minutes.
"""

import datetime as dt
import math
import re
from collections.abc import Iterator
from typing import Any

from healthbox.domain import clock
from healthbox.domain.clock import Moment
from healthbox.domain.records import Bucket, Record, Sample, Width
from healthbox.formats.health_auto_export import sleep
from healthbox.formats.wire import Unreadable, catalogue, each, metadata, moment, named_source, number, span, text, uuid

_WIDTHS: dict[str, Width] = {"minute": "minute", "hour": "hour", "day": "day", "week": "week", "month": "month", "year": "year"}
_DATED = ("day", "week", "month", "year")
_QUALIFIERS = ("mealTime", "reason", "value")  # before or after a meal, bolus or basal, complete or not
_PARTS = ("Unspecified", "Protection Used", "Protection Not Used")  # sexual_activity counts by kind
_RAW = "raw"


def stated_width(header: str) -> str | None:
    """The width that the header names, in any case and spelling; "raw" for seconds; None when it leaves that open."""
    word = re.sub("[^a-z]", "", header.lower()).removesuffix("s")
    return _RAW if word == "second" else _WIDTHS.get(word)


def points(metric: dict[str, Any], at: str, stated: str | None, zone: str) -> Iterator[Record]:
    name = text(metric.get("name"))
    if name is None:
        raise Unreadable("no_name", "the metric has no name")
    units = text(metric.get("units"))
    items = metric.get("data")
    if name == "sleep_analysis":
        yield from each(items, f"{at}.data", lambda item, position: sleep.point(item, position, units or "hr", zone))
        return
    known = catalogue().find("health_auto_export", name)
    width = _width(items if isinstance(items, list) else [], stated, zone)
    if width == _RAW and known is not None and known.kind == "category":
        width = "minute"

    def read(item: dict[str, Any], position: str) -> Iterator[Record]:
        unit = text(item.get("units")) or units
        for part, suffix in (("systolic", ".systolic"), ("diastolic", ".diastolic")) if name == "blood_pressure" else (("", ""),):
            value, low, high = (number(item.get(part)), None, None) if part else _values(item)
            if value is None:
                raise Unreadable("no_value", "the point holds no value")
            label = f"{name}_{part}" if part else name
            if width == _RAW:
                yield _sample(item, position + suffix, label, unit, (value, low, high), zone)
            else:
                yield _bucket(item, position + suffix, label, unit, (value, low, high), _WIDTHS[width], zone)

    yield from each(items, f"{at}.data", read)


def _bucket(item: dict[str, Any], at: str, name: str, unit: str | None, values: "_Values", width: Width, zone: str) -> Bucket:
    start = moment(_time(item), zone)
    return Bucket(
        position=at,
        metric=name,
        naming="health_auto_export",
        app=sleep.APP,
        width=width,
        start=start.ms,
        date=start.date if width in _DATED else None,
        value=values[0],
        low=values[1],
        high=values[2],
        unit=unit,
        source=text(item.get("source")) or "",
    )


def _sample(item: dict[str, Any], at: str, name: str, unit: str | None, values: "_Values", zone: str) -> Sample:
    value, low, high = values
    start, end = span(_time(item), item.get("endDate", item.get("end")), zone)
    extra = {key: item[key] for key in _QUALIFIERS if text(item.get(key))}
    if low is not None and high is not None and low != high:
        extra |= {"min": low, "max": high}
    return Sample(
        position=at,
        metric=name,
        naming="health_auto_export",
        start=start,
        end=end,
        value=value,
        unit=unit,
        source=named_source(item.get("source")),
        uuid=uuid(item.get("source_uuid")),
        tag=text(item.get("reason")) or "",
        metadata=((metadata(item.get("metadata")) or {}) | extra) or None,
    )


_Values = tuple[float, float | None, float | None]


def _values(item: dict[str, Any]) -> tuple[float | None, float | None, float | None]:
    """(value, low, high) of one point: qty, or Avg with Min and Max, or the counts of its parts added up."""
    low, high = (number(item.get(name, item.get(name.lower()))) for name in ("Min", "Max"))
    value = number(item.get("qty"))
    if value is None:
        value = number(item.get("Avg", item.get("avg")))
    if value is None and any(part in item for part in _PARTS):
        value = math.fsum(number(item.get(part)) or 0.0 for part in _PARTS)
    return value, low, high


def _time(item: dict[str, Any]) -> Any:
    return item.get("startDate") or item.get("date") or item.get("start")


def _width(items: list[Any], stated: str | None, zone: str) -> str:
    if stated == _RAW:
        return _RAW
    moments = [found for item in items if (found := _maybe(item, zone)) is not None]
    keys: list[int | dt.date] = [found.date if stated in _DATED else found.ms for found in moments]
    if len(set(keys)) < len(keys):
        return _RAW
    if stated is not None:
        return stated
    seconds = {_second_of_day(found, zone) for found in moments}
    if any(found.ms % 1000 for found in moments) or any(second % 60 for second in seconds):
        return _RAW
    if all(second == 0 for second in seconds):
        return "day"
    return "hour" if all(second % 3600 == 0 for second in seconds) else "minute"


def _maybe(item: Any, zone: str) -> Moment | None:
    try:
        return moment(_time(item), zone) if isinstance(item, dict) else None
    except Unreadable:
        return None


def _second_of_day(found: Moment, zone: str) -> int:
    offset = found.offset
    if offset is None:
        local = (clock.EPOCH + dt.timedelta(milliseconds=found.ms)).astimezone(clock.zone_of(zone))
        return local.hour * 3600 + local.minute * 60 + local.second
    return (found.ms // 1000 + offset) % 86_400
