"""Chart geometry: values in, numbers out. Nothing here knows a template, a request or a colour.

x is a share of the plot's width in percent (0..100), so a plot is fluid without scripts; y and heights are CSS pixels from the top.
Paths are drawn in a box 1000 wide (``x * 10``) that is stretched to the plot. A missing value is ``None`` and leaves a gap: no line is
ever drawn across one. ``word`` turns an axis value into text for a person.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

Word = Callable[[float], str]
Usual = tuple[float, float]
Values = Sequence[float | None]

AXIS = 20.0  # room under the plot for the labels of x
HEAD = 8.0  # room above it, so that a dot at the top is not cut


def plain(value: float) -> str:
    return f"{value:g}"


@dataclass(frozen=True)
class Scale:
    """``low`` lies at ``bottom``, ``high`` at ``top``."""

    low: float
    high: float
    top: float
    bottom: float

    def y(self, value: float) -> float:
        return round(self.bottom - (value - self.low) / (self.high - self.low) * (self.bottom - self.top), 1)


@dataclass(frozen=True)
class Tick:
    """A label at ``at``: pixels on the y axis, percent on the x axis."""

    at: float
    text: str


@dataclass(frozen=True)
class Dot:
    x: float
    y: float
    state: str  # usual | above | below | partial | now


@dataclass(frozen=True)
class Bar:
    x: float
    y: float
    width: float
    height: float
    state: str  # "" | last | partial | range


@dataclass(frozen=True)
class Span:
    """A stretch of one axis: ``at`` and ``size`` in that axis's own unit."""

    at: float
    size: float


@dataclass(frozen=True)
class Plot:
    """All a drawing of values over time needs; empty parts are simply not drawn."""

    height: float
    bottom: float
    xs: tuple[float, ...]
    y_ticks: tuple[Tick, ...] = ()
    x_ticks: tuple[Tick, ...] = ()
    bands: tuple[Span, ...] = ()
    area: str = ""
    edge: str = ""  # the two borders of the area
    lines: tuple[str, ...] = ()
    bars: tuple[Bar, ...] = ()
    dots: tuple[Dot, ...] = ()
    gaps: tuple[Span, ...] = ()
    broken: tuple[str, ...] = ()  # lines over time that nobody measured, to be drawn dotted


@dataclass(frozen=True)
class Strip:
    """One value on its own range. ``mark`` is None when there is nothing to mark; ``band`` when the usual is still being learnt."""

    state: str  # usual | above | below | learning | none
    mark: float | None = None
    band: Span | None = None
    past: tuple[float, ...] = ()


def fitted(values: Values, usual: Usual | None = None, *, least: float = 0.0, pad: float = 0.12) -> tuple[float, float]:
    """The range that holds the data and the usual band, padded, never narrower than ``least``; (0, 1) when there is neither."""
    held = [value for value in values if value is not None] + list(usual or ())
    if not held:
        return 0.0, 1.0
    low, high = min(held), max(held)
    short = max(least, 1e-9 + abs(high) * 1e-6) - (high - low)
    if short > 0:
        low, high = low - short / 2, high + short / 2
    room = (high - low) * pad
    return low - room, high + room


def round_steps(low: float, high: float, most: int = 4) -> list[float]:
    """At most ``most`` round values inside [low, high], evenly 1, 2, 2.5 or 5 x 10^n apart."""
    size = 10.0 ** math.floor(math.log10((high - low) / most))
    for factor in (1, 2, 2.5, 5, 10, 20, 25, 50):
        step = factor * size
        first = math.ceil(low / step - 1e-9)
        steps = [round(index * step, 10) + 0.0 for index in range(first, math.floor(high / step + 1e-9) + 1)]
        if len(steps) <= most:
            return steps
    return []


def thinned(labels: Sequence[str], most: int = 8) -> list[str]:
    """The same labels with all but about ``most`` of them emptied, counted from the last, which always stays."""
    every = max(1, math.ceil(len(labels) / most))
    return [text if (len(labels) - 1 - index) % every == 0 else "" for index, text in enumerate(labels)]


def against(value: float, usual: Usual | None) -> str:
    """Where a value stands: above, below or usual (also when there is no usual yet)."""
    if usual is None or usual[0] <= value <= usual[1]:
        return "usual"
    return "above" if value > usual[1] else "below"


def runs(points: Sequence[tuple[float, float] | None]) -> tuple[str, ...]:
    """One path per unbroken run of points; a lone point becomes a dash of length zero, which a round cap draws as a dot."""
    paths, run = [], list[str]()
    for point in [*points, None]:
        if point is not None:
            run.append(f"{point[0]:g} {point[1]:g}")
        elif run:
            paths.append("M" + "L".join(run if len(run) > 1 else run * 2))
            run = []
    return tuple(paths)


