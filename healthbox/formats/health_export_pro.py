"""Health Export Pro: ``{"exportDate", "syncSource", "characteristics"?, "data": {HK...: [], "workouts": []}, "workoutRoutes"?}``.

``data`` holds a list for every HealthKit identifier, and lists of its own for workouts and medications. Values are HealthKit's:
"%" is a fraction. A workout's total counts when its unit is said; a bare one is kept beside it. Routes stand apart, by the
workout's uuid. ``exportDate`` says how recent everything is.
"""

import re
from collections.abc import Iterator
from typing import Any

from healthbox.domain.records import Clinical, Record, Sample, SleepStage, SourceClass, SourceRef, Workout
from healthbox.formats.contract import Envelope, Format
from healthbox.formats.native import SLEEP, value_of
from healthbox.formats.routes import route
from healthbox.formats.shapes import marked
from healthbox.formats.totals import Totals
from healthbox.formats.wire import Unreadable, catalogue, each, metadata, number, optional_ms, rejected, span, stage, text, uuid, zone_of

NAME = "health-export-pro"
_TOTALS = {
    "totalEnergyBurned": "energy",
    "activeEnergyBurned": "energy",
    "totalDistance": "distance",
    "totalFlightsClimbed": "flights",
    "totalSwimmingStrokeCount": "swim_strokes",
    "averageHeartRate": "heart_rate_avg",
    "minHeartRate": "heart_rate_min",
    "maxHeartRate": "heart_rate_max",
    "elevationAscended": "elevation_up",
}
_KINDS = {"medications": "medication", "medicationDoseEvents": "medication_dose"}
_MEASURED = ("quantity", "category")
_POINTS = ("locations", "points", "coordinates")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def claims(body: Any, envelope: Envelope) -> bool:
    return marked(body) == NAME


def records(body: Any, envelope: Envelope) -> Iterator[Record]:
    zone, as_of = envelope.zone, _exported(body, envelope.zone)
    routes = body.get("workoutRoutes")
    routes = dict(routes) if isinstance(routes, dict) else {}
    traits = body.get("characteristics")
    if isinstance(traits, dict) and traits:
        yield Clinical(position="characteristics", kind="characteristics", data=traits, as_of=as_of)
    for section, items in body["data"].items():
        reader = _Section(section, zone, as_of, routes)
        yield from each(items, f"data.{section}", reader.read)
    for ident in routes:  # ``_Section`` took the ones whose workout is here
        yield rejected(f"workoutRoutes.{ident[:100]}", "no_workout", "the route's workout is not in this body", routes[ident])


