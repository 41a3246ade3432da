"""``data.workouts[]`` of both versions. Version 1 has no id, totals as objects under names that version 2 gives to series
(``stepCount``, ``activeEnergy``), one heart rate per point and short coordinate names; what a value is decides, not a version.
"""

from collections.abc import Iterator
from typing import Any

from healthbox.domain.records import Record, Workout
from healthbox.formats.routes import instant, route
from healthbox.formats.totals import Totals, canonical
from healthbox.formats.wire import Unreadable, catalogue, metadata, named_source, span, text, uuid

# The wire's name → ours, for {qty, units} objects; the earlier name wins where two mean the same.
_TOTALS = {
    "activeEnergyBurned": "energy",
    "activeEnergy": "energy",
    "totalEnergy": "total_energy",
    "basalEnergy": "basal_energy",
    "distance": "distance",
    "walkingAndRunningDistance": "distance",
    "cyclingDistance": "distance",
    "swimDistance": "distance",
    "stepCount": "steps",
    "flightsClimbed": "flights",
    "avgHeartRate": "heart_rate_avg",
    "minHeartRate": "heart_rate_min",
    "maxHeartRate": "heart_rate_max",
    "elevationUp": "elevation_up",
    "elevationDown": "elevation_down",
    "avgSpeed": "speed_avg",
    "speed": "speed_avg",
    "maxSpeed": "speed_max",
    "stepCadence": "step_cadence",
    "swimCadence": "swim_cadence",
    "totalSwimmingStrokeCount": "swim_strokes",
    "lapLength": "lap_length",
    "intensity": "intensity",
    "intesity": "intensity",
    "temperature": "temperature",
    "humidity": "humidity",
}
_SERIES = {
    "activeEnergy": "energy",
    "basalEnergy": "basal_energy",
    "stepCount": "steps",
    "walkingAndRunningDistance": "distance",
    "cyclingDistance": "distance",
    "swimDistance": "distance",
    "swimStroke": "swim_strokes",
    "cyclingCadence": "cadence",
    "cyclingPower": "power",
    "cyclingSpeed": "speed",
    "heartRateData": "heart_rate",
    "heartRateRecovery": "heart_rate_recovery",
}
_OWN = {"id", "name", "start", "end", "duration", "source", "route", "heartRate", "elevation", "metadata", *_TOTALS, *_SERIES}


def workout(item: dict[str, Any], at: str, zone: str) -> Iterator[Record]:
    name = text(item.get("name"))
    if name is None:
        raise Unreadable("no_activity", "the workout has no name")
    if not item.get("start") or not item.get("end"):
        raise Unreadable("no_time", "the workout lacks its start or its end")
    start, end = span(item["start"], item["end"], zone)
    totals = _totals(item)
    rest = {key: value for key, value in item.items() if key not in _OWN and value not in (None, "", [], {})}
    yield Workout(
        position=at,
        activity=catalogue().activity("health_auto_export", name),
        start=start,
        end=end,
        uuid=uuid(item.get("id")),
        source=named_source(item.get("source")),
        totals=totals.found,
        series=_series(item, zone),
        route=route(item.get("route"), zone),
        metadata={"name": name} | (metadata(item.get("metadata")) or {}) | rest | totals.kept,
    )


def _totals(item: dict[str, Any]) -> Totals:
    totals = Totals()
    totals.add("duration", item.get("duration"), "s", wire_name="duration", wire_value=item.get("duration"))
    for wire_name, name in _TOTALS.items():
        _add(totals, name, wire_name, item.get(wire_name))
    rates = item.get("heartRate")
    for part in ("min", "avg", "max"):
        _add(totals, f"heart_rate_{part}", f"heartRate.{part}", rates.get(part) if isinstance(rates, dict) else None)
    climb = item.get("elevation")
    if isinstance(climb, dict):
        for wire_name, name in (("ascent", "elevation_up"), ("descent", "elevation_down")):
            totals.add(name, climb.get(wire_name), text(climb.get("units")), wire_name=f"elevation.{wire_name}", wire_value=climb)
    return totals


def _add(totals: Totals, name: str, wire_name: str, stated: Any) -> None:
    if isinstance(stated, dict):
        totals.add(name, stated.get("qty"), text(stated.get("units")), wire_name=wire_name, wire_value=stated)


def _series(item: dict[str, Any], zone: str) -> dict[str, list[list[float]]]:
    """Series in canonical units; a heart rate's Min and Max stand beside its Avg as series of their own."""
    made: dict[str, list[list[float]]] = {}
    for wire_name, name in _SERIES.items():
        points = item.get(wire_name)
        for point in points if isinstance(points, list) else ():
            at = instant(point.get("date"), zone) if isinstance(point, dict) else None
            if at is None:
                continue
            for field, series in (("qty", name), ("Avg", name), ("Min", f"{name}_min"), ("Max", f"{name}_max")):
                value = canonical(name, point.get(field), text(point.get("units")))
                if value is not None:
                    made.setdefault(series, []).append([at, value])
    return made
