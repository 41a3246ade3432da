"""A day's total of a cumulative metric when several sources saw the same minutes.

In every instant only the best-ranked source that was measuring counts; values are split in proportion at the edges of
better sources and at midnights. Nothing is ever summed over sources, and no source takes a whole day for itself.

* A source that overlaps itself counts its largest rate once.
* Sources of equal rank: the one with the larger sum in that day goes first, then the name.
* A point (start == end) counts unless a sample of equal or better rank covers that instant, half-open: an interval covers its
  start, not its end. Points at one instant: those of the best source count, each of them (true duplicates are not stored).

Each day is worked out alone from the pieces that touch it and added up with ``fsum``, so the answer is the same for any order
of arrival and for any window of days. O(n log n).
"""

import heapq
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Sequence
from itertools import islice, pairwise
from math import fsum
from operator import le, lt

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
    """One day. ``value`` is None when nothing touches it; ``n`` counts the pieces that do; ``covered_ms`` the time measured."""

    value: float | None
    n: int
    shares: list[Share]
    lanes: list[Lane]
    covered_ms: int


_Won = tuple[Piece, int, int]


def merge(pieces: Sequence[Piece], bounds: Sequence[int], *, told: bool = True) -> list[Merged]:
    """The days between ``bounds`` (n + 1 ascending instants in ms): n results. A piece that ends before it starts is ignored.

    Without ``told`` the lanes are left out, which the numbers do not need."""
    if len(bounds) == 2:
        low, high = bounds
        inside = [p for p in pieces if p.start < high and p.end >= p.start and (p.end > low or p.start == p.end == low)]
        return [_day(inside, low, high, told)]
    touching: list[list[Piece]] = [[] for _ in bounds[1:]]
    for piece in pieces:
        if piece.end < piece.start:
            continue
        last = piece.end - (piece.end > piece.start)
        for day in range(max(bisect_right(bounds, piece.start) - 1, 0), min(bisect_right(bounds, last), len(touching))):
            touching[day].append(piece)
    return [_day(found, low, high, told) for found, low, high in zip(touching, bounds, bounds[1:], strict=False)]


def _part(piece: Piece, start: int, end: int) -> float:
    """The part of the value that falls between two instants inside the piece; the whole of it exactly, when it is the whole."""
    if start == piece.start and end == piece.end:
        return piece.value
    return piece.value * (end - start) / (piece.end - piece.start)


def _day(pieces: list[Piece], low: int, high: int, told: bool) -> Merged:
    if not pieces:
        return Merged(None, 0, [], [], 0)
    if not told and (alone := _alone(pieces, low, high)) is not None:
        return alone
    order, raw = _precedence(pieces, low, high)
    wide = [p for p in pieces if p.end > p.start]
    won = _by_layers(wide, order, low, high)
    if won is None:
        won = _sweep(wide, order, low, high)
    covered = sum(end - start for _, start, end in won)
    if points := [p for p in pieces if p.end == p.start]:
        won += _points(points, order, won)
    parts = [_part(piece, start, end) for piece, start, end in won]
    counted: defaultdict[int, list[float]] = defaultdict(list)
    for (piece, _, _), value in zip(won, parts, strict=True):
        counted[piece.source].append(value)
    names = {piece.source: piece.name for piece in pieces}
    shares = [_share(source, names[source], fsum(counted[source]), raw[source]) for source in sorted(order, key=order.__getitem__)]
    lanes: list[Lane] = []
    if told:
        lanes = [Lane(piece.source, start, end, value) for (piece, start, end), value in zip(won, parts, strict=True)]
        lanes.sort(key=lambda lane: (lane.start, lane.end, order[lane.source], lane.value))
    return Merged(fsum(parts), len(pieces), shares, lanes, covered)


def _alone(pieces: list[Piece], low: int, high: int) -> Merged | None:
    """The common day, quickly: one source whose intervals do not overlap. None where that is not so."""
    if len({piece.source for piece in pieces}) > 1:
        return None
    pieces = sorted(pieces, key=_start)
    starts, ends = [piece.start for piece in pieces], [piece.end for piece in pieces]
    if not all(map(lt, starts, ends)) or not all(map(le, ends, islice(starts, 1, None))):
        return None
    parts = [piece.value for piece in pieces]
    for at in {0, len(pieces) - 1}:  # only these can reach over an edge
        starts[at], ends[at] = max(starts[at], low), min(ends[at], high)
        parts[at] = _part(pieces[at], starts[at], ends[at])
    total = fsum(parts)
    share = Share(pieces[0].source, pieces[0].name, total, total, 0.0)
    return Merged(total, len(pieces), [share], [], sum(ends) - sum(starts))


def _share(source: int, name: str, value: float, raw: float) -> Share:
    lost = raw - value
    if abs(lost) <= 1e-9 * max(abs(raw), abs(value)):  # slices of one sample need not add up to its last bit
        lost = 0.0
    return Share(source, name, value, raw, lost)


def _precedence(pieces: list[Piece], low: int, high: int) -> tuple[dict[int, int], dict[int, float]]:
    """Each source's place in this day, 0 first, and its own plain sum. Ids decide only between sources equal in everything."""
    own: defaultdict[int, list[Piece]] = defaultdict(list)
    for piece in pieces:
        own[piece.source].append(piece)
    raw = {source: fsum(_part(p, max(p.start, low), min(p.end, high)) for p in mine) for source, mine in own.items()}

    def place(source: int) -> tuple[int, float, str]:
        mine = own[source]
        return mine[0].rank, -raw[source], mine[0].name

    def fully(source: int) -> tuple[int, float, str, list[tuple[int, int, float]], int]:
        return *place(source), sorted((p.start, p.end, p.value) for p in own[source]), source

    alike = len({place(source) for source in own}) < len(own)
    return {source: index for index, source in enumerate(sorted(own, key=fully if alike else place))}, raw


def _start(piece: Piece) -> int:
    return piece.start


def _from(won: _Won) -> int:
    return won[1]


def _by_layers(pieces: list[Piece], order: dict[int, int], low: int, high: int) -> list[_Won] | None:
    """Source by source, the best first: what is left of each piece beside what is covered already. None where a source overlaps
    itself, for then its larger rate decides."""
    own: list[list[Piece]] = [[] for _ in order]
    for piece in sorted(pieces, key=_start):
        mine = own[order[piece.source]]
        if mine and piece.start < mine[-1].end:
            return None
        mine.append(piece)
    won: list[_Won] = []
    covered: list[tuple[int, int]] = []
    for mine in own:
        got = _left(mine, covered, low, high) if covered else [(p, max(p.start, low), min(p.end, high)) for p in mine]
        won += got
        covered = sorted([*covered, *((start, end) for _, start, end in got)]) if covered else [(start, end) for _, start, end in got]
    won.sort(key=_from)
    return won


def _left(mine: list[Piece], covered: list[tuple[int, int]], low: int, high: int) -> list[_Won]:
    """The slices of pieces that stand outside of the stretches covered; both in ascending order, neither overlapping itself."""
    got: list[_Won] = []
    first = 0
    for piece in mine:
        start, end = max(piece.start, low), min(piece.end, high)
        while first < len(covered) and covered[first][1] <= start:
            first += 1
        at = first
        while at < len(covered) and covered[at][0] < end:
            if covered[at][0] > start:
                got.append((piece, start, covered[at][0]))
            start = covered[at][1]
            at += 1
        if start < end:
            got.append((piece, start, end))
    return got


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
