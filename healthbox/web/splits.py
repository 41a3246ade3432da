"""A workout's way in pieces: distance over time, splits, the line on the map. Pure; metres, milliseconds, degrees."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from itertools import pairwise
from operator import itemgetter
from statistics import fmean, median
from typing import Any, NamedTuple

from healthbox.domain import ground

Route = Sequence[Sequence[Any]]  # [ms, latitude, longitude, altitude or None, speed or None]
Series = Mapping[str, Sequence[Sequence[float]]]
MOST_POINTS = 500
MOST_SPLITS = 250
PAUSE = 30_000
_AT = itemgetter(0)


class Split(NamedTuple):
    """``metres`` is a whole step but for the last; pulse and climb are None where nobody measured."""

    metres: float
    start: int
    end: int
    pulse: float | None
    climb: float | None


def ordered(route: Route) -> list[Sequence[Any]]:
    return sorted(route, key=lambda point: point[0])


def pauses(route: Route) -> int:
    """The time without a point (ms) from which on a route is interrupted: far longer than its own habit."""
    apart = [b[0] - a[0] for a, b in pairwise(route)]
    return max(PAUSE, 8 * int(median(apart))) if apart else PAUSE


def line(route: Route) -> list[tuple[float, float] | None]:
    """(latitude, longitude) of at most about ``MOST_POINTS`` points, None where the recording paused."""
    pause, step = pauses(route), max(1, math.ceil(len(route) / MOST_POINTS))
    points: list[tuple[float, float] | None] = []
    for index, point in enumerate(route):
        broken = index > 0 and point[0] - route[index - 1][0] > pause
        if broken:
            before = route[index - 1]
            points += [(before[1], before[2]), None]
        if broken or index % step == 0 or index == len(route) - 1:
            points.append((point[1], point[2]))
    return points


def travelled(series: Series, route: Route) -> list[tuple[int, float]]:
    """(instant, metres so far): from the distances the device states, else along the route, pauses not bridged."""
    stated = sorted((int(at), metres) for at, metres in series.get("distance", ()))
    so_far, made = 0.0, list[tuple[int, float]]()
    if len(stated) > 1:
        for at, metres in stated:
            so_far += metres
            made.append((at, so_far))
        return made
    pause = pauses(route)
    for index, point in enumerate(route):
        if index and point[0] - route[index - 1][0] <= pause:
            so_far += apart(route[index - 1], point)
        made.append((int(point[0]), so_far))
    return made


def apart(a: Sequence[Any], b: Sequence[Any]) -> float:
    """Metres between two points of a route."""
    return ground.apart(a[1], a[2], b[1], b[2])


def splits(way: Sequence[tuple[int, float]], step: float, series: Series, route: Route, start: int) -> list[Split]:
    """Every ``step`` metres, and the rest when it is more than a twentieth of a step. Nothing below one whole step, nor when there
    would be more than ``MOST_SPLITS``. The route is in time order."""
    if len(way) < 2 or not step <= way[-1][1] < step * (MOST_SPLITS + 1):
        return []
    totals = [metres for _, metres in way]
    whole = int(totals[-1] / step)
    marks = [step * (index + 1) for index in range(whole)]
    if totals[-1] - step * whole > step / 20:
        marks.append(totals[-1])
    if len(marks) > MOST_SPLITS:
        return []
    beats, found, begun, done = sorted(series.get("heart_rate", ()), key=_AT), list[Split](), start, 0.0
    for mark in marks:
        end = _when(way, totals, mark, start)
        pulse = beats[bisect_left(beats, begun, key=_AT) : bisect_left(beats, end, key=_AT)]
        climb = route[bisect_left(route, begun, key=_AT) : bisect_right(route, end, key=_AT)]
        found.append(Split(mark - done, begun, end, fmean(beat[1] for beat in pulse) if pulse else None, _climb(climb)))
        begun, done = end, mark
    return found


def _when(way: Sequence[tuple[int, float]], totals: Sequence[float], mark: float, start: int) -> int:
    index = min(bisect_left(totals, mark - 1e-6), len(way) - 1)
    at, reached = way[index]
    before_at, before = way[index - 1] if index else (start, 0.0)
    share = (mark - before) / (reached - before) if reached > before else 1.0
    return round(before_at + (at - before_at) * min(1.0, max(0.0, share)))


def _climb(route: Route) -> float | None:
    heights = [point[3] for point in route if point[3] is not None]
    return ground.climbed(heights)[0] if len(heights) > 1 else None
