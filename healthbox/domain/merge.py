"""A day's total of a cumulative metric when several sources saw the same minutes.

In every instant only the best-ranked source that was measuring counts; values are split in proportion at the edges of
better sources and at midnights. Nothing is ever summed over sources, and no source takes a whole day for itself.

* A source that overlaps itself counts its largest rate once.
* Sources of equal rank: the one with the larger sum in that day goes first, then the name.
* A point (start == end) counts unless a sample of equal or better rank covers that instant, half-open: an interval covers its
  start, not its end. Points at one instant: those of the best source count, each of them (true duplicates are not stored).

Each day is worked out alone from the pieces that touch it and added up with ``fsum``, so the answer is the same for any order
of arrival. O(n log n).
"""

import heapq
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from math import fsum

import msgspec


class Piece(msgspec.Struct, frozen=True):
    """One sample: ``start`` <= ``end`` in ms; the smaller ``rank`` wins; ``name`` is the source's canonical name."""

    source: int
    name: str
    rank: int
    start: int
    end: int
    value: float


class Share(msgspec.Struct, frozen=True):
    """What one source gave to a day: ``value`` counted, ``raw`` its own plain sum in the day, ``discarded`` the rest of it."""

    source: int
    name: str
    value: float
    raw: float
    discarded: float


class Lane(msgspec.Struct, frozen=True):
    """A slice of a sample that counted."""

    source: int
    start: int
    end: int
    value: float


class Merged(msgspec.Struct, frozen=True):
    """One day. ``value`` is None when nothing touches it; ``n`` counts the pieces that do."""

    value: float | None
    n: int
    shares: list[Share]
    lanes: list[Lane]


_Won = tuple[Piece, int, int]


def merge(pieces: Sequence[Piece], bounds: tuple[int, int]) -> Merged:
    """The day between two instants in ms. A piece that ends before it starts is ignored."""
    low, high = bounds
    pieces = [p for p in pieces if p.start < high and p.end >= p.start and (p.end > low or p.start == p.end == low)]
    if not pieces:
        return Merged(None, 0, [], [])
    order, raw = _precedence(pieces, low, high)
    wide = [p for p in pieces if p.end > p.start]
    won = _sweep(wide, order, low, high)
    if points := [p for p in pieces if p.end == p.start]:
        won += _points(points, order, won)
    parts = [piece.value if start == piece.start and end == piece.end else _part(piece, start, end) for piece, start, end in won]
    counted: defaultdict[int, list[float]] = defaultdict(list)
    for (piece, _, _), value in zip(won, parts, strict=True):
        counted[piece.source].append(value)
    names = {piece.source: piece.name for piece in pieces}
    shares = [share_of(source, names[source], fsum(counted[source]), raw[source]) for source in sorted(order, key=order.__getitem__)]
    lanes = [Lane(piece.source, start, end, value) for (piece, start, end), value in zip(won, parts, strict=True)]
    lanes.sort(key=lambda lane: (lane.start, lane.end, order[lane.source], lane.value))
    return Merged(fsum(parts), len(pieces), shares, lanes)


def part(value: float, span: tuple[int, int], start: int, end: int) -> float:
    """The part of the value of a span that falls between two instants inside it; the whole of it exactly, when it is the whole."""
    if (start, end) == span:
        return value
    return value * (end - start) / (span[1] - span[0])


def _part(piece: Piece, start: int, end: int) -> float:
    return part(piece.value, (piece.start, piece.end), start, end)


def share_of(source: int, name: str, value: float, raw: float) -> Share:
    """``raw`` is the source's own plain sum in the day, ``value`` what counts of it."""
    lost = raw - value
    if abs(lost) <= 1e-9 * max(abs(raw), abs(value)):  # slices of one sample need not add up to its last bit
        lost = 0.0
    return Share(source, name, value, raw, lost)


def _precedence(pieces: list[Piece], low: int, high: int) -> tuple[dict[int, int], dict[int, float]]:
    """Each source's place in this day, 0 first, and its own plain sum. Ids decide only between sources equal in everything."""
    own: defaultdict[int, list[Piece]] = defaultdict(list)
    for piece in pieces:
        own[piece.source].append(piece)
    raw = {
        source: fsum([p.value if p.start >= low and p.end <= high else _part(p, max(p.start, low), min(p.end, high)) for p in mine])
        for source, mine in own.items()
    }

    def place(source: int) -> tuple[int, float, str]:
        mine = own[source]
        return mine[0].rank, -raw[source], mine[0].name

    def fully(source: int) -> tuple[int, float, str, list[tuple[int, int, float]], int]:
        return *place(source), sorted((p.start, p.end, p.value) for p in own[source]), source

    alike = len({place(source) for source in own}) < len(own)
    return {source: index for index, source in enumerate(sorted(own, key=fully if alike else place))}, raw


def _sweep(pieces: list[Piece], order: dict[int, int], low: int, high: int) -> list[_Won]:
    """Who wins when, in ascending slices that do not overlap; neighbouring slices of one piece are one slice."""
    ahead = sorted(
        (max(p.start, low), order[p.source], -p.value / (p.end - p.start), p.start, p.end, -p.value, i) for i, p in enumerate(pieces)
    )
    cuts = sorted({entry[0] for entry in ahead} | {min(p.end, high) for p in pieces})
    active: list[tuple[int, float, int, int, float, int]] = []
    won: list[_Won] = []
    upcoming = 0
    for now, after in pairwise(cuts):
        while upcoming < len(ahead) and ahead[upcoming][0] <= now:
            heapq.heappush(active, ahead[upcoming][1:])
            upcoming += 1
        while active and pieces[active[0][-1]].end <= now:
            heapq.heappop(active)
        if not active:
            continue
        piece = pieces[active[0][-1]]
        if won and won[-1][0] is piece and won[-1][2] == now:
            won[-1] = (piece, won[-1][1], after)
        else:
            won.append((piece, now, after))
    return won


def _points(points: list[Piece], order: dict[int, int], won: list[_Won]) -> list[_Won]:
    best: dict[int, int] = {}
    for point in points:
        best[point.start] = min(order[point.source], best.get(point.start, len(order)))
    starts = [start for _, start, _ in won]
    counted: list[_Won] = []
    for point in points:
        if order[point.source] != best[point.start]:
            continue
        index = bisect_right(starts, point.start) - 1
        if index >= 0 and point.start < won[index][2] and won[index][0].rank <= point.rank:
            continue
        counted.append((point, point.start, point.start))
    return counted
