"""A workout with its events, statistics, parts and routes; totals as attributes before iOS 16, as statistics since."""

import re
from collections.abc import Iterator
from typing import Any

from healthbox.domain.records import Record, Workout
from healthbox.domain.units import to_canonical
from healthbox.formats.apple_export import gpx
from healthbox.formats.apple_export.archive import Export
from healthbox.formats.apple_export.elements import Element
from healthbox.formats.apple_export.heads import body, head
from healthbox.formats.totals import Totals
from healthbox.formats.wire import Unreadable, catalogue, number, rejected, span, text

_SUMS = {
    "ActiveEnergyBurned": "energy",
    "BasalEnergyBurned": "basal_energy",
    "StepCount": "steps",
    "FlightsClimbed": "flights",
    "SwimmingStrokeCount": "swim_strokes",
}
_RATES = {"HeartRate": "heart_rate", "RunningSpeed": "speed", "CyclingSpeed": "speed", "WalkingSpeed": "speed", "RunningPower": "power",
          "CyclingPower": "power"}  # fmt: skip
_ATTRIBUTES = {
    "totalEnergyBurned": "energy",
    "totalDistance": "distance",
    "totalFlightsClimbed": "flights",
    "totalSwimmingStrokeCount": "swim_strokes",
}
_METADATA = {
    "HKElevationAscended": "elevation_up",
    "HKElevationDescended": "elevation_down",
    "HKAverageMETs": "intensity",
    "HKWeatherTemperature": "temperature",
    "HKWeatherHumidity": "humidity",
    "HKAverageSpeed": "speed_avg",
    "HKMaximumSpeed": "speed_max",
    "HKLapLength": "lap_length",
}
_EFFORTS = {"kcal/hr·kg", "kcal/(kg*hr)", "kcal/(hr*kg)"}  # one MET is 1 kcal an hour for each kilogram
_AMOUNT = re.compile(r"([-+.\deE]+)\s*(\S.*)", re.ASCII)
_LAPS = ("Lap", "Segment")


def workout(element: Element, at: str, zone: str, as_of: int | None, export: Export) -> Iterator[Record]:
    said = element.attributes
    activity = text(said.get("workoutActivityType"))
    if activity is None:
        raise Unreadable("no_activity", "the workout names no activity")
    stated = body([(entry.attributes.get("key", ""), entry.attributes.get("value", "")) for entry in element.all("MetadataEntry")])
    start, end = span(said.get("startDate"), said.get("endDate"), stated.zone or zone)
    known = head(activity, None, said.get("sourceName") or said.get("source"), said.get("device"))
    events = [_event(event, zone) for event in element.all("WorkoutEvent")]
    parts = [_part(part, zone) for part in element.all("WorkoutActivity")]
    totals = _totals(element, stated.metadata or {})
    rest: dict[str, Any] = {
        "events": [event for event in events if event["name"] not in _LAPS],
        "activities": parts,
    }
    route, broken = _route(element, at, export, rest)
    yield Workout(
        position=at,
        activity=catalogue().activity("healthkit", activity),
        start=start,
        end=end,
        source=(known.typed if stated.typed else known.key)[2],
        zone=stated.zone,
        totals=totals.found,
        route=route,
        laps=[event for event in events if event["name"] in _LAPS],
        as_of=as_of,
        metadata=((stated.metadata or {}) | totals.kept | {name: kept for name, kept in rest.items() if kept}) or None,
    )
    yield from broken


def _event(element: Element, zone: str) -> dict[str, Any]:
    """{"name", "start" in ms, "duration" in s}, and what else is said of it. Times that cannot be read are left as they are."""
    said = element.attributes
    made: dict[str, Any] = {"name": (said.get("type") or "").removeprefix("HKWorkoutEventType")}
    try:
        made["start"] = span(said.get("date"), None, zone)[0]
    except Unreadable:
        made["date"] = said.get("date")
    length = Totals()
    length.add("duration", said.get("duration"), said.get("durationUnit"), wire_name="duration", wire_value=said.get("duration"))
    more = body([(entry.attributes.get("key", ""), entry.attributes.get("value", "")) for entry in element.all("MetadataEntry")])
    return made | length.found | length.kept | (more.metadata or {})


