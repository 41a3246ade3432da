"""Units: what a wire writes, into the catalogue's canonical unit and out again into what a person wants to see.

A unit is never guessed. An unknown one is a ``ValueError``; whether "%" means 0..1 or 0..100 is decided by the format, which
says ``hk%`` where a fraction is meant, and never by how large the number is. Unit names are case-sensitive: a Cal is 1000 cal.
"""

import functools
import re
import unicodedata
from typing import Literal

from healthbox.domain.catalogue import Metric

System = Literal["metric", "imperial"]

# Look-alikes of one sign; after NFKC both micro signs are a Greek mu.
_SIGNS = str.maketrans({"º": "°", "μ": "u", "·": "*", "⋅": "*", "∙": "*", "•": "*", "×": "*"})
_MOLAR_MASS_OF_GLUCOSE = re.compile(r"<180\.15\d*>")

# The unit that a metric is shown in → the one used in imperial countries, and how that is written.
_IMPERIAL = {
    "km": ("mi", "mi"),
    "m": ("ft", "ft"),
    "cm": ("in", "in"),
    "kg": ("lb", "lb"),
    "km/h": ("mph", "mph"),
    "m/s": ("ft/s", "ft/s"),
    "°C": ("°F", "°F"),
    "mL": ("fl_oz_us", "fl oz"),
}


@functools.lru_cache(maxsize=1024)
def normalise_unit(unit: str) -> str:
    """One spelling of a unit: micro signs, middle dots, degree signs, superscripts and spaces made equal; case kept."""
    plain = unicodedata.normalize("NFKC", unit.replace("º", "°")).translate(_SIGNS)
    return _MOLAR_MASS_OF_GLUCOSE.sub("", "".join(plain.split()))


def conversion(metric: Metric, unit: str | None) -> tuple[float, float] | None:
    """(factor, offset) into the canonical unit, None where there is nothing to convert. ValueError for an unknown unit."""
    if not unit:
        return metric.accepted.get("")  # where a person said what no unit means
    if unit == metric.unit:
        return None
    found = metric.accepted.get(unit)
    if found is None:
        spelling = normalise_unit(unit)
        if not spelling or spelling == normalise_unit(metric.unit):
            return None
        found = metric.accepted.get(spelling)
        if found is None:
            raise ValueError(f"unknown unit {unit[:40]!r} for {metric.key}")
    return found


def to_canonical(metric: Metric, value: float, unit: str | None) -> float:
    """``value`` in the metric's canonical unit. Without a unit it is taken as canonical. ValueError for an unknown unit."""
    found = conversion(metric, unit)
    return value if found is None else value * found[0] + found[1]


def plausible(metric: Metric, value: float) -> bool:
    """Whether a canonical value can be a measurement at all (wide bounds: a filter for garbage, not for health)."""
    above = metric.low is None or value >= metric.low
    return above and (metric.high is None or value <= metric.high)  # NaN fails where a bound exists


def for_display(metric: Metric, value: float, system: System = "metric") -> tuple[float, str]:
    """A canonical value in the unit a person reads, and that unit: (5.2, "km"), (3.23, "mi"). Unrounded."""
    shown = label = metric.display_unit or metric.unit
    if system == "imperial" and shown in _IMPERIAL and _IMPERIAL[shown][0] in metric.accepted:
        shown, label = _IMPERIAL[shown]
    conversion = metric.accepted.get(shown) or metric.accepted.get(normalise_unit(shown))
    if conversion is None:  # the display unit is only another word for the canonical one: "bpm", "steps"
        return value, label
    factor, offset = conversion
    return (value - offset) / factor, label
