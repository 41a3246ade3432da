"""A day of one person and one metric, from everything stored about it: ``fold`` for the number, ``explain`` for the page "Why".

What is stored comes in layers: raw samples, the client's minute, hour and day buckets, totals stated by the client's system.
One layer makes the day, nothing is spliced or added across layers, and the others stay listed beside it:

1. a stated total whose ``as_of`` is not before the day's end (the newest, then the app's name);
2. else the layer with the largest coverage; ties: raw, minute, hour, day, stated; then the newest ``as_of``, then the app's name;
3. last of all a total of the unfinished day that was overtaken: something measured ends after its ``as_of`` and says no less
   (``last``: whatever it says). It tells how far the day had come, and covers hours that held nothing yet.

Coverage is the share of the day's hours (23, 24 or 25 of them, counted from its start) that hold something; a day bucket or a
stated total covers the day up to its ``as_of``.

How raw readings become a number (``aggregation``):

* sum       interval merge, see ``merge``.
* duration  the same with time itself as the value: minutes in which at least one source was active.
* mean, min_max_mean  in each hour the best-ranked source (ties: more readings, then the name); the mean weighs by duration when
            every chosen reading is an interval, else each reading weighs one; low and high are over the chosen readings.
* count     how many readings the best-ranked source of each hour has.
* last      the reading that ends last; ties: rank, name, the larger value.

Sums and durations are split at midnight. Of the others a reading belongs, whole, to the day (and the hour) in which it ends, so
that a night's reading stands once, on its wake-up date.
"""

from collections import defaultdict
from collections.abc import Sequence
from itertools import chain
from math import fsum
from typing import NamedTuple, cast

import msgspec

from healthbox.domain.columns import HOUR, Run, averaged, hours_held, merged
from healthbox.domain.layers import ADDED, BucketPoint, Kind, Layer, client_layers, held, overtaken, preference
from healthbox.domain.merge import Lane, Piece, Share, merge

AGGREGATIONS = ("sum", "duration", "mean", "min_max_mean", "count", "last")
MERGED, AVERAGED = "interval merge", "mean of the best source per hour"


Reading = Piece
"""A stored sample: instants in ms, value in the canonical unit; the smaller ``rank`` wins."""


class DayResult(msgspec.Struct, frozen=True):
    """The day's number. ``rule`` says in words how it came about; ``layers`` holds all of them, the chosen one first.

    ``shares`` (raw layer only) are in the metric's unit for sums and in minutes for durations, else they count readings.
    ``overlap`` is what the shares discarded; None where readings were chosen rather than added, or the client merged them.
    ``beside`` are the raw layer's shares where another layer made the day: they count for nothing, but say why the two differ.
    """

    value: float | None
    low: float | None
    high: float | None
    mean: float | None
    n: int
    coverage: float | None
    layer: Kind
    rule: str
    shares: list[Share]
    overlap: float | None
    layers: list[Layer]
    beside: list[Share] = []


class DayRow(NamedTuple):
    """A day as it is stored: the ``DayResult`` of a metric and an ISO date, ``detail`` the rest of it as JSON. Where ``compared``
    has both: ``drift`` is how far ours lies from what was stated, as a part of it (infinite where that is zero), ``covered`` by how
    much of the day."""

    metric: str
    date: str
    value: float | None
    low: float | None
    high: float | None
    mean: float | None
    n: int
    coverage: float | None
    layer: str
    rule: str
    detail: str
    drift: float | None = None
    covered: float | None = None


class Explanation(msgspec.Struct, frozen=True):
    """``lanes``: the slices or readings that counted in the raw layer; ``readings``: all that were considered, in time order."""

    result: DayResult
    lanes: list[Lane]
    readings: list[Reading]


class _Raw(msgspec.Struct, frozen=True):
    layer: Layer
    rule: str
    shares: list[Share]
    lanes: list[Lane]
    readings: list[Reading]


