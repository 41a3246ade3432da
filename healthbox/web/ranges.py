"""The ranges of a metric's page: from when to when, cut into which units, and what a unit of days amounts to. Pure."""

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple

from healthbox.domain.columns import HOUR
from healthbox.store.pages_reading import Point

DAY = dt.timedelta(days=1)
NAMES = {"d": "D", "w": "W", "m": "M", "6m": "6M", "y": "Y", "all": "All"}
WORDS = {"d": "Day", "w": "Week", "m": "Month", "6m": "Half a year", "y": "Year", "all": "All of it"}
LENGTHS = {"d": 1, "w": 7, "m": 30, "6m": 182, "y": 365}
MOST_ROWS = 1600  # of a drawn series: two a pixel is more than an eye can tell


class Slot(NamedTuple):
    """A unit of the x axis: a day, a week or a month, both ends included."""

    first: dt.date
    last: dt.date

    @property
    def is_day(self) -> bool:
        return self.first == self.last


class Cell(NamedTuple):
    """What the days of a slot amount to: the mean of their values, the lowest and the highest, how many there are."""

    value: float
    low: float
    high: float
    days: int


def first_day(range_: str, end: dt.date, oldest: dt.date) -> dt.date:
    return min(oldest, end) if range_ == "all" else end - DAY * (LENGTHS[range_] - 1)


def slots(range_: str, first: dt.date, end: dt.date) -> list[Slot]:
    """Days up to a month, weeks that end with ``end`` in half a year, calendar months in a year and in all of it."""
    if range_ in ("d", "w", "m"):
        return [Slot(first + DAY * n, first + DAY * n) for n in range((end - first).days + 1)]
    if range_ == "6m":
        return [Slot(end - DAY * (7 * back + 6), end - DAY * 7 * back) for back in range(25, -1, -1)]
    found, start = [], first.replace(day=1)
    while start <= end:
        after = (start + DAY * 32).replace(day=1)
        found.append(Slot(start, min(after - DAY, end)))
        start = after
    return found[-12:] if range_ == "y" else found


def cells(cut: Sequence[Slot], rows: Sequence[Point]) -> list[Cell | None]:
    """One cell a slot, None where no day of it has a value; ``rows`` ascending."""
    found: list[Cell | None] = []
    at = 0
    for slot in cut:
        while at < len(rows) and rows[at].date < slot.first:
            at += 1
        inside = []
        while at < len(rows) and rows[at].date <= slot.last:
            inside.append(rows[at])
            at += 1
        lows, highs = ([v if v is not None else r.value for r, v in zip(inside, side, strict=True)]
                       for side in ([r.low for r in inside], [r.high for r in inside]))  # fmt: skip
        found.append(Cell(sum(r.value for r in inside) / len(inside), min(lows), max(highs), len(inside)) if inside else None)
    return found


def thick(rows: Sequence[Point], first: dt.date, end: dt.date, *, weeks: bool = False) -> list[tuple[dt.date, Cell | None]]:
    """Every day of a long range, or every week (bars thinner than a pixel say nothing), or what keeps it under ``MOST_ROWS`` rows."""
    step = max(7 if weeks else 1, -(-((end - first).days + 1) // MOST_ROWS))
    backs = range(0, (end - first).days + 1, step)
    cut = [Slot(max(first, end - DAY * (back + step - 1)), end - DAY * back) for back in reversed(backs)]
    return [(slot.first, cell) for slot, cell in zip(cut, cells(cut, rows), strict=True)]


def hours(start: int, end: int) -> list[tuple[int, int]]:
    """The hours of a day from midnight to midnight (ms): 23, 24 or 25 of them."""
    return [(at, min(at + HOUR, end)) for at in range(start, end, HOUR)]


def spread(parts: Sequence[tuple[int, int, float]], cut: Sequence[tuple[int, int]]) -> list[float]:
    """Sums by hour of what was added in (start, end, value) stretches, split where an hour ends."""
    sums = [0.0] * len(cut)
    for start, end, value in parts:
        for index, (low, high) in enumerate(cut):
            if start == end and low <= start < high:
                sums[index] += value
            elif start < high and end > low:
                sums[index] += value * (min(end, high) - max(start, low)) / (end - start)
    return sums