def holes(values: Values) -> list[tuple[int, int]]:
    """(first, count) of every run of missing values."""
    found: list[tuple[int, int]] = []
    for index, value in enumerate(values):
        if value is not None:
            continue
        if found and sum(found[-1]) == index:
            found[-1] = (found[-1][0], found[-1][1] + 1)
        else:
            found.append((index, 1))
    return found


def running_median(values: Values, window: int = 7) -> list[float | None]:
    """The median of the last ``window`` days that have a value; None where the day itself has none."""
    medians: list[float | None] = []
    for index, value in enumerate(values):
        near = sorted(v for v in values[max(0, index - window + 1) : index + 1] if v is not None)
        middle = len(near) // 2
        medians.append(None if value is None else near[middle] if len(near) % 2 else (near[middle - 1] + near[middle]) / 2)
    return medians


def strip(value: float | None, usual: Usual | None, past: Values = (), *, partial: bool = False) -> Strip:
    """The band takes the middle two fifths of the track, so that bands of different readings stand in line; far values stop at its end.

    What is ``partial`` stands on it as an open mark and is not judged."""
    if usual is None:
        seen = [v for v in past if v is not None]
        low, high = fitted([*seen, value], least=1e-6, pad=0.6)
        spots = tuple(round(100 * (v - low) / (high - low), 2) for v in seen)
        mark = None if value is None else round(100 * (value - low) / (high - low), 2)
        return Strip("none" if value is None else "learning", mark, None, spots)
    low, high = usual
    width = (high - low) or 1e-9
    band = Span(30.0, 40.0)
    if value is None:
        return Strip("none", None, band)
    at = round(min(97.0, max(3.0, 30 + 40 * (value - low) / width)), 2)
    return Strip("partial", None, band, (at,)) if partial else Strip(against(value, usual), at, band)


def spark(values: Values, usual: Usual | None = None, height: float = 34) -> Plot:
    """A small line with its band and a marked last value (no mark when the last is missing)."""
    scale = Scale(*fitted(values, usual), 3, height - 3)
    count = max(1, len(values) - 1)
    xs = tuple(round(100 * index / count, 2) for index in range(len(values)))
    points = _points(xs, values, scale)
    last = values[-1] if values else None
    dots = () if last is None else (Dot(100.0, scale.y(last), against(last, usual)),)
    gaps = tuple(_between(first, count, len(values)) for first, count in holes(values)) if any(v is not None for v in values) else ()
    return Plot(height, height, xs, bands=_band(scale, usual), lines=runs(points), dots=dots, gaps=gaps)


def _between(first: int, count: int, length: int) -> Span:
    """A run of missing values on an axis whose ends are the first and the last value: from neighbour to neighbour."""
    share = 100 / max(1, length - 1)
    start, end = max(0.0, (first - 1) * share), min(100.0, (first + count) * share)
    return Span(round(start, 2), round(end - start, 2))


def line(
    values: Values, usual: Usual | None = None, *, height: float = 180, least: float = 0.0, labels: Sequence[str] = (), word: Word = plain,
    smooth: bool = True, partial: bool = False,
) -> Plot:  # fmt: skip
    """A dot per unit and, when ``smooth``, its 7-unit running median as the line; otherwise one line through the values, its end marked.

    ``least`` is the smallest span worth showing (twice the instrument's step); ``partial`` says the last unit is not over yet.
    """
    scale = Scale(*fitted(values, usual, least=least), HEAD, height - AXIS)
    xs = _centres(len(values))
    points = _points(xs, running_median(values) if smooth else values, scale)
    last = len(values) - 1
    dots = tuple(
        Dot(x, scale.y(v), "partial" if partial and index == last else against(v, usual))
        for index, (x, v) in enumerate(zip(xs, values, strict=True)) if v is not None and (smooth or index == last)
    )  # fmt: skip
    return Plot(
        height, scale.bottom, xs, _ticks(scale, word), _labels(xs, labels), _band(scale, usual),
        lines=runs(points), dots=dots, gaps=_gaps(values),
    )  # fmt: skip


def readings(
    values: Values, usual: Usual | None = None, *, height: float = 180, least: float = 2.0, labels: Sequence[str] = (), word: Word = plain,
    apart: int = 14,
) -> Plot:  # fmt: skip
    """Readings taken now and then (weight): a dot each, the running median of the last seven between them, dotted where two lie more
    than ``apart`` units from each other. Days without one are no gap: nobody promised a reading a day."""
    scale = Scale(*fitted(values, usual, least=least), HEAD, height - AXIS)
    xs = _centres(len(values))
    held = [(index, v) for index, v in enumerate(values) if v is not None]
    middles = running_median([v for _, v in held])
    spots = [(round(xs[index] * 10, 1), scale.y(m)) for (index, _), m in zip(held, middles, strict=True) if m is not None]
    joined: list[tuple[float, float] | None] = list(spots[:1])
    broken = list[str]()
    for (before, _), (index, _), start, end in zip(held, held[1:], spots, spots[1:], strict=False):
        if index - before > apart:
            broken += runs([start, end])
            joined.append(None)
        joined.append(end)
    dots = tuple(Dot(xs[index], scale.y(v), "usual") for index, v in held)
    return Plot(
        height, scale.bottom, xs, _ticks(scale, word), _labels(xs, labels), _band(scale, usual),
        lines=runs(joined), dots=dots, broken=tuple(broken),
    )  # fmt: skip


