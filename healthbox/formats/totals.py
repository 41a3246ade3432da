"""A workout's totals in canonical units. What has an unknown name or unit is kept beside them as the wire had it."""

from typing import Any

from healthbox.domain.units import to_canonical
from healthbox.formats.wire import Unreadable, catalogue, number

METRICS = {
    "energy": "active_energy",
    "basal_energy": "basal_energy",
    "total_energy": "total_energy",
    "distance": "distance_walking_running",
    "steps": "steps",
    "flights": "flights_climbed",
    "heart_rate": "heart_rate",
    "heart_rate_avg": "heart_rate",
    "heart_rate_min": "heart_rate",
    "heart_rate_max": "heart_rate",
    "heart_rate_recovery": "heart_rate",
    "elevation_up": "elevation_gained",
    "elevation_down": "elevation_gained",
    "speed": "speed",
    "speed_avg": "speed",
    "speed_max": "speed",
    "power": "power",
    "power_avg": "power",
    "cadence": "steps_cadence",
    "step_cadence": "steps_cadence",
    "swim_cadence": "steps_cadence",
    "swim_strokes": "swimming_stroke_count",
    "lap_length": "distance_walking_running",
    "intensity": "average_met",
    "temperature": "weather_temperature",
    "humidity": "weather_humidity",
}
_SECONDS = {"s": 1.0, "sec": 1.0, "second": 1.0, "seconds": 1.0, "min": 60.0, "minutes": 60.0, "hr": 3600.0, "h": 3600.0, "ms": 0.001}


def canonical(name: str, value: Any, unit: str | None) -> float | None:
    """The value of a total or a series point in its canonical unit; None when it is missing or its unit is not known."""
    try:
        found = number(value)
        if found is None or unit is None:
            return None
        if name == "duration":
            factor = _SECONDS.get(unit)
            return None if factor is None else found * factor
        metric = catalogue().find("key", METRICS[name]) if name in METRICS else None
        return None if metric is None else to_canonical(metric, found, unit)
    except (Unreadable, ValueError):
        return None


def canonical_unit(name: str) -> str | None:
    """The unit that a bare number of this total is in."""
    if name == "duration":
        return "s"
    metric = catalogue().find("key", METRICS[name]) if name in METRICS else None
    return metric.unit if metric is not None else None


class Totals:
    """Collects totals; ``kept`` holds, under the wire's own name, whatever could not be turned into one."""

    def __init__(self) -> None:
        self.found: dict[str, float] = {}
        self.kept: dict[str, Any] = {}

    def add(self, name: str, value: Any, unit: str | None, *, wire_name: str, wire_value: Any) -> None:
        """Add one total; the first of a name wins, a missing value adds nothing."""
        if value is None or name in self.found:
            return
        amount = canonical(name, value, unit)
        if amount is None:
            self.kept[wire_name] = wire_value
        else:
            self.found[name] = amount