class _Section:
    """Reads the items of one list of ``data``; takes from ``routes`` what belongs to its workouts."""

    def __init__(self, name: str, zone: str, as_of: int | None, routes: dict[str, Any]) -> None:
        self.name, self.zone, self.as_of, self.routes = name, zone, as_of, routes
        metric = catalogue().find("healthkit", name) if name.startswith("HK") else None
        self.measured = name.startswith("HK") and (metric is None or metric.kind in _MEASURED)

    def read(self, item: dict[str, Any], at: str) -> Iterator[Record]:
        if self.name == "workouts":
            yield self._workout(item, at)
        elif self.name in SLEEP:
            yield self._stage(item, at)
        elif self.measured:
            yield self._sample(item, at)
        else:
            yield self._whole(item, at)

    def _sample(self, item: dict[str, Any], at: str) -> Sample:
        meta, unit = metadata(item.get("metadata")), text(item.get("unit"))
        own_zone = _zone(item)
        start, end = _span(item, own_zone or self.zone)
        return Sample(
            position=at,
            metric=self.name,
            naming="healthkit",
            start=start,
            end=end,
            value=value_of(_value(item), "healthkit", self.name),
            unit="hk%" if unit == "%" else unit,
            source=source_of(item),
            uuid=_ident(item),
            zone=own_zone,
            as_of=self.as_of,
            metadata=meta,
        )

    def _stage(self, item: dict[str, Any], at: str) -> SleepStage:
        own_zone = _zone(item)
        start, end = _span(item, own_zone or self.zone)
        found, source = stage("healthkit", _value(item)), source_of(item)
        return SleepStage(position=at, start=start, end=end, stage=found, source=source, uuid=_ident(item), zone=own_zone, as_of=self.as_of)

    def _workout(self, item: dict[str, Any], at: str) -> Workout:
        said = next((item[key] for key in ("workoutActivityType", "activityType", "type", "name") if item.get(key) not in (None, "")), None)
        kind = text(said) or number(said)
        if kind is None:
            raise Unreadable("no_activity", "the workout names no activity")
        own_zone, ident = _zone(item), _ident(item)
        start, end = _span(item, own_zone or self.zone)
        totals = _totals(item)
        return Workout(
            position=at,
            activity=catalogue().activity("healthkit", kind),
            start=start,
            end=end,
            uuid=ident,
            source=source_of(item),
            zone=own_zone,
            totals=totals.found,
            route=route(_points(self.routes.pop(ident, None)) if ident else [], own_zone or self.zone),
            as_of=self.as_of,
            metadata=((metadata(item.get("metadata")) or {}) | totals.kept) or None,
        )

    def _whole(self, item: dict[str, Any], at: str) -> Clinical:
        own = _KINDS.get(self.name)
        metric = catalogue().find("healthkit", self.name) if own is None else None
        kind = own or (metric.key if metric else _HUMP.sub("_", self.name).lower()[:100])
        start, end = (optional_ms(item.get(key), self.zone) for key in ("startDate", "endDate"))
        if start is None:
            start = optional_ms(item.get("scheduledDate", item.get("date")), self.zone)
        return Clinical(
            position=at, kind=kind, data=item, start=start, end=end, uuid=_ident(item), source=source_of(item), as_of=self.as_of
        )


def source_of(item: dict[str, Any]) -> SourceRef:
    said, device = item.get("source"), item.get("device")
    parts: dict[str, Any] = said if isinstance(said, dict) else {"name": said if text(said) else item.get("sourceName")}
    model = device.get("model") if isinstance(device, dict) else None
    typed = (metadata(item.get("metadata")) or {}).get("HKWasUserEntered") in (True, 1, "1", "true")
    manual: SourceClass | None = "manual" if typed else None
    bundle = text(parts.get("bundleIdentifier")) or text(item.get("sourceBundleIdentifier"))
    product = text(parts.get("productType")) or text(item.get("productType")) or text(model)
    return SourceRef(text(parts.get("name")), bundle, product, manual)


def _exported(body: dict[str, Any], zone: str) -> int | None:
    try:
        return optional_ms(body.get("exportDate"), zone)
    except Unreadable:
        return None


def _totals(item: dict[str, Any]) -> Totals:
    totals = Totals()
    totals.add("duration", item.get("durationSeconds"), "s", wire_name="durationSeconds", wire_value=item.get("durationSeconds"))
    for wire_name, name in _TOTALS.items():
        stated, unit = item.get(wire_name), text(item.get(f"{wire_name}Unit"))
        value = stated
        if isinstance(stated, dict):
            value, unit = _value(stated), text(stated.get("unit")) or unit
        totals.add(name, value, unit, wire_name=wire_name, wire_value=stated)
    return totals


def _points(said: Any) -> list[Any]:
    """The points of a workout's routes, in one list: they come as points or as routes that hold them."""
    points: list[Any] = []
    for part in said if isinstance(said, list) else ():
        inner = next((part[key] for key in _POINTS if isinstance(part.get(key), list)), None) if isinstance(part, dict) else part
        points += inner if isinstance(inner, list) else [part]
    return points


def _value(item: dict[str, Any]) -> Any:
    return next((item[key] for key in ("value", "quantity", "qty") if item.get(key) is not None), None)


def _span(item: dict[str, Any], zone: str) -> tuple[int, int]:
    return span(item.get("startDate", item.get("date")), item.get("endDate"), zone)


def _ident(item: dict[str, Any]) -> str | None:
    return uuid(item.get("uuid")) or uuid(item.get("id"))


def _zone(item: dict[str, Any]) -> str | None:
    return zone_of((metadata(item.get("metadata")) or {}).get("HKTimeZone"))


FORMAT = Format(name=NAME, looks_for='"exportDate" with "data" as an object of HealthKit types', claims=claims, records=records)
