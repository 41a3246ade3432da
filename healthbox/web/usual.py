"""Now against one's own usual: which readings stand on Today, where each lies, what has moved over four weeks.

Pure: day rows in, judgements out; no words but names, no requests. Night readings are judged against ``analytics.baseline``
(median ± 2 scales of the last 42 valid nights); movement against the 10th to 90th percentile of days of the same kind, working
days or weekends, of the last eight weeks.
"""

import datetime as dt
from bisect import bisect_left
from collections.abc import Collection, Iterable, Mapping, Sequence
from statistics import median
from typing import Literal
from zoneinfo import ZoneInfo

import msgspec

from healthbox.analytics.baseline import LOGARITHMIC, Baseline, baseline, floor, signed
from healthbox.domain.catalogue import Metric
from healthbox.domain.clock import known_zone
from healthbox.pipeline.analyse import Evidence
from healthbox.store.findings import FindingRow
from healthbox.store.pages_reading import NightPoint, Point
from healthbox.web.rhythm import STAGE_FLOOR

DAY = dt.timedelta(days=1)
WINDOW = 91  # days that a page reads: two baseline windows and the week of the ribbon
LONGEST_RUN = 14
MOST = 46  # days that a baseline takes, those too new for it and the day itself
MONTH = 28
WEEKS = 8
LEAST_DAYS = 5  # of the same kind, before movement has a usual

State = Literal["usual", "above", "below", "learning", "none"]
DEVIATION = "deviation"  # the rule whose days make no usual
Flagged = Mapping[str, Collection[dt.date]]


class Reading(msgspec.Struct, frozen=True):
    """A row of Today. ``said`` is its name inside a sentence; ``more`` and ``less`` the words of a change."""

    key: str
    name: str
    said: str
    hue: str = "heart"
    more: str = "higher"
    less: str = "lower"
    metric: Metric | None = None  # for what nights hold; else the catalogue's of the same key
    noise: float | None = None  # the smallest scale, where ``baseline.floor`` has none


def _minutes(key: str) -> Metric:
    return Metric(key=key, label=key, category="sleep", unit="min", display_unit="min")


NIGHTLY = (
    Reading("resting_heart_rate", "Resting pulse", "resting pulse"),
    Reading("hrv_sdnn", "Variability (HRV)", "heart rate variability"),
    Reading("hrv_rmssd", "Variability (RMSSD)", "heart rate variability"),
    Reading("respiratory_rate", "Breathing", "breathing rate"),
    Reading("wrist_temperature", "Wrist temperature", "wrist temperature", "body"),
    Reading("skin_temperature_delta", "Skin temperature", "skin temperature", "body"),
    Reading("oxygen_saturation", "Blood oxygen", "blood oxygen"),
    Reading("asleep", "Time asleep", "time asleep", "sleep", "longer", "shorter", _minutes("asleep")),
    Reading("awake", "Awake at night", "time awake at night", "sleep", "longer", "shorter", _minutes("awake"), noise=STAGE_FLOOR),
)
MOVEMENT = (
    Reading("steps", "Steps", "step count", "move"),
    Reading("active_energy", "Active energy", "active energy", "move"),
    Reading("exercise_time", "Exercise", "exercise time", "move", "longer", "shorter"),
    Reading("distance_walking_running", "Distance", "walking distance", "move", "longer", "shorter"),
    Reading("flights_climbed", "Stairs", "stairs climbed", "move"),
)
BODY = (
    Reading("weight", "Weight", "weight", "body"),
    Reading("body_fat", "Body fat", "body fat", "body"),
    Reading("vo2_max", "Cardio fitness", "cardio fitness", "heart"),
)
BEDTIME = Reading("bedtime", "Bedtime", "bedtime", "sleep", "later", "earlier", _minutes("bedtime"), noise=10.0)
STORED = frozenset(r.key for r in (*NIGHTLY, *MOVEMENT, *BODY) if r.metric is None)


class Judged(msgspec.Struct, frozen=True):
    """A reading on a day. ``mornings`` counts the days in a row, up to this one, that lie outside on the same side."""

    reading: Reading
    value: float | None
    usual: Baseline
    state: State
    mornings: int = 0

    @property
    def band(self) -> tuple[float, float] | None:
        """Nothing read at night can be below nothing, however wide the spread."""
        return None if self.usual.low is None or self.usual.high is None else (max(0.0, self.usual.low), self.usual.high)

    @property
    def outside(self) -> bool:
        return self.state in ("above", "below")


