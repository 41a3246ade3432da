"""Totals, series and routes as the phone SDKs name them: lists of ``{"type", "value", "unit"}``, with or without a time."""

from typing import Any

from healthbox.formats.routes import instant, route
from healthbox.formats.totals import Totals, canonical, canonical_unit
from healthbox.formats.wire import text

# The wire's name → ours. Where two mean the same, the one that comes first on the wire counts.
TOTALS = {
    "duration": "duration",
    "activeEnergyBurned": "energy",
    "activeEnergy": "energy",
    "calories": "energy",
    "totalEnergyBurned": "energy",
    "basalEnergyBurned": "basal_energy",
    "distance": "distance",
    "totalDistance": "distance",
    "stepCount": "steps",
    "steps": "steps",
    "flightsClimbed": "flights",
    "minHeartRate": "heart_rate_min",
    "meanHeartRate": "heart_rate_avg",
    "averageHeartRate": "heart_rate_avg",
    "avgHeartRate": "heart_rate_avg",
    "maxHeartRate": "heart_rate_max",
    "meanSpeed": "speed_avg",
    "averageSpeed": "speed_avg",
    "maxSpeed": "speed_max",
    "meanCadence": "cadence",
    "averageCadence": "cadence",
    "meanPower": "power_avg",
    "averagePower": "power_avg",
    "altitudeGain": "elevation_up",
    "elevationAscended": "elevation_up",
    "altitudeLoss": "elevation_down",
    "elevationDescended": "elevation_down",
    "averageMETs": "intensity",
    "weatherTemperature": "temperature",
    "weatherHumidity": "humidity",
    "swimmingStrokeCount": "swim_strokes",
}
SERIES = {"heartRate": "heart_rate", "cadence": "cadence", "speed": "speed", "power": "power", "distance": "distance", "stepCount": "steps"}
_UNITS = {"kcal/kg/hr": "kcal/kg/h"}


def totals_of(values: Any) -> Totals:
    """A list of named values as totals; what has no place among them is kept under its own name."""
    totals = Totals()
    for entry in values if isinstance(values, list) else ():
        name = text(entry.get("type")) if isinstance(entry, dict) else None
        if name is None:
            continue
        unit = _unit(entry.get("unit"))
        kept = {"value": entry.get("value"), "unit": unit} if unit else entry.get("value")
        totals.add(TOTALS.get(name, name), entry.get("value"), unit, wire_name=name, wire_value=kept)
    return totals


def series_of(points: Any, zone: str) -> dict[str, list[list[float]]]:
    """``{"timestamp", "type", "value", "unit"}`` points as series in canonical units; a broken point is left out."""
    made: dict[str, list[list[float]]] = {}
    for point in points if isinstance(points, list) else ():
        if not isinstance(point, dict):
            continue
        kind = text(point.get("type")) or ""
        name = SERIES.get(kind, kind)
        at = instant(point.get("timestamp"), zone)
        value = canonical(name, point.get("value"), _unit(point.get("unit")) or canonical_unit(name))
        if at is not None and value is not None:
            made.setdefault(name, []).append([at, value])
    return made


def route_of(points: Any, zone: str) -> list[list[float | None]]:
    """A route whose points say their units by name: ``altitudeM``, ``speedMps``. One point at a time is written anew."""
    found = (point for point in (points if isinstance(points, list) else ()) if isinstance(point, dict))
    return [row for point in found for row in route([_renamed(point)], zone)]


def _renamed(point: dict[str, Any]) -> dict[str, Any]:
    return {**point, "altitude": point.get("altitudeM", point.get("altitude")), "speed": point.get("speedMps", point.get("speed"))}


def _unit(value: Any) -> str | None:
    unit = text(value)
    return _UNITS.get(unit, unit) if unit else None
