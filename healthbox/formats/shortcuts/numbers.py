"""Numbers and units as text: "72,5", "8,412", "1 234.5", "74 count/min", "7:30:00".

The rule for a comma or point between digits:
1. both occur: the last one is the decimal mark, the other groups thousands;
2. one of them occurs several times: it groups thousands ("1.234.567");
3. a single one that is not followed by exactly three digits is the decimal mark ("72,5", "0.98");
4. a single one before exactly three digits ("8,412") is read by what is counted: whole things (steps, floors) cannot have a
   fraction, so it groups thousands. Otherwise a point is decimal, and a comma is what alone makes a plausible value (weight
   "72,500" kg is 72.5); when both readings are plausible or none is, the record is refused as ambiguous.
"""

import math
import re
from typing import Any

from healthbox.domain.catalogue import Metric
from healthbox.domain.units import plausible, to_canonical
from healthbox.formats.wire import Unreadable, number

_SPACES = re.compile(r"[\s'\u2019]+")
_NUMBER = re.compile(r"([+-]?[0-9.,][0-9.,\s'\u2019]*?(?:[eE][+-]?[0-9]{1,3})?)\s*([^0-9\s.,'\u2019+-].*)?")
_DURATION = re.compile(r"(\d{1,4}):(\d{2})(?::(\d{2}(?:[.,]\d+)?))?", re.ASCII)
_ONE_GROUP = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}", re.ASCII)
_GROUPS = re.compile(r"[+-]?\d{1,3}(?:[.,]\d{2,3})*[.,]\d{3}", re.ASCII)  # also 12,34,567


def amount(value: Any, unit: str | None, metric: Metric | None) -> tuple[float, str | None]:
    """The number and the unit it is in: the given one, else one that stands behind the number. Raises ``Unreadable``."""
    if not isinstance(value, str):
        return _needed(number(value)), unit
    plain = value.strip()
    if not plain:
        raise Unreadable("no_value", "the record holds no value")
    duration = _DURATION.fullmatch(plain)
    if duration:
        return _seconds(duration, unit), "s"
    parts = _NUMBER.fullmatch(plain) if len(plain) <= 60 else None
    if parts is None:
        raise Unreadable("not_a_number", "the value is not a number")
    unit = unit or parts[2]
    return _needed(number(_plain(_SPACES.sub("", parts[1]), unit, metric))), unit


def counts(metric: Metric | None) -> bool:
    """Whether a metric counts whole things: its canonical unit is a noun, and it is summed or counted."""
    return metric is not None and metric.unit.startswith("{") and metric.aggregation in ("sum", "count")


def _needed(found: float | None) -> float:
    if found is None:
        raise Unreadable("no_value", "the record holds no value")
    return found


def _seconds(parts: re.Match[str], unit: str | None) -> float:
    if parts[3] is None:
        if unit not in ("hr", "h", "hours"):
            raise Unreadable("ambiguous_duration", "a duration needs hours, minutes and seconds")
        return int(parts[1]) * 3600.0 + int(parts[2]) * 60.0
    return int(parts[1]) * 3600.0 + int(parts[2]) * 60.0 + float(parts[3].replace(",", "."))


def _plain(digits: str, unit: str | None, metric: Metric | None) -> str:
    commas, points = digits.count(","), digits.count(".")
    if commas and points:
        group, mark = (",", ".") if digits.rfind(".") > digits.rfind(",") else (".", ",")
        whole, _, fraction = digits.rpartition(mark)
        return f"{_ungrouped(whole, group)}.{fraction}"
    if commas > 1 or points > 1:
        return _ungrouped(digits, "," if commas else ".")
    if not _ONE_GROUP.fullmatch(digits):
        return digits.replace(",", ".")
    if counts(metric):
        return digits.replace(",", "").replace(".", "")
    return _likely(digits, unit, metric) if commas else digits


def _ungrouped(digits: str, group: str) -> str:
    if not _GROUPS.fullmatch(digits):
        raise Unreadable("not_a_number", "the value is not a number")
    return digits.replace(group, "")


def _likely(digits: str, unit: str | None, metric: Metric | None) -> str:
    readings = [digits.replace(",", "."), digits.replace(",", "")]
    possible = [reading for reading in readings if _plausible(float(reading), unit, metric)]
    if len(possible) != 1:
        raise Unreadable("ambiguous_number", "the comma may be a decimal mark or group thousands; send the number without grouping")
    return possible[0]


def _plausible(value: float, unit: str | None, metric: Metric | None) -> bool:
    if metric is None or (metric.low is None and metric.high is None):
        return True
    try:
        found = to_canonical(metric, value, unit)
    except ValueError:
        return True
    return math.isfinite(found) and plausible(metric, found)
