"""Which metric a Shortcut's name means, and in which unit where only the name says it."""

import re
from typing import NamedTuple

from healthbox.domain.catalogue import Metric
from healthbox.domain.records import UNSAID, Naming
from healthbox.domain.units import to_canonical
from healthbox.formats.wire import catalogue, text

_SUFFIXES = {
    "hours": "hr", "hour": "hr", "hrs": "hr", "h": "hr", "minutes": "min", "mins": "min", "min": "min", "seconds": "s", "sec": "s",
    "km": "km", "mi": "mi", "miles": "mi", "m": "m", "meters": "m", "cm": "cm", "ft": "ft", "in": "in",
    "kg": "kg", "lb": "lb", "lbs": "lb", "g": "g", "mg": "mg", "ml": "mL", "l": "L", "oz": "oz",
    "kcal": "kcal", "kj": "kJ", "calories": "kcal", "bpm": "count/min", "ms": "ms",
    "percent": "%", "pct": "%", "c": "degC", "f": "degF", "mmhg": "mmHg", "mgdl": "mg/dL",
}  # fmt: skip
# Canonical units of metrics that every phone shows alike, so that a bare number can only mean one thing.
_CLEAR = {"/min", "ms", "mm[Hg]", "kg/m2", "mL/kg/min", "W", "dB[SPL]", "kcal/kg/h"}


class Name(NamedTuple):
    """A name as it goes on to the pipeline, the metric it means here if any, and the unit that the name itself holds."""

    name: str
    naming: Naming
    metric: Metric | None
    unit: str | None


def listed(name: str) -> Name:
    """The type of a list: a name from the Health app."""
    return Name(name, "healthkit" if name.startswith("HK") else "shortcut", _find(name), None)


def daily(key: str) -> Name:
    """A key of a daily dictionary: a metric's name, with or without a unit behind it ("distance_km")."""
    head, _, tail = key.strip().rpartition("_")
    unit = _SUFFIXES.get((tail if head else key).casefold())
    whole, part = _find(key), _find(head) if head and unit else None
    metric = whole or part
    if metric is not None and unit is not None and not _fits(metric, unit):
        unit = None  # the last word is part of the name: "stand_hours" are a count, "vitamin_c" is no temperature
    if metric is not None and metric.key == "sleep_analysis":  # a day's sleep is a length of time, not a stage
        return Name("sleep_asleep", "key", catalogue().get("sleep_asleep"), unit)
    return Name(head if part is not None and whole is None else key.strip(), "shortcut", metric, unit)


def placed(name: Name, unit: str | None) -> str:
    """The name to store under: its own, or one that says that the unit is missing where that leaves the value unclear."""
    metric = name.metric
    clear = metric is None or metric.kind != "quantity" or metric.unit.startswith("{") or metric.unit in _CLEAR
    return name.name if unit or clear else f"{name.name}{UNSAID}"


def _find(name: str) -> Metric | None:
    naming: Naming = "healthkit" if name.startswith("HK") else "shortcut"
    return catalogue().find(naming, " ".join(name.split()))


def _fits(metric: Metric, unit: str) -> bool:
    try:
        to_canonical(metric, 1.0, unit)
    except ValueError:
        return False
    return True


def unit_text(value: object) -> str | None:
    """A unit as the Health app writes it, without the spaces a phone may put around it."""
    said = text(value)
    return re.sub(r"\s+", " ", said) if said else None
