"""The points that a device recorded, and the workout they make.

What the file states (totals, start, end) counts; what it does not state and its points show (distance, climb, mean pulse) is
worked out here. Points stay in the workout and never become samples, so no day's sum ever counts them.
"""

import datetime as dt
import math
from itertools import pairwise
from statistics import fmean
from typing import Any, NamedTuple

import msgspec

from healthbox.domain.ground import apart, climbed
from healthbox.domain.records import SourceRef, Workout
from healthbox.formats.contract import Envelope
from healthbox.formats.thinned import Thinned
from healthbox.formats.totals import Totals
from healthbox.formats.wire import Unreadable

DAY_MS = 86_400_000
LONGEST_MS = 14 * DAY_MS
_BESIDE_MS = 60_000  # so far outside of the stated time a point still belongs to it
_RATES = ("heart_rate", "cadence", "step_cadence", "power")


class Point(NamedTuple):
    """``at`` in ms; degrees, metres, metres per second, beats and turns a minute, watts; ``far``: metres since the start;
    ``part``: points of different parts are not joined. What was not measured is None."""

    at: int
    latitude: float | None = None
    longitude: float | None = None
    altitude: float | None = None
    speed: float | None = None
    heart_rate: float | None = None
    cadence: float | None = None
    step_cadence: float | None = None
    power: float | None = None
    far: float | None = None
    part: int = 0


class Recording(Thinned[Point]):
    """Points in the file's order. ``untimed``: how many had no time that can be read."""

    def __init__(self) -> None:
        super().__init__()
        self.untimed = 0

    def place(self, point: Point | None) -> None:
        """Add a point; None stands for one without a time."""
        if point is None:
            self.untimed += 1
            return
        if not on_earth(point.latitude, point.longitude):
            point = point._replace(latitude=None, longitude=None)
        self.add(point)

    def within(self, start: int | None, end: int | None) -> list[Point]:
        """The points of a stated time, in order of time."""
        low = -math.inf if start is None else start - _BESIDE_MS
        high = math.inf if end is None else end + _BESIDE_MS
        return sorted((point for point in self.rows if low <= point.at <= high), key=lambda point: point.at)


class Stated(msgspec.Struct, frozen=True):
    """What a file says of a workout besides its points. ``strides``: its cadence counts one foot, steps are twice as many.
    ``computed``: its totals come of the points alone, so whatever states them knows better."""

    activity: str
    source: SourceRef
    totals: Totals
    start: int | None = None
    end: int | None = None
    laps: list[dict[str, Any]] = []
    zone: str | None = None
    metadata: dict[str, Any] = {}
    strides: bool = False
    computed: bool = False


def workout(position: str, stated: Stated, recording: Recording, envelope: Envelope) -> Workout:
    """Raises ``Unreadable`` for what was never recorded: a planned route, no points, a clock that is wrong.

    ``as_of`` is when it was recorded, so what another client says of the same workout later wins, in any order of arrival."""
    points = recording.within(stated.start, stated.end)
    if not points and (stated.start is None or stated.end is None):
        if recording.untimed:
            raise Unreadable("no_times", "its points have no times: a planned route, not a recorded workout")
        raise Unreadable("no_points", "it holds no points")
    start = points[0].at if stated.start is None else stated.start
    end = points[-1].at if stated.end is None else stated.end
    if end < start:
        raise Unreadable("end_before_start", "the workout ends before it starts")
    if end > envelope.accepted_at + DAY_MS:
        raise Unreadable("in_the_future", "its times lie in the future: the clock of the device was wrong")
    if end - start > LONGEST_MS:
        raise Unreadable("too_long", "its times lie more than two weeks apart: the clock of the device was wrong")
    if stated.strides:
        points = [point if point.cadence is None else point._replace(cadence=None, step_cadence=2 * point.cadence) for point in points]
    totals = stated.totals
    _work_out(totals.found, points)
    return Workout(
        position=position,
        activity=stated.activity,
        start=start,
        end=end,
        source=stated.source,
        zone=stated.zone,
        totals=totals.found,
        series=_series(points),
        route=route(points),
        laps=stated.laps,
        as_of=start if stated.computed else end,
        metadata={**stated.metadata, **totals.kept} or None,
    )


def route(points: list[Point]) -> list[list[float | None]]:
    """As in ``Workout``."""
    return [[point.at, point.latitude, point.longitude, point.altitude, point.speed] for point in points if point.latitude is not None]


def on_earth(latitude: float | None, longitude: float | None) -> bool:
    return latitude is not None and longitude is not None and abs(latitude) <= 90 and abs(longitude) <= 180


def offset(seconds: float) -> str | None:
    """What a local clock shows beyond UTC, as a zone; None where no zone is so far off."""
    quarters = round(seconds / 900)
    if abs(quarters) > 56 or abs(seconds - quarters * 900) > 60:
        return None
    hours, minutes = divmod(abs(quarters) * 15, 60)
    return f"{'-' if quarters < 0 else '+'}{hours:02d}:{minutes:02d}"


def fit_ms(seconds: float) -> int:
    """The instant of seconds since the end of 1989, which FIT counts from."""
    return round(seconds * 1000) + _FIT_EPOCH


_FIT_EPOCH = int(dt.datetime(1989, 12, 31, tzinfo=dt.UTC).timestamp() * 1000)


def _series(points: list[Point]) -> dict[str, list[list[float]]]:
    """Every rate; distance as metres since the point before; speed and altitude where no route holds them."""
    made: dict[str, list[list[float]]] = {}
    names = (*_RATES, *(() if any(point.latitude is not None for point in points) else ("speed", "altitude")))
    for name in names:
        found = [[point.at, value] for point in points if (value := getattr(point, name)) is not None]
        if found:
            made[name] = found
    steps: list[list[float]] = []
    before: float | None = None
    for point in points:
        if point.far is not None and (before is None or point.far > before):
            steps += [[point.at, round(point.far - before, 3)]] if before is not None else []
            before = point.far
    return {**made, "distance": steps} if steps else made


def _work_out(totals: dict[str, float], points: list[Point]) -> None:
    pulse = [point.heart_rate for point in points if point.heart_rate is not None]
    power = [point.power for point in points if point.power is not None]
    heights = [point.altitude for point in points if point.altitude is not None]
    reached = [point.far for point in points if point.far is not None]
    far = max(reached) - min(reached) if reached else _along(points)
    if far:
        totals.setdefault("distance", round(far, 2))
    if pulse:
        totals.setdefault("heart_rate_avg", round(fmean(pulse), 1))
        totals.setdefault("heart_rate_min", min(pulse))
        totals.setdefault("heart_rate_max", max(pulse))
    if power:
        totals.setdefault("power_avg", round(fmean(power), 1))
    if len(heights) > 1 and "elevation_up" not in totals and "elevation_down" not in totals:
        up, down = climbed(heights)
        totals |= {"elevation_up": round(up, 1), "elevation_down": round(down, 1)}


def _along(points: list[Point]) -> float:
    placed = [point for point in points if point.latitude is not None]
    return math.fsum(
        apart(a.latitude or 0.0, a.longitude or 0.0, b.latitude or 0.0, b.longitude or 0.0) for a, b in pairwise(placed) if a.part == b.part
    )
