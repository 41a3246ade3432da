"""What a single record says, settled: its value in the canonical unit; or why it cannot be stored."""

import math
from typing import Any

from healthbox.domain.catalogue import Catalogue, Metric
from healthbox.domain.records import Bucket, Sample, StatedTotal
from healthbox.domain.units import plausible, to_canonical


class Refused(ValueError):
    """Why a record cannot be stored as what it says it is."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


def settled(catalogue: Catalogue, metric: Metric | None, value: float | str | None, unit: str | None) -> float:
    """The number to be stored; of a category its code, of a metric that nobody knows the number as it came. Raises ``Refused``."""
    if metric is not None and metric.kind == "category":
        code = None if value is None else catalogue.category_value(metric, value)
        if code is None and metric.aggregation in ("duration", "count"):
            return 0.0  # the event or its length is the statement, the value says nothing
        if code is None:
            raise Refused("category", f"{metric.label} has no value called {str(value)[:60]!r}")
        return float(code)
    if value is None:
        raise Refused("no_value", "there is no value")
    try:
        number = float(value)
    except ValueError:
        raise Refused("value", "the value is not a number") from None
    if not math.isfinite(number):
        raise Refused("value", "the value is no number that can be kept")
    return number if metric is None else canonical(metric, number, unit)


def canonical(metric: Metric, number: float, unit: str | None, *, wide: bool = False) -> float:
    """``number`` in the metric's canonical unit; what no sensor can say is refused, but for what a ``wide`` bucket adds up."""
    try:
        value = to_canonical(metric, number, unit)
    except ValueError as error:
        raise Refused("unit", str(error)) from None
    if not wide and not plausible(metric, value):
        low, high = ("anything" if bound is None else f"{bound:g}" for bound in (metric.low, metric.high))
        raise Refused("implausible", f"outside what {metric.label} can be ({low} to {high} {metric.unit})")
    return value


def words(record: Any) -> str:
    """The record as the receipt shows it: enough for its owner to find it again."""
    if isinstance(record, Sample | Bucket | StatedTotal):
        return f"{record.metric} {record.value} {record.unit or ''}".strip()[:2000]
    return type(record).__name__
