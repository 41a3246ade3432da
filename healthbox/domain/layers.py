"""The layers of a day: what the client aggregated or stated, beside the one that samples make, and which of them counts.

The rules stand in ``days``.
"""

from collections import defaultdict
from collections.abc import Sequence
from itertools import chain
from math import fsum
from typing import Literal

import msgspec

from healthbox.domain.columns import Run, hours_held, merged
from healthbox.domain.merge import Piece, merge

Kind = Literal["raw", "minute", "hour", "day", "stated"]
KINDS: tuple[Kind, ...] = ("raw", "minute", "hour", "day", "stated")
DATED: tuple[Kind, ...] = ("stated", "day")
ADDED = ("sum", "duration", "count")


class BucketPoint(msgspec.Struct, frozen=True):
    """A point aggregated by the client; ``width`` minute, hour or day (others are no layer of a day); instants in ms."""

    app: str
    width: str
    start: int
    end: int
    value: float | None
    low: float | None
    high: float | None
    source: str
    as_of: int


class Layer(msgspec.Struct, frozen=True):
    """What one layer alone would say; ``coverage`` 0 to 1; ``final`` marks a statement made after the day was over."""

    kind: Kind
    value: float | None
    low: float | None
    high: float | None
    mean: float | None
    n: int
    coverage: float
    app: str
    as_of: int | None = None
    final: bool = False


def compared(layers: Sequence[Layer]) -> tuple[float, float, float] | None:
    """What the first layer made of readings says, what the first statement about the whole day says, and how much of the day
    the readings cover; None where one of them is missing."""
    known = [(layer, layer.value) for layer in layers if layer.value is not None]
    ours = next(((value, layer.coverage) for layer, value in known if layer.kind not in DATED), None)
    stated = next((value for layer, value in known if layer.kind in DATED), None)
    return None if ours is None or stated is None else (ours[0], stated, ours[1])


def preference(layer: Layer) -> tuple[bool, float, int, int, str]:
    final = layer.kind == "stated" and layer.final
    return not final, 0.0 if final else -layer.coverage, KINDS.index(layer.kind), -(layer.as_of or 0), layer.app


def overtaken(
    aggregation: str,
    bounds: tuple[int, int],
    layers: Sequence[Layer],
    readings: Sequence[Piece] | Sequence[Run],
    buckets: Sequence[BucketPoint],
) -> list[Layer]:
    """The totals of an unfinished day that something measured goes on after and says no less than."""
    unfinished = [layer for layer in layers if layer.kind in DATED and not layer.final]
    if not unfinished or aggregation not in (*ADDED, "last"):
        return []
    low, high = bounds

    def until(layer: Layer) -> int:
        """Up to when the layer tells: to the end of its last thing, or to when that was said."""
        if layer.kind != "raw":
            points = (p for p in buckets if p.width == layer.kind and p.app == layer.app and p.value is not None)
            return max((min(p.end, p.as_of) for p in points if p.start < high and p.end > low), default=low)
        ends = (zip(one.starts, one.ends, strict=True) if isinstance(one, Run) else ((one.start, one.end),) for one in readings)
        return max((end for start, end in chain.from_iterable(ends) if start < high and end > low), default=low)

    measured = [(until(layer), layer.value) for layer in layers if layer.kind not in DATED and layer.value is not None]
    return [
        layer
        for layer in unfinished
        if any(end > (layer.as_of or 0) and (aggregation == "last" or value >= (layer.value or 0.0)) for end, value in measured)
    ]


def client_layers(aggregation: str, bounds: tuple[int, int], buckets: Sequence[BucketPoint], stated: Sequence[BucketPoint]) -> list[Layer]:
    groups: defaultdict[tuple[Kind, str], list[BucketPoint]] = defaultdict(list)
    for point in stated:
        groups["stated", point.app].append(point)
    low, high = bounds
    for point in buckets:
        if point.width == "day":
            groups["day", point.app].append(point)
        elif point.start < high and (point.end > low or point.start == low):
            if point.width == "minute":
                groups["minute", point.app].append(point)
            elif point.width == "hour":
                groups["hour", point.app].append(point)
    layers = (_client_layer(aggregation, bounds, kind, app, points) for (kind, app), points in groups.items())
    return [layer for layer in layers if layer is not None]


def _client_layer(aggregation: str, bounds: tuple[int, int], kind: Kind, app: str, points: list[BucketPoint]) -> Layer | None:
    low, high = bounds
    points = sorted((p for p in points if (p.value, p.low, p.high) != (None, None, None)), key=lambda p: (p.start, p.end, p.as_of))
    if kind in ("day", "stated"):
        points = sorted(points, key=lambda p: p.as_of)[-1:]  # one date, one statement: the newest
    elif aggregation not in ADDED:
        points = [p for p in points if low <= p.start < high]
    if not points:
        return None
    as_of = max(p.as_of for p in points)
    stated = kind in ("day", "stated")
    coverage = min(max((as_of - low) / (high - low), 0.0), 1.0) if stated else held(points, bounds)
    values = [p.value for p in points if p.value is not None]
    value: float | None = None
    if values and aggregation in ADDED:
        value = _added(kind, points, bounds)
    elif values:
        value = values[-1] if aggregation == "last" else fsum(values) / len(values)
    if aggregation not in ("mean", "min_max_mean"):
        return None if value is None else Layer(kind, value, None, None, None, len(points), coverage, app, as_of, as_of >= high)
    lows = [x for p in points for x in (p.low, p.value) if x is not None]
    highs = [x for p in points for x in (p.high, p.value) if x is not None]
    bottom, top = min(lows, default=None), max(highs, default=None)
    return Layer(kind, value, bottom, top, value, len(points), coverage, app, as_of, as_of >= high)


def _added(kind: Kind, points: list[BucketPoint], bounds: tuple[int, int]) -> float | None:
    """A day's own point whole, whatever zone its edges were cut in; smaller ones split at midnight like samples."""
    if kind in ("day", "stated"):
        return points[-1].value
    rows = [(p.start, p.end, p.value) for p in points if p.value is not None]
    run = Run(0, points[0].app, 0, *zip(*rows, strict=True))
    day = merged([run], bounds) or merge(run.readings(), bounds)
    return day.value


def held(spans: Sequence[Piece] | Sequence[BucketPoint], bounds: tuple[int, int]) -> float:
    return hours_held([s.start for s in spans], [s.end for s in spans], bounds)
