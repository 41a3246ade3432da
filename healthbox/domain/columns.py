"""Days from columns instead of an object a reading: most days are plain, and most of an import's time goes into them.

What is plain is answered here by the rules of ``merge`` and ``days``; everything else gets None and goes their way. The numbers are
the same to the last bit.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import chain, islice, repeat
from math import ceil, fsum
from operator import le, lt, mul, sub
from typing import NamedTuple

from healthbox.domain.merge import Merged, Piece, part, share_of

HOUR = 3_600_000
_STANDS = 600_000


class Run(NamedTuple):
    """One source's samples that touch a day, in the order of their starts; columns of one length, fields as in ``Piece``."""

    source: int
    name: str
    rank: int
    starts: Sequence[int]
    ends: Sequence[int]
    values: Sequence[float]

    def readings(self) -> list[Piece]:
        source, name, rank = self.source, self.name, self.rank
        return [Piece(source, name, rank, *row) for row in zip(self.starts, self.ends, self.values, strict=True)]


class Average(NamedTuple):
    """``value`` weighs by duration where all are intervals."""

    value: float
    low: float
    high: float
    n: int


def merged(runs: Sequence[Run], bounds: tuple[int, int]) -> Merged | None:
    """The day of a cumulative metric, without lanes, where no source overlaps itself and nothing is a point. One run a source.

    Source by source, the best first: of each sample what is left beside what is covered already."""
    if not all(map(_plain, runs)):
        return None
    low, high = bounds
    parts = [_clipped(run, low, high) for run in runs]
    raw = list(map(fsum, parts))

    def place(at: int) -> tuple[int, float, str]:
        return runs[at].rank, -raw[at], runs[at].name

    order = sorted(range(len(runs)), key=place)
    if len(set(map(place, order))) < len(order):
        return None
    covered: list[tuple[int, int]] = []
    for at in order:
        run = runs[at]
        if covered:
            parts[at], spans = _left(run, covered, low, high)
        else:
            spans = zip(run.starts, run.ends, strict=True)
        if at != order[-1]:
            covered = sorted([*covered, *spans])
    shares = [share_of(runs[at].source, runs[at].name, fsum(parts[at]), raw[at]) for at in order]
    return Merged(fsum(chain.from_iterable(parts)), sum(len(run.starts) for run in runs), shares, [])


def _plain(run: Run) -> bool:
    return all(map(lt, run.starts, run.ends)) and all(map(le, run.ends, islice(run.starts, 1, None)))


def _clipped(run: Run, low: int, high: int) -> list[float]:
    """The values, of those that reach over an edge (the first and the last can) the part inside."""
    values = list(run.values)
    for at in {0, len(values) - 1}:
        start, end = run.starts[at], run.ends[at]
        values[at] = part(values[at], (start, end), max(start, low), min(end, high))
    return values


def _left(run: Run, covered: list[tuple[int, int]], low: int, high: int) -> tuple[list[float], Iterable[tuple[int, int]]]:
    """What stands outside of the stretches covered: values and spans. Both in ascending order, neither overlapping itself."""
    parts: list[float] = []
    spans: list[tuple[int, int]] = []
    first, number = 0, len(covered)
    for given in zip(run.starts, run.ends, run.values, strict=True):
        start, end, value = given
        own = start, end
        start, end = max(start, low), min(end, high)
        while first < number and covered[first][1] <= start:
            first += 1
        at = first
        while at < number and covered[at][0] < end:
            if covered[at][0] > start:
                parts.append(part(value, own, start, covered[at][0]))
                spans.append((start, covered[at][0]))
            start = covered[at][1]
            at += 1
        if start < end:
            parts.append(part(value, own, start, end))
            spans.append((start, end))
    return parts, spans


def last_said(run: Run) -> Run:
    """Of what a source counted from one instant on, only the longest (of equals the largest), where it says no less than the shorter
    ones: it says them again.

    Some clients tell of a day, or of a walk, again and again while it grows, and give it no name of its own."""
    if all(map(lt, run.starts, islice(run.starts, 1, None))):
        return run
    kept: list[tuple[int, int, float]] = []
    for row in sorted(zip(run.starts, run.ends, run.values, strict=True), reverse=True):  # of one start the longest first
        if not kept or kept[-1][0] != row[0] or kept[-1][2] < row[2]:  # of one start the last one kept says the most
            kept.append(row)
    starts, ends, values = zip(*reversed(kept), strict=True)
    return run._replace(starts=starts, ends=ends, values=values)


def stretched(run: Run, high: int) -> Run:
    """Readings without length, of what is measured all the time, last until the source's next one, ten minutes at most.

    Some clients say when a reading began and not how long it took. As points, those of two devices hardly ever meet, and all of
    them would count."""
    starts = run.starts
    if starts != run.ends or not all(map(lt, starts, islice(starts, 1, None))):
        return run
    return run._replace(ends=tuple(map(min, [start + _STANDS for start in starts], chain(islice(starts, 1, None), (high,)), repeat(high))))


def averaged(run: Run, bounds: tuple[int, int]) -> Average | None:
    """The mean of a day that one source measured, by points alone or by intervals alone, none of which ends on the next day."""
    starts, ends, values = run.starts, run.ends, run.values
    if starts == ends:
        value = fsum(values) / len(values)
    elif all(map(lt, starts, ends)) and max(ends) <= bounds[1]:
        weights = list(map(sub, ends, starts))
        value = fsum(map(mul, values, weights)) / sum(weights)
    else:
        return None
    return Average(value, min(values), max(values), len(values))


def hours_held(starts: Sequence[int], ends: Sequence[int], bounds: tuple[int, int]) -> float:
    """The share of the day's hours that hold something of what lasts from the starts to the ends beside them.

    An end is the first instant no longer held, but for what lasts no time at all, which holds its own instant."""
    low, high = bounds
    hours = ceil((high - low) / HOUR)
    if len(starts) <= hours:
        held: set[int] = set()
        for start, end in zip(starts, ends, strict=True):
            held.update(range(max((start - low) // HOUR, 0), min((end - (end > start) - low) // HOUR + 1, hours)))
        return len(held) / hours
    after = int(starts != ends)
    if after and not all(map(lt, starts, ends)):
        ends = [end + (end == start) for start, end in zip(starts, ends, strict=True)]
    begun, over = sorted(starts), sorted(ends)
    count = 0
    for edge in range(low, low + hours * HOUR, HOUR):  # so many have begun by the end of the hour, fewer were over at its beginning
        count += bisect_left(begun, edge + HOUR) > bisect_left(over, edge + after)
    return count / hours