def fold(
    aggregation: str,
    bounds: tuple[int, int],
    readings: Sequence[Reading] | Sequence[Run],
    buckets: Sequence[BucketPoint],
    stated: Sequence[BucketPoint],
) -> DayResult | None:
    """The day between ``bounds`` (ms, local midnights), or None when nothing stored tells about it.

    Minute and hour buckets and readings outside the bounds are passed over; day buckets and stated totals are the caller's to
    select by their local date. Raises ValueError for an unknown aggregation.
    """
    explanation = _explained(aggregation, bounds, readings, buckets, stated, told=False)
    return None if explanation is None else explanation.result


def explain(
    aggregation: str,
    bounds: tuple[int, int],
    readings: Sequence[Reading],
    buckets: Sequence[BucketPoint],
    stated: Sequence[BucketPoint],
) -> Explanation | None:
    """The same with everything that led to it."""
    return _explained(aggregation, bounds, readings, buckets, stated, told=True)


def _explained(
    aggregation: str,
    bounds: tuple[int, int],
    readings: Sequence[Reading] | Sequence[Run],
    buckets: Sequence[BucketPoint],
    stated: Sequence[BucketPoint],
    *,
    told: bool,
) -> Explanation | None:
    """``told``: with lanes and readings in time order, which the number itself does not need."""
    if aggregation not in AGGREGATIONS:
        raise ValueError(f"no such aggregation: {aggregation}")
    raw = _raw(aggregation, bounds, readings, told=told)
    layers = client_layers(aggregation, bounds, buckets, stated)
    if raw is not None:
        layers.append(raw.layer)
    if not layers:
        return None
    late = overtaken(aggregation, bounds, layers, readings, buckets)
    layers.sort(key=lambda layer: (layer in late, *preference(layer)))
    chosen = layers[0]
    from_raw = raw is not None and chosen is raw.layer
    measured = raw.shares if raw is not None else []
    shares = measured if from_raw else []
    result = DayResult(
        chosen.value,
        chosen.low,
        chosen.high,
        chosen.mean,
        chosen.n,
        chosen.coverage,
        chosen.kind,
        raw.rule if raw is not None and from_raw else _rule(aggregation, chosen),
        shares,
        fsum(share.discarded for share in shares) if from_raw and aggregation in ADDED else None,
        layers,
        [] if from_raw else measured,
    )
    return Explanation(result, raw.lanes if raw else [], raw.readings if raw else [])


def _rule(aggregation: str, layer: Layer) -> str:
    if layer.kind == "stated":
        return f"stated by {layer.app}"
    made = "sum" if aggregation in ADDED else "last" if aggregation == "last" else "mean"
    return f"{made} of the {layer.kind} buckets of {layer.app}"


# ── raw readings ──


def _raw(aggregation: str, bounds: tuple[int, int], readings: Sequence[Reading] | Sequence[Run], *, told: bool) -> _Raw | None:
    if readings and isinstance(readings[0], Run):
        runs = cast(Sequence[Run], readings)
        if not told and (quick := _plain(aggregation, bounds, runs)) is not None:
            return quick
        readings = [reading for run in runs for reading in run.readings()]
    readings = cast(Sequence[Reading], readings)
    low, high = bounds
    if aggregation in ("sum", "duration"):
        return _merged(aggregation, bounds, readings, told=told)
    inside = [r for r in readings if low <= r.end - (r.end > r.start) < high]
    if not inside:
        return None
    if told:
        inside.sort(key=_in_time)
    if aggregation == "last":
        chosen = [min(inside, key=_latest)]
    else:
        chosen = inside if len({r.source for r in inside}) == 1 else _best_by_hour(inside, low)
    values = [r.value for r in chosen]
    mean = None
    if aggregation == "last":
        value, rule = values[0], "last reading"
    elif aggregation == "count":
        value, rule = float(len(chosen)), "readings of the best source per hour"
    else:
        value, rule = _mean(chosen), AVERAGED
        mean = value
    bottom, top = (None, None) if mean is None else (min(values), max(values))
    layer = Layer("raw", value, bottom, top, mean, len(inside), held(inside, bounds), "")
    lanes = [Lane(r.source, r.start, r.end, r.value) for r in sorted(chosen, key=_in_time)] if told else []
    return _Raw(layer, rule, _counted(inside, chosen), lanes, inside)