class Change(msgspec.Struct, frozen=True):
    """Medians of 28 days and of the 28 before; ``size`` in noise-free units, for the order; ``values`` the 56 days."""

    reading: Reading
    before: float
    after: float
    size: float
    n: int
    values: list[float | None]


def flagged(episodes: Iterable[FindingRow]) -> dict[str, set[dt.date]]:
    """By metric, the days that lie too far out to count for what is usual."""
    found: dict[str, set[dt.date]] = {}
    for row in episodes:
        if row.rule == DEVIATION:
            found.setdefault(row.metric, set()).update(day.date for day in msgspec.json.decode(row.json, type=Evidence).findings)
    return found


def with_nights(rows: dict[str, list[Point]], nights: Sequence[NightPoint], zone: ZoneInfo) -> dict[str, list[Point]]:
    """The day rows and, under keys of their own, what nights hold: asleep, awake, bedtime (minutes since the noon before)."""
    found = dict(rows)
    found["asleep"] = asleep(nights)
    found["awake"] = [_point(n, n.awake) for n in nights if n.awake is not None and n.asleep is not None]
    found["bedtime"] = [_point(n, since_noon(n.start, n, zone)) for n in nights if n.start is not None and n.asleep is not None]
    return found


def asleep(nights: Sequence[NightPoint]) -> list[Point]:
    """Minutes asleep with who measured them: two watches are two usuals, here as on the page of the night."""
    return [_point(n, n.asleep) for n in nights if n.asleep is not None]


def since_noon(instant: int, night: NightPoint, zone: ZoneInfo) -> float:
    """Minutes on the wall clock of the place where the night was slept, counted from noon of the evening."""
    local = dt.datetime.fromtimestamp(instant / 1000, zone_of(night, zone))
    return (local.date() - night.date).days * 1440 + local.hour * 60 + local.minute + 720.0


def zone_of(night: NightPoint, zone: ZoneInfo) -> dt.tzinfo:
    return known_zone(night.zone) or zone


def on_day(rows: Sequence[Point], date: dt.date) -> Point | None:
    return next((row for row in reversed(rows) if row.date == date), None)


def filled(rows: Sequence[Point], until: dt.date, days: int) -> list[float | None]:
    """The values of ``days`` days up to and with ``until``, None where there is none."""
    held = {row.date: row.value for row in rows}
    return [held.get(until - DAY * back) for back in range(days - 1, -1, -1)]


class Course:
    """The days of a night reading, ascending, to be asked where many of them lie; only values of a day's own source make its usual.

    ``out`` are days that an episode has flagged."""

    def __init__(self, reading: Reading, rows: Sequence[Point], out: Collection[dt.date] = ()) -> None:
        self.reading, self._rows, self._out = reading, rows, out
        self._of_date = {row.date: row for row in rows}
        self._of_source: dict[str, list[tuple[dt.date, float]]] = {}
        for row in rows:
            self._of_source.setdefault(row.source, []).append((row.date, row.value))
        self._least = {source: self._noise(values) for source, values in self._of_source.items()}
        self._placed: dict[dt.date, tuple[Point | None, Baseline, State]] = {}

    def judge(self, on: dt.date) -> Judged:
        now, usual, state = self.place(on)
        mornings = 0
        if state in ("above", "below"):
            mornings = 1
            while mornings < LONGEST_RUN and self.place(on - DAY * mornings)[2] == state:
                mornings += 1
        return Judged(self.reading, now.value if now else None, usual, state, mornings)

    def place(self, on: dt.date) -> tuple[Point | None, Baseline, State]:
        found = self._placed.get(on)
        if found is None:
            found = self._placed[on] = self._place(on)
        return found

    def _place(self, on: dt.date) -> tuple[Point | None, Baseline, State]:
        now, key = self._of_date.get(on), self.reading.key
        newest = now or next((row for row in reversed(self._rows) if row.date <= on), None)
        values, least = (self._of_source[newest.source], self._least[newest.source]) if newest else ([], 0.0)
        if key not in LOGARITHMIC:  # those leave out what is not positive, however much that is
            until = bisect_left(values, (on + DAY,))
            values = values[max(0, until - MOST - len(self._out)) : until]
        usual = baseline(values, on, floor=least, log=key in LOGARITHMIC, signed=signed(key), without=self._out)
        return now, usual, _state(now.value if now else None, usual)

    def seen(self, first: dt.date, last: dt.date) -> bool:
        return any(first <= row.date <= last for row in reversed(self._rows))

    def _noise(self, values: list[tuple[dt.date, float]]) -> float:
        return floor(self.reading.key, [value for _, value in values]) if self.reading.noise is None else self.reading.noise


