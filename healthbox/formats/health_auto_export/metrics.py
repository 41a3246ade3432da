"""The points of ``data.metrics[]``: buckets where the app aggregated, samples where it did not.

The width of a bucket is what the header ``automation-aggregation`` says. Without it the points of one array tell: all at local
midnight are days, all at full hours are hours, all at full minutes are minutes; anything else is raw, and so are two points at one
instant. One point alone tells nothing of hours and days: it is a minute. Where the header names a width, several points of one
bucket (bolus and basal, a row a source) are made one. Categories (stand hours, mindful minutes, handwashing) come as counts or
durations, which only a bucket can say: they are at least minutes.
"""

import datetime as dt
import math
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from healthbox.domain import clock
from healthbox.domain.clock import Moment
from healthbox.domain.records import Bucket, Record, Sample, Width
from healthbox.formats.health_auto_export import sleep
from healthbox.formats.wire import Unreadable, catalogue, each, metadata, moment, named_source, number, span, text, uuid

_WIDTHS: dict[str, Width] = {"minute": "minute", "hour": "hour", "day": "day", "week": "week", "month": "month", "year": "year"}
_DATED = ("day", "week", "month", "year")
_QUALIFIERS = ("mealTime", "reason", "value")  # before or after a meal, bolus or basal, complete or not
_INDEX = re.compile(r"\[(\d+)\]")
_PARTS = ("Unspecified", "Protection Used", "Protection Not Used")  # sexual_activity counts by kind
_RAW = "raw"
_UNGATHERED = ("second", "none", "off")


def stated_width(header: str) -> str | None:
    """The width that the header names, in any case and spelling; "raw" for none and seconds; None when it leaves that open."""
    word = re.sub("[^a-z]", "", header.lower()).removesuffix("s")
    return _RAW if word in _UNGATHERED else _WIDTHS.get(word)


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
    if not isinstance(items, list):
        items = [] if items is None else [items]
    width = stated or _width(items, zone)
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

    found = each(items, f"{at}.data", read)
    yield from _joined(found, items, known is not None and known.aggregation == "sum") if stated and width != _RAW else found


def _joined(found: Iterator[Record], items: list[Any], added: bool) -> Iterator[Record]:
    """One bucket where several points say parts of it: of one reason (or none) the largest counts, for it is the same seen by
    several sources; of a metric that is ``added`` up, the reasons are added."""
    largest: dict[tuple[str, Any], Bucket] = {}
    parts: dict[tuple[str, Any], dict[str, float]] = {}
    for record in found:
        if not isinstance(record, Bucket):
            yield record
            continue
        key, value = (record.metric, record.date or record.start), record.value or 0.0
        reason = text(items[int(_INDEX.findall(record.position)[-1])].get("reason")) or ""
        mine = parts.setdefault(key, {})
        mine[reason] = max(value, mine.get(reason, value))
        if key not in largest or value > (largest[key].value or 0.0):
            largest[key] = record
    for key, record in largest.items():
        yield msgspec.structs.replace(record, value=math.fsum(parts[key].values())) if added and len(parts[key]) > 1 else record


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


def _width(items: list[Any], zone: str) -> str:
    moments = [found for item in items if (found := _maybe(item, zone)) is not None]
    if len({found.ms for found in moments}) < len(moments):
        return _RAW
    seconds = {_second_of_day(found, zone) for found in moments}
    if any(found.ms % 1000 for found in moments) or any(second % 60 for second in seconds):
        return _RAW
    if len(moments) == 1 and not moments[0].date_only:
        return "minute"
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