def _plain(aggregation: str, bounds: tuple[int, int], runs: Sequence[Run]) -> _Raw | None:
    """The quick way for most days; None for the others."""
    if aggregation == "sum" and (day := merged(runs, bounds)) is not None:
        starts, ends = (list(chain.from_iterable(columns)) for columns in ([r.starts for r in runs], [r.ends for r in runs]))
        held = hours_held(starts, ends, bounds)
        return _Raw(Layer("raw", day.value, None, None, None, day.n, held, ""), MERGED, day.shares, [], [])
    if aggregation in ("mean", "min_max_mean") and len(runs) == 1 and (mean := averaged(runs[0], bounds)) is not None:
        held = hours_held(runs[0].starts, runs[0].ends, bounds)
        share = Share(runs[0].source, runs[0].name, float(mean.n), float(mean.n), 0.0)
        return _Raw(Layer("raw", mean.value, mean.low, mean.high, mean.value, mean.n, held, ""), AVERAGED, [share], [], [])
    return None


def _merged(aggregation: str, bounds: tuple[int, int], readings: Sequence[Reading], *, told: bool) -> _Raw | None:
    timed = aggregation == "duration"
    pieces = [Piece(r.source, r.name, r.rank, r.start, r.end, (r.end - r.start) / 60_000) for r in readings] if timed else readings
    day = merge(pieces, bounds)
    if not day.n:
        return None
    low, high = bounds
    inside = [r for r in readings if r.start < high and (r.end > low or r.start == r.end == low)]
    if told:
        inside.sort(key=_in_time)
    layer = Layer("raw", day.value, None, None, None, day.n, held(inside, bounds), "")
    return _Raw(layer, "time of the best source" if timed else MERGED, day.shares, day.lanes, inside)


def _in_time(reading: Reading) -> tuple[int, int, int, str, float]:
    return reading.start, reading.end, reading.rank, reading.name, reading.value


def _latest(reading: Reading) -> tuple[int, int, str, float, int]:
    return -reading.end, reading.rank, reading.name, -reading.value, -reading.start


def _best_by_hour(inside: list[Reading], low: int) -> list[Reading]:
    hours: defaultdict[int, defaultdict[int, list[Reading]]] = defaultdict(lambda: defaultdict(list))
    for reading in inside:
        hours[(reading.end - (reading.end > reading.start) - low) // HOUR][reading.source].append(reading)

    def place(mine: list[Reading]) -> tuple[int, int, str, list[tuple[int, int, int, str, float]]]:
        return mine[0].rank, -len(mine), mine[0].name, sorted(_in_time(r) for r in mine)

    best = (next(iter(mine.values())) if len(mine) == 1 else min(mine.values(), key=place) for mine in hours.values())
    return [reading for chosen in best for reading in chosen]


def _mean(chosen: list[Reading]) -> float:
    weights = [r.end - r.start for r in chosen]
    if min(weights) <= 0:
        weights = [1] * len(chosen)
    return fsum(r.value * weight for r, weight in zip(chosen, weights, strict=True)) / sum(weights)


def _counted(inside: list[Reading], chosen: list[Reading]) -> list[Share]:
    if chosen is inside:
        return [Share(inside[0].source, inside[0].name, float(len(inside)), float(len(inside)), 0.0)]
    used: defaultdict[int, int] = defaultdict(int)
    for reading in chosen:
        used[reading.source] += 1
    had: defaultdict[tuple[int, str, int], int] = defaultdict(int)
    for reading in inside:
        had[reading.rank, reading.name, reading.source] += 1
    return [Share(source, name, float(used[source]), float(n), float(n - used[source])) for (_, name, source), n in sorted(had.items())]
