"""The rhythm of somebody's nights, in numbers: usual bed and wake times, regularity, drift, debt and naps. Pure.

Clock times are minutes since the noon before the wake-up date, on the wall clock of the night's own zone: 23:41 is 701.
"""

import datetime as dt
from collections.abc import Callable, Collection, Mapping, Sequence
from statistics import median
from typing import Any, NamedTuple

from healthbox.analytics import baseline, regularity
from healthbox.analytics.baseline import Baseline
from healthbox.store.night_reading import Slept

Local = Callable[[int, str], dt.datetime]  # (instant, the night's zone) → wall clock
CLOCK_FLOOR = 15.0  # min: nobody's bedtime is exact to less
STAGE_FLOOR = 8.0  # min: a watch's own noise
SRI_DAYS, SRI_MINUTES = 28, 5
DEBT_DAYS = 14
DRIFT_DAYS, DRIFT_LEAST = 28, 14
DAY = dt.timedelta(days=1)


class Times(NamedTuple):
    """A night, or the median of several, on the clock; ``asleep`` in minutes; ``nights`` of ``days`` were recorded."""

    first: dt.date
    last: dt.date
    bed: float | None
    wake: float | None
    asleep: float | None
    nights: int


class Debt(NamedTuple):
    minutes: float  # short of one's own usual, below zero when over it
    nights: int


def minute(moment: dt.datetime, date: dt.date) -> float:
    """Of thousands of nights: plain numbers, no intermediate dates."""
    days = moment.toordinal() - date.toordinal()
    return days * 1440 + 720 + moment.hour * 60 + moment.minute + moment.second / 60


def is_night(one: Slept) -> bool:
    """Whether sleep was measured: time in bed alone, or naps alone, are no night to compare."""
    return one.asleep is not None and not one.estimated


def clock_values(nights: Sequence[Slept], local: Local) -> tuple[list[tuple[dt.date, float]], list[tuple[dt.date, float]]]:
    """When somebody fell asleep and woke, by date."""
    beds, wakes = [], []
    for one in nights:
        if is_night(one) and one.start is not None and one.end is not None:
            beds.append((one.date, minute(local(one.start, one.zone), one.date)))
            wakes.append((one.date, minute(local(one.end, one.zone), one.date)))
    return beds, wakes


def usual_clock(values: Sequence[tuple[dt.date, float]], on: dt.date) -> Baseline:
    return baseline.baseline(values, on, floor=CLOCK_FLOOR)


def usual_asleep(nights: Sequence[Slept], on: dt.date, source: str, flagged: Collection[dt.date] = ()) -> Baseline:
    """Of one source: two watches are two usuals."""
    values = [(n.date, n.asleep) for n in nights if is_night(n) and n.name == source and n.asleep is not None]
    return baseline.usual("asleep", values, on, without=flagged)


def usual_stage(nights: Sequence[Slept], stage: str, on: dt.date, source: str) -> Baseline:
    """``stage`` is core, deep, rem or awake; minutes, never below zero."""
    values = [(n.date, v) for n in nights if is_night(n) and n.name == source and (v := getattr(n, stage)) is not None]
    return baseline.baseline(values, on, floor=STAGE_FLOOR, signed=False)


def place(value: float, usual: Baseline) -> str:
    """below, short (the lowest quarter of the usual), usual, long, above; learning while there is no usual yet."""
    if usual.low is None or usual.high is None:
        return "learning"
    if not usual.low <= value <= usual.high:
        return "below" if value < usual.low else "above"
    share = (value - usual.low) / ((usual.high - usual.low) or 1)
    return "short" if share < 0.25 else "long" if share > 0.75 else "usual"


def drift(values: Sequence[tuple[dt.date, float]], on: dt.date) -> float | None:
    """How far the median of the last 28 dates lies from that of the 28 before, each with 14 values at least."""
    new = [v for date, v in values if on - DRIFT_DAYS * DAY < date <= on]
    old = [v for date, v in values if on - 2 * DRIFT_DAYS * DAY < date <= on - DRIFT_DAYS * DAY]
    return median(new) - median(old) if min(len(new), len(old)) >= DRIFT_LEAST else None


def sleep_regularity(nights: Mapping[dt.date, Mapping[str, Any]], on: dt.date, noon: int) -> float | None:
    """The SRI of the 28 days up to ``on``, naps included; ``noon`` is the instant (ms) of the noon before the first of them.

    Days are 24 h elapsed, so a clock change costs its one hour in one of the 27 pairs.
    """
    spans: list[tuple[int, int]] = []
    for date, night in nights.items():
        if not on - SRI_DAYS * DAY < date <= on or night["estimated"]:
            continue
        slept = [(a, b) for a, b, stage in night["spans"] if stage not in ("awake", "in_bed")]
        if not slept and night["asleep"] is not None and night["start"] is not None:
            slept = [(night["start"], night["end"])]
        spans += slept + [(a, b) for a, b, _ in night["naps"]]
    return regularity.sri(regularity.epochs(spans, noon, SRI_DAYS, SRI_MINUTES))


def debt(nights: Sequence[Slept], on: dt.date, usual: Baseline) -> Debt | None:
    """How much the last 14 nights fell short of one's own usual; nights without data count neither way."""
    slept = [n.asleep for n in nights if is_night(n) and on - DEBT_DAYS * DAY < n.date <= on and n.asleep is not None]
    return Debt(sum(usual.centre - minutes for minutes in slept), len(slept)) if slept and usual.centre is not None else None


def naps(nights: Sequence[Slept], on: dt.date, days: int = DEBT_DAYS) -> tuple[int, float] | None:
    """(how many, minutes) in the last 14 days; None when nothing at all was recorded, so that nobody can know."""
    near = [n for n in nights if on - days * DAY < n.date <= on]
    found = [nap for n in near for nap in n.naps]
    return (len(found), sum(nap[2] for nap in found)) if near else None


def each(nights: Sequence[Slept], first: dt.date, last: dt.date, local: Local) -> list[Times]:
    """One row a date, empty where there is no night."""
    return _over([(date, date) for date in (first + DAY * index for index in range((last - first).days + 1))], nights, local)


def grouped(nights: Sequence[Slept], first: dt.date, last: dt.date, local: Local, *, by: str) -> list[Times]:
    """Medians by week (of seven dates that end with the last) or by calendar month; ``nights`` ascending."""
    stretches, end = list[tuple[dt.date, dt.date]](), last
    while end >= first:
        start = max(first, end.replace(day=1) if by == "month" else end - 6 * DAY)
        stretches.append((start, end))
        end = start - DAY
    return _over(stretches[::-1], nights, local)


def _over(stretches: Sequence[tuple[dt.date, dt.date]], nights: Sequence[Slept], local: Local) -> list[Times]:
    """The median of each stretch; one walk over the nights, of which there may be thousands."""
    known = [night for night in nights if is_night(night)]
    found, at = list[Times](), 0
    for first, last in stretches:
        while at < len(known) and known[at].date < first:
            at += 1
        begin = at
        while at < len(known) and known[at].date <= last:
            at += 1
        inside = known[begin:at]
        timed = [(n.date, n.zone, n.start, n.end) for n in inside if n.start is not None and n.end is not None]
        beds = [minute(local(start, zone), date) for date, zone, start, _ in timed]
        wakes = [minute(local(end, zone), date) for date, zone, _, end in timed]
        asleep = [night.asleep for night in inside if night.asleep is not None]
        bed, wake, middle = (median(values) if values else None for values in (beds, wakes, asleep))
        found.append(Times(first, last, bed, wake, middle, len(inside)))
    return found