def _part(element: Element, zone: str) -> dict[str, Any]:
    """An activity inside the workout: a leg of a triathlon, an interval of a plan."""
    made: dict[str, Any] = {"uuid": element.attributes.get("uuid")}
    try:
        made["start"], made["end"] = span(element.attributes.get("startDate"), element.attributes.get("endDate"), zone)
    except Unreadable:
        made |= element.attributes
    stated = body([(entry.attributes.get("key", ""), entry.attributes.get("value", "")) for entry in element.all("MetadataEntry")])
    totals = _totals(element, stated.metadata or {})
    return made | {"totals": totals.found, "metadata": (stated.metadata or {}) | totals.kept}


def _totals(element: Element, metadata: dict[str, Any]) -> Totals:
    totals, said = Totals(), element.attributes
    totals.add("duration", said.get("duration"), said.get("durationUnit") or "min", wire_name="duration", wire_value=said.get("duration"))
    for statistics in element.all("WorkoutStatistics"):
        _statistics(totals, statistics.attributes)
    for wire_name, name in _ATTRIBUTES.items():
        totals.add(name, said.get(wire_name), said.get(f"{wire_name}Unit"), wire_name=wire_name, wire_value=said.get(wire_name))
    for key, name in _METADATA.items():
        found = _AMOUNT.fullmatch(str(metadata.get(key, "")))
        if found:
            _amount(totals, name, found[1], found[2].strip())
    return totals


def _statistics(totals: Totals, said: dict[str, str]) -> None:
    """Well-known ones under the names that every format uses, the others under their metric's own."""
    kind = said.get("type") or ""
    short, unit = kind.removeprefix("HKQuantityTypeIdentifier"), said.get("unit")
    metric = catalogue().find("healthkit", kind)
    for field, suffix in (("sum", "sum"), ("average", "avg"), ("minimum", "min"), ("maximum", "max")):
        value = said.get(field)
        if value is None:
            continue
        name = None
        if field == "sum":
            name = "distance" if short.startswith("Distance") else _SUMS.get(short)
        elif short in _RATES and (short == "HeartRate" or field in ("average", "maximum")):
            name = f"{_RATES[short]}_{suffix}"
        if name in ("power_max", "distance") and name in totals.found:
            name = None
        wire_name = f"{short}.{field}"
        if name is not None and name != "power_max":
            totals.add(name, value, unit, wire_name=wire_name, wire_value=f"{value} {unit or ''}".strip())
            continue
        try:
            amount = number(value)
            if metric is None or amount is None:
                raise ValueError(kind)
            totals.found.setdefault(f"{metric.key}_{suffix}", to_canonical(metric, amount, "hk%" if unit == "%" else unit))
        except (Unreadable, ValueError):
            totals.kept[wire_name] = f"{value} {unit or ''}".strip()


def _amount(totals: Totals, name: str, value: str, unit: str) -> None:
    """A total written into the metadata as "5900 cm". A humidity above 100 is in hundredths of a percent."""
    try:
        amount = number(value)
    except Unreadable:
        return
    if amount is not None and name == "humidity" and amount > 100:
        amount /= 100
    trial = Totals()
    trial.add(name, amount, "MET" if unit in _EFFORTS else unit, wire_name=name, wire_value=value)
    for found in trial.found.values():
        totals.found.setdefault(name, found)


def _route(element: Element, at: str, export: Export, rest: dict[str, Any]) -> tuple[list[list[float | None]], list[Record]]:
    """The points of all its routes in order of time; a file that is not there or broken stays named in ``rest``."""
    points: list[list[float | None]] = []
    broken: list[Record] = []
    paths: dict[str, None] = {}
    for part in element.all("WorkoutRoute"):
        points += part.track.points if part.track else []
        paths |= dict.fromkeys(reference.attributes.get("path", "") for reference in part.all("FileReference"))
    missing = []
    for path in paths:
        entry = export.find(path)
        try:
            points += gpx.points(export.read(entry)) if entry else []
        except Unreadable as problem:
            broken.append(rejected(f"{at}.route", problem.code, problem.reason, path))
            entry = None
        if entry is None:
            missing.append(path)
    rest["routes"] = missing
    points.sort(key=lambda point: point[0] or 0)
    return points, broken
