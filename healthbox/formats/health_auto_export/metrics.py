"""The points of ``data.metrics[]``: buckets where the app aggregated, samples where it did not.

The width of a bucket is what the header ``automation-aggregation`` says. Without it the points of a list tell: all at local
midnight are days, all at full hours are hours, all at full minutes are minutes; anything else is raw, and so are two points at one
instant. One point alone at a full minute tells nothing: it is what the other lists of its body tell, for the app aggregates all
metrics of an automation alike. That is raw if any list is, else the narrowest width; where nothing tells, a point from a low to a
high tells minutes, which are buckets. Else it is raw, for an app that aggregates says so; but what is added up is a minute, which
replaces itself where it is a growing total, and a point at local midnight, which may be a whole day, is never raw. A point that
cannot begin the width of its body is a minute. The header's "Default" is seconds for heart rate and minutes for the rest. A date
without a time is a day. Categories (stand hours, mindful minutes, handwashing) come as counts or durations, which only a bucket can
say: they are at least minutes.

Where the header names a width, several points of one bucket (bolus and basal, a row a source) are made one.
"""

import datetime as dt
import math
import re
from collections.abc import Iterator
from functools import cached_property
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
_DEFAULT = "default"
_NARROW_TO_WIDE = (_RAW, "minute", "hour", "day")  # what points can tell
_SLEEP = "sleep_analysis"  # its shape tells, never its times
_AVERAGED = ("mean", "min_max_mean")


class Widths:
    """The width of every list of one body, "raw" for samples. ``stated`` is what the header names, in any case and spelling: "raw"
    for none and seconds, None where it leaves that open."""

    def __init__(self, header: str, metrics: Any, zone: str) -> None:
        word = re.sub("[^a-z]", "", header.lower()).removesuffix("s")
        self.stated = _RAW if word in _UNGATHERED else _WIDTHS.get(word)
        self._default = word == _DEFAULT
        self._metrics = metrics if isinstance(metrics, list) else []
        self._zone = zone

    def of(self, name: str, items: list[Any]) -> str:
        if self.stated is not None:
            return self.stated
        widest, sure = _told(items, self._zone)
        if sure:
            return widest
        if self._default:
            return _RAW if name == "heart_rate" else "minute"
        rest = self._of_the_rest
        if rest is None:
            known = catalogue().find("health_auto_export", name)
            rest = "minute" if known is not None and known.aggregation == "sum" else _RAW
        if _NARROW_TO_WIDE.index(rest) > _NARROW_TO_WIDE.index(widest) or (rest == _RAW and widest == "day"):
            return "minute"
        return rest

    @cached_property
    def _of_the_rest(self) -> str | None:
        """What the lists of the body tell, None for nothing."""
        lists = [_items(metric) for metric in self._metrics if isinstance(metric, dict) and text(metric.get("name")) != _SLEEP]
        told = {width for width, sure in (_told(items, self._zone) for items in lists) if sure}
        if told:
            return min(told, key=_NARROW_TO_WIDE.index)
        return "minute" if any(_spread(item) for items in lists for item in items) else None


def points(metric: dict[str, Any], at: str, widths: Widths, zone: str) -> Iterator[Record]:
    name = text(metric.get("name"))
    if name is None:
        raise Unreadable("no_name", "the metric has no name")
    units = text(metric.get("units"))
    if name == _SLEEP:
        yield from each(metric.get("data"), f"{at}.data", lambda item, position: sleep.point(item, position, units or "hr", zone))
        return
    known = catalogue().find("health_auto_export", name)
    items = _items(metric)
    width = widths.of(name, items)
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
    yield from _joined(found, items) if widths.stated and width != _RAW else found


def _items(metric: dict[str, Any]) -> list[Any]:
    items = metric.get("data")
    return items if isinstance(items, list) else [] if items is None else [items]


def _joined(found: Iterator[Record], items: list[Any]) -> Iterator[Record]:
    """One bucket where several points say parts of it, in whatever order they come."""
    rows: dict[tuple[str, Any], list[Bucket]] = {}
    for record in found:
        if isinstance(record, Bucket):
            rows.setdefault((record.metric, record.date or record.start), []).append(record)
        else:
            yield record
    for same in rows.values():
        yield same[0] if len(same) == 1 else _one(same, items)


def _one(rows: list[Bucket], items: list[Any]) -> Bucket:
    """The mean of all rows, from the lowest to the highest, where the metric is averaged. Of any other the largest of one reason (or
    none) counts, for it is the same seen by several sources; where the metric is added up, the reasons are added."""
    known = catalogue().find("health_auto_export", rows[0].metric)
    aggregation = None if known is None else known.aggregation
    if aggregation in _AVERAGED:
        values = [row.value for row in rows if row.value is not None]
        low = min([row.low for row in rows if row.low is not None] + values)
        high = max([row.high for row in rows if row.high is not None] + values)
        source = "|".join(sorted({name for row in rows for name in row.source.split("|") if name}))
        return msgspec.structs.replace(rows[0], value=math.fsum(values) / len(values), low=low, high=high, source=source)
    largest = max(rows, key=lambda row: (row.value or 0.0, row.source))
    if aggregation != "sum":
        return largest
    parts: dict[str, float] = {}
    for row in rows:
        reason, value = text(items[int(_INDEX.findall(row.position)[-1])].get("reason")) or "", row.value or 0.0
        parts[reason] = max(value, parts.get(reason, value))
    return msgspec.structs.replace(largest, value=math.fsum(parts.values()))


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


def _spread(item: Any) -> bool:
    try:
        _, low, high = _values(item) if isinstance(item, dict) else (None, None, None)
    except Unreadable:
        return False
    return low is not None and high is not None and low < high


def _told(items: list[Any], zone: str) -> tuple[str, bool]:
    """The widest that the points of one list can be, and whether they are that: one point at a full minute may be less."""
    seconds: dict[int, int] = {}
    dated = False
    for item in items:
        found = _maybe(item, zone)
        if found is None:
            continue
        second = _second_of_day(found, zone)
        if found.ms % 1000 or second % 60 or found.ms in seconds:
            return _RAW, True
        seconds[found.ms] = second
        dated = dated or found.date_only
    if not any(seconds.values()):
        return "day", dated or len(seconds) > 1
    return "hour" if all(second % 3600 == 0 for second in seconds.values()) else "minute", len(seconds) > 1


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