def courses(rows: Mapping[str, Sequence[Point]], flagged: Flagged) -> list[Course]:
    return [Course(reading, rows[reading.key], flagged.get(reading.key, ())) for reading in NIGHTLY if rows.get(reading.key)]


def _state(value: float | None, usual: Baseline) -> State:
    if value is None:
        return "none"
    if usual.low is None or usual.high is None:
        return "learning"
    return "usual" if usual.low <= value <= usual.high else "above" if value > usual.high else "below"


def night_readings(nightly: Sequence[Course], on: dt.date) -> list[Judged]:
    """Every night reading that the person has had in the weeks before; one never seen is not drawn."""
    return [course.judge(on) for course in nightly if course.seen(on - DAY * 42, on)]


def day_state(nightly: Sequence[Course], on: dt.date) -> str:
    """One sign for a whole day: none, learning, usual, or unusual with its side when all that is out lies on one."""
    states = [state for course in nightly if (state := course.place(on)[2]) != "none"]
    out = {state for state in states if state in ("above", "below")}
    if not states:
        return "none"
    if out:
        return "unusual" if len(out) > 1 else out.pop()
    return "learning" if all(state == "learning" for state in states) else "usual"


def movement_usual(rows: Sequence[Point], on: dt.date) -> tuple[float, float] | None:
    """10th to 90th percentile of whole days like this one, working day or weekend; None before there are five of them."""
    like = sorted(row.value for row in rows if on - DAY * 7 * WEEKS <= row.date < on and (row.date.weekday() > 4) == (on.weekday() > 4))
    return (percentile(like, 0.1), percentile(like, 0.9)) if len(like) >= LEAST_DAYS else None


def body_usual(rows: Sequence[Point], on: dt.date) -> tuple[float, float] | None:
    """10th to 90th percentile of the readings of the last 90 days, for what is measured now and then; None under five."""
    held = sorted(row.value for row in rows if on - DAY * 90 <= row.date <= on)
    return (percentile(held, 0.1), percentile(held, 0.9)) if len(held) >= LEAST_DAYS else None


def ranged(band: tuple[float, float] | None, days: int = LEAST_DAYS) -> Baseline:
    """A range of percentiles in the shape of a baseline."""
    if band is None:
        return Baseline(min(days, LEAST_DAYS - 1), None, None, None, None, learning=True, needed=LEAST_DAYS)
    return Baseline(days, (band[0] + band[1]) / 2, None, *band, learning=False)


def percentile(ordered: Sequence[float], share: float) -> float:
    """Linear between neighbours; ``ordered`` ascending and not empty."""
    at = share * (len(ordered) - 1)
    below = int(at)
    return ordered[below] + (at - below) * (ordered[min(below + 1, len(ordered) - 1)] - ordered[below])


def changes(rows: Mapping[str, Sequence[Point]], until: dt.date, movement_until: dt.date, most: int = 3) -> list[Change]:
    """What differs most between the last 28 days and the 28 before; movement ends a day earlier while today is not over."""
    found = []
    for reading in (BEDTIME, *NIGHTLY, *BODY, *MOVEMENT):
        change = _change(reading, rows.get(reading.key, ()), movement_until if reading in MOVEMENT else until)
        if change:
            found.append(change)
    return sorted(found, key=lambda change: -change.size)[:most]


def _change(reading: Reading, rows: Sequence[Point], until: dt.date) -> Change | None:
    """A difference of medians over twice its own standard error, and over the smallest scale that makes sense."""
    values = filled(rows, until, 2 * MONTH)
    old, new = ([v for v in half if v is not None] for half in (values[:MONTH], values[MONTH:]))
    least = 4 if reading in BODY else MONTH // 2
    if min(len(old), len(new)) < least:
        return None
    before, after = median(old), median(new)
    noise = reading.noise if reading.noise is not None else floor(reading.key, [*old, *new])
    if reading.key in LOGARITHMIC:
        noise *= before  # a floor of the logarithm is a share of the value
    if reading in BODY:
        noise /= 6  # weight moves by a kilogram, not by 3 %
    scale = max(1.4826 * median([abs(v - before) for v in old] + [abs(v - after) for v in new]), noise)
    error = 1.2533 * scale * (1 / len(old) + 1 / len(new)) ** 0.5
    size = abs(after - before) / error
    return Change(reading, before, after, size, len(new), values) if size >= 2 and abs(after - before) >= noise else None


def _point(night: NightPoint, value: float) -> Point:
    return Point(night.date, value, None, None, None, 1, source=night.name)