def bars(
    values: Values, usual: Sequence[Usual | None] = (), *, height: float = 180, labels: Sequence[str] = (), word: Word = plain,
    partial: bool = False,
) -> Plot:  # fmt: skip
    """Bars from zero with each unit's own usual behind them. A covered day with nothing is a 0 on the baseline, not a gap."""
    tallest = max([v for v in values if v is not None] + [pair[1] for pair in usual if pair], default=1.0) or 1.0
    scale = Scale(0.0, tallest * 1.08, HEAD, height - AXIS)
    xs = _centres(len(values))
    wide = 100 / max(1, len(values)) * (0.62 if len(values) < 60 else 0.8)
    last = len(values) - 1
    drawn = tuple(
        Bar(round(x - wide / 2, 2), scale.y(v), round(wide, 2), round(scale.bottom - scale.y(v), 1),
            "" if index < last else "partial" if partial else "last")
        for index, (x, v) in enumerate(zip(xs, values, strict=True)) if v is not None
    )  # fmt: skip
    one = usual[0] if len(set(usual)) == 1 else None
    area, edge = ("", "") if one else _boxes(usual, scale)
    return Plot(
        height, scale.bottom, xs, _ticks(scale, word), _labels(xs, labels), _band(scale, one),
        area=area, edge=edge, bars=drawn, gaps=_gaps(values),
    )  # fmt: skip


def minmax(
    rows: Sequence[tuple[float, float, float] | None], usual: Usual | None = None, *, height: float = 180, labels: Sequence[str] = (),
    word: Word = plain,
) -> Plot:  # fmt: skip
    """A bar from least to most per unit with a dot at the mean; rows are (least, mean, most). ``usual`` is the resting band."""
    flat: list[float | None] = [value for row in rows if row for value in row]
    scale = Scale(*fitted(flat, usual, least=10, pad=0.06), HEAD, height - AXIS)
    xs = _centres(len(rows))
    wide = min(3.2, 100 / max(1, len(rows)) * 0.5)
    held = [(x, row) for x, row in zip(xs, rows, strict=True) if row]
    spans = tuple(
        Bar(round(x - wide / 2, 2), scale.y(row[2]), round(wide, 2), round(max(2.0, scale.y(row[0]) - scale.y(row[2])), 1), "range")
        for x, row in held
    )
    means = tuple(Dot(x, scale.y(row[1]), "usual") for x, row in held)
    present: list[float | None] = [row and row[1] for row in rows]
    return Plot(
        height, scale.bottom, xs, _ticks(scale, word), _labels(xs, labels), _band(scale, usual), bars=spans, dots=means, gaps=_gaps(present)
    )


def _centres(count: int) -> tuple[float, ...]:
    return tuple(round(100 * (index + 0.5) / count, 2) for index in range(count))


def _band(scale: Scale, usual: Usual | None) -> tuple[Span, ...]:
    if usual is None:
        return ()
    return (Span(scale.y(usual[1]), round(max(2.0, scale.y(usual[0]) - scale.y(usual[1])), 1)),)


def _ticks(scale: Scale, word: Word) -> tuple[Tick, ...]:
    return tuple(Tick(scale.y(value), word(value)) for value in round_steps(scale.low, scale.high))


def _labels(xs: Sequence[float], labels: Sequence[str]) -> tuple[Tick, ...]:
    return tuple(Tick(x, text) for x, text in zip(xs, labels, strict=False) if text)


def _gaps(values: Values) -> tuple[Span, ...]:
    share = 100 / max(1, len(values))
    return tuple(Span(round(first * share, 2), round(count * share, 2)) for first, count in holes(values))


def _points(xs: Sequence[float], values: Values, scale: Scale) -> list[tuple[float, float] | None]:
    return [None if v is None else (round(x * 10, 1), scale.y(v)) for x, v in zip(xs, values, strict=True)]


def _boxes(usual: Sequence[Usual | None], scale: Scale) -> tuple[str, str]:
    """The stepped band of a weekday-aware usual, and its upper and lower borders: one box per unit that has a usual."""
    share = 1000 / max(1, len(usual))
    sides = [
        (round(index * share, 1), round((index + 1) * share, 1), scale.y(pair[0]), scale.y(pair[1]))
        for index, pair in enumerate(usual) if pair is not None
    ]  # fmt: skip
    area = "".join(f"M{left:g} {high:g}H{right:g}V{low:g}H{left:g}Z" for left, right, low, high in sides)
    return area, "".join(f"M{left:g} {high:g}H{right:g}M{left:g} {low:g}H{right:g}" for left, right, low, high in sides)
