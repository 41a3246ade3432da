"""Geometry of clocks, calendars and places: nights, source lanes, the half-year calendar, a workout's route.

The same units as ``charts``: x in percent, y in pixels, paths in a box 1000 wide; a route and a calendar have a box of their own.
Instants are milliseconds since the epoch, so a night with a clock change is drawn at its true length.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from healthbox.web.charts import AXIS, Bar, Span, Tick, runs

STAGES = ("awake", "rem", "core", "deep")  # the lanes, top to bottom
CELL = 11.4


@dataclass(frozen=True)
class Link:
    x: float
    top: float
    bottom: float


@dataclass(frozen=True)
class Hypnogram:
    """``lanes`` names what stands in each lane; ``blocks`` carry their stage as state."""

    height: float
    bottom: float
    lanes: tuple[Tick, ...]
    lane: float
    blocks: tuple[Bar, ...]
    links: tuple[Link, ...]
    x_ticks: tuple[Tick, ...]
    xs: tuple[float, ...]
    gaps: tuple[Span, ...] = ()


@dataclass(frozen=True)
class Nights:
    height: float
    bottom: float
    y_ticks: tuple[Tick, ...]
    x_ticks: tuple[Tick, ...]
    xs: tuple[float, ...]
    bands: tuple[Span, ...]
    bars: tuple[Bar, ...]
    gaps: tuple[Span, ...]


@dataclass(frozen=True)
class Part:
    x: float
    width: float
    state: str


@dataclass(frozen=True)
class Calendar:
    """``levels`` are six paths: the five steps of the hue, faintest first, then the days without data. ``cuts`` bound the steps."""

    width: float
    height: float
    cell: float
    first: date
    levels: tuple[str, ...]
    counts: tuple[int, ...]
    cuts: tuple[float, ...]
    months: tuple[tuple[float, date], ...]


@dataclass(frozen=True)
class Route:
    """``scale`` is the length in pixels of a bar that stands for ``metres``."""

    width: float
    height: float
    lines: tuple[str, ...]
    start: tuple[float, float] | None
    end: tuple[float, float] | None
    scale: float
    metres: float


def hour_marks(start: datetime, end: datetime, every: int = 2) -> list[datetime]:
    """The full local hours divisible by ``every`` inside [start, end], in start's zone; a 23 or 25 h day counts as it is."""
    zone = start.tzinfo
    if zone is None:
        raise ValueError("an axis of hours needs a zone")
    first = math.ceil(start.timestamp() / 900) * 900
    moments = (datetime.fromtimestamp(first + 900 * step, zone) for step in range(int((end.timestamp() - first) // 900) + 1))
    return [moment for moment in moments if moment.minute == 0 and moment.hour % every == 0]


def hypnogram(
    segments: Sequence[tuple[str, int, int]], start: int, end: int, *, ticks: Sequence[tuple[int, str]] = (), lane: float = 18,
    gap: float = 4, words: Mapping[str, str] | None = None,
) -> Hypnogram:  # fmt: skip
    """Four lanes from awake to deep; ``asleep`` (not staged) stands in the core lane in a hue of its own. Unmeasured time is a gap."""
    names = words or {"awake": "Awake", "rem": "REM", "core": "Core", "deep": "Deep"}
    length = max(1, end - start)
    inside = sorted((max(a, start), min(b, end), stage) for stage, a, b in segments if b > start and a < end)
    blocks, links, gaps = list[Bar](), list[Link](), list[Span]()
    before, last_top = start, None
    for begin, stop, stage in inside:
        x = round(100 * (begin - start) / length, 2)
        top = STAGES.index("core" if stage == "asleep" else stage) * (lane + gap)
        if begin - before > 60_000:
            gaps.append(Span(round(100 * (before - start) / length, 2), round(100 * (begin - before) / length, 2)))
        elif last_top is not None and last_top != top:
            links.append(Link(x, min(last_top, top) + 2, max(last_top, top) + lane - 2))
        blocks.append(Bar(x, top, round(100 * (stop - begin) / length, 2), lane, stage))
        before, last_top = max(before, stop), top
    if end - before > 60_000:
        gaps.append(Span(round(100 * (before - start) / length, 2), round(100 * (end - before) / length, 2)))
    bottom = len(STAGES) * (lane + gap) - gap
    return Hypnogram(
        bottom + AXIS, bottom, tuple(Tick(index * (lane + gap), names[stage]) for index, stage in enumerate(STAGES)), lane, tuple(blocks),
        tuple(links), tuple(Tick(round(100 * (at - start) / length, 2), text) for at, text in ticks),
        tuple(round(block.x + block.width / 2, 2) for block in blocks), tuple(gaps),
    )  # fmt: skip


def nights(
    spans: Sequence[tuple[float, float] | None], *, bands: Sequence[tuple[float, float]] = (), labels: Sequence[str] = (),
    hours: Sequence[tuple[float, str]] = (), height: float = 240,
) -> Nights:  # fmt: skip
    """Floating bars from falling asleep to waking. Everything is in minutes since noon of the evening; earlier stands higher."""
    held = [minute for span in [*spans, *bands] if span for minute in span] or [600.0, 1140.0]
    low, high = 60 * math.floor(min(held) / 60), 60 * math.ceil(max(held) / 60)
    top, bottom = 6.0, height - AXIS - 4

    def y(minute: float) -> float:
        return round(top + (bottom - top) * (minute - low) / (high - low), 1)

    count = max(1, len(spans))
    wide = 100 / count * (0.56 if count < 40 else 0.8)
    xs = tuple(round(100 * (index + 0.5) / count, 2) for index in range(len(spans)))
    drawn = tuple(
        Bar(round(x - wide / 2, 2), y(span[0]), round(wide, 2), round(y(span[1]) - y(span[0]), 1), "last" if x == xs[-1] else "")
        for x, span in zip(xs, spans, strict=True) if span
    )  # fmt: skip
    holes = tuple(Span(round(x - wide / 2, 2), round(wide, 2)) for x, span in zip(xs, spans, strict=True) if span is None)
    return Nights(
        height, bottom, tuple(Tick(y(minute), text) for minute, text in hours if low <= minute <= high),
        tuple(Tick(x, text) for x, text in zip(xs, labels, strict=False) if text), xs,
        tuple(Span(y(a), round(y(b) - y(a), 1)) for a, b in bands), drawn, holes,
    )  # fmt: skip


def shares(parts: Sequence[tuple[str, float]]) -> tuple[Part, ...]:
    """A whole cut into its parts, in the given order, with half a percent of air between them."""
    whole = sum(size for _, size in parts)
    drawn, x = list[Part](), 0.0
    for state, size in parts:
        width = 100 * size / whole if whole else 0
        if width:
            drawn.append(Part(round(x, 2), round(max(0.3, width - 0.5), 2), state))
        x += width
    return tuple(drawn)


def lane(parts: Sequence[tuple[int, int, str]], start: int, end: int) -> tuple[Part, ...]:
    """One source's lane: (begin, stop, state) with state ``won``, ``lost`` or ``overlap``, cut to [start, end]."""
    length = max(1, end - start)
    cut = [(max(begin, start), min(stop, end), state) for begin, stop, state in parts if stop > start and begin < end]
    return tuple(
        Part(round(100 * (begin - start) / length, 2), round(max(0.25, 100 * (stop - begin) / length), 2), state)
        for begin, stop, state in cut
    )


def calendar(values: Mapping[date, float | None], last: date, *, weeks: int = 26, monday: bool = True) -> Calendar:
    """A cell per day, a column per week, five steps by the person's own quintiles. Days after ``last`` are not drawn."""
    weekday = last.weekday() if monday else (last.weekday() + 1) % 7
    first = last - timedelta(days=weekday + 7 * (weeks - 1))
    days = [first + timedelta(days=index) for index in range((last - first).days + 1)]
    held = sorted(value for day in days if (value := values.get(day)) is not None)
    cuts = tuple(held[math.ceil(len(held) * step / 5) - 1] for step in (1, 2, 3, 4)) if held else ()
    cells: list[list[str]] = [[] for _ in range(6)]
    for index, day in enumerate(days):
        value = values.get(day)
        level = 5 if value is None else sum(value > cut for cut in cuts)
        size = CELL - 2.4
        cells[level].append(f"M{index // 7 * CELL + 1:.1f} {index % 7 * CELL + 15:.1f}h{size:.1f}v{size:.1f}h-{size:.1f}z")
    starts = [(index, day) for index, day in enumerate(days) if day.day == 1]
    return Calendar(
        weeks * CELL, 14 + 7 * CELL, CELL, first, tuple("".join(level) for level in cells), tuple(len(level) for level in cells), cuts,
        tuple((round((index // 7 + (index % 7 > 0)) * CELL, 1), day) for index, day in starts if index // 7 < weeks - 2),
    )  # fmt: skip


def route(points: Sequence[tuple[float, float] | None], *, width: float = 320, height: float = 220) -> Route:
    """(latitude, longitude) in degrees on a blank sheet, north up; None is a pause. Empty when fewer than two points are known."""
    known = [point for point in points if point]
    if len(known) < 2:
        return Route(width, height, (), None, None, 0, 0)
    middle = (min(lat for lat, _ in known) + max(lat for lat, _ in known)) / 2
    east = 111_320 * math.cos(math.radians(middle))
    origin = known[0][1]  # longitudes are taken relative to the start, so that the date line is not a jump
    metres = [point and (((point[1] - origin + 540) % 360 - 180) * east, point[0] * 110_574) for point in points]
    xs, ys = [m[0] for m in metres if m], [m[1] for m in metres if m]
    margin = 14.0
    factor = min(
        (width - 2 * margin) / max(1.0, max(xs) - min(xs)),
        (height - 2 * margin) / max(1.0, max(ys) - min(ys)),
    )
    left = (width - factor * (max(xs) - min(xs))) / 2
    top = (height - factor * (max(ys) - min(ys))) / 2
    drawn = [m and (round(left + (m[0] - min(xs)) * factor, 1), round(top + (max(ys) - m[1]) * factor, 1)) for m in metres]
    seen = [point for point in drawn if point]
    longest = width / 3 / factor
    size = 10.0 ** math.floor(math.log10(longest))
    bar = max(step * size for step in (1, 2, 5) if step * size <= longest)
    return Route(width, height, runs(drawn), seen[0], seen[-1], round(bar * factor, 1), bar)
