"""A synthetic year of a person who does not exist, as a phone would send it: pure, and the same for the same end, zone and seed.

In it: an illness of ten nights, a week in Tokyo, a week in which nothing was recorded, days without the watch, and a resting
pulse a little above its usual in the last three nights.
"""

import datetime as dt
import math
from collections.abc import Iterator
from itertools import islice
from random import Random
from typing import Any

import msgspec

from healthbox.analytics.baseline import usual
from healthbox.cli.demo_days import Day, Teller, Wire
from healthbox.cli.demo_nights import ILLNESS, MINUTE, Span, Vitals, night, vitals
from healthbox.cli.demo_stated import Statements
from healthbox.cli.demo_workouts import Effort, effort
from healthbox.domain.clock import ZoneHistory, zone_of

ABROAD = "Asia/Tokyo"
SICK, TRIP, GAP = 165, 80, 120  # days before the last one on which each begins
TRIP_DAYS, GAP_DAYS, ODD_NIGHTS = 7, 6, 3
PER_CHUNK = 2_000
HOUR = 60 * MINUTE
DAY = dt.timedelta(days=1)


class Year(msgspec.Struct, frozen=True):
    """``zones``: (since ms, IANA zone), the first since 0. ``bodies`` are those of the native sync, one a chunk; ``stated`` are
    (sent at, body) of a second app that states whole days."""

    zones: list[tuple[int, str]]
    bodies: list[bytes]
    records: int
    stated: list[tuple[int, bytes]]


def make(now: int, home: str, *, days: int = 365, seed: int = 7) -> Year:
    """The year that ends ``now`` (ms) for somebody who lives in the zone ``home``."""
    rng = Random(f"{seed} {days}")  # noqa: S311 - an invented life
    today = dt.datetime.fromtimestamp(now / 1000, zone_of(home)).date()
    zones = _zones(today, home, days)
    teller, statements = Teller(rng), Statements(today)
    plan = _plan(rng, today, ZoneHistory(zones), days)
    wires = (one for at, day in enumerate(plan) for one in statements.heard(day, list(teller.tell(day, at / days))) if one[0] <= now)
    bodies: list[bytes] = []
    records = 0
    part = list(islice(wires, PER_CHUNK))
    while part:
        after = list(islice(wires, PER_CHUNK))
        bodies.append(_body(f"demo-{today}", len(bodies), part, final=not after))
        records += len(part)
        part = after
    return Year(zones, bodies, records, statements.bodies(now))


def _body(batch: str, index: int, wires: list[Wire], *, final: bool) -> bytes:
    lists: dict[str, list[dict[str, Any]]] = {"samples": [], "workouts": []}
    for _, name, record in wires:
        lists[name].append(record)
    return msgspec.json.encode({"batch": batch, "index": index, "final": final, "metric": "*", **lists})


def _zones(today: dt.date, home: str, days: int) -> list[tuple[int, str]]:
    """Abroad from the midnight on which the trip begins until, there, the one on which it ends."""
    if days <= TRIP or home == ABROAD:
        return [(0, home)]
    first = today - TRIP * DAY
    return [(0, home), (_at(first, 0, home), ABROAD), (_at(first + TRIP_DAYS * DAY, 0, ABROAD), home)]


def _at(date: dt.date, hours: float, zone: str) -> int:
    """The instant of a wall-clock time, in ms."""
    midnight = dt.datetime.combine(date, dt.time(), zone_of(zone))
    return int((midnight + dt.timedelta(minutes=round(hours * 60))).timestamp()) * 1000


class _Fate(msgspec.Struct):
    """What the days have in store, by place."""

    ill: list[float]
    away: range
    gap: range
    bare: set[int]  # the watch stayed in the drawer


def _fate(rng: Random, last: int) -> _Fate:
    """``last`` is today's place; there is one day more, for the night that has begun."""
    strength = rng.uniform(0.9, 1.1)
    ill = [0.0] * (last + 2)
    for at, share in enumerate(ILLNESS, last - SICK):
        if at >= 0:
            ill[at] = share * strength
    bare = {at for at in range(last - 5) if rng.random() < 0.035}
    return _Fate(ill, range(last - TRIP, last - TRIP + TRIP_DAYS), range(last - GAP, last - GAP + GAP_DAYS), bare)


def _plan(rng: Random, today: dt.date, zones: ZoneHistory, days: int) -> Iterator[Day]:
    dates = [today - (days - 1 - at) * DAY for at in range(days + 1)]
    fate = _fate(rng, days - 1)
    felt = vitals(rng, dates, fate.ill, fate.away)
    pulses = _pulses(dates[:days], felt, fate)
    nights = [_night(rng, date, zones, fate.ill[at]) for at, date in enumerate(dates)]
    weight = 82.4
    for at, date in enumerate(dates[:days]):
        weight += rng.gauss(-0.008, 0.12) + 0.05 * (81.0 - 3.0 * at / days - weight)
        if at in fate.gap:
            continue
        start, end = zones.bounds(date)
        worn = at not in fate.bare
        zone = zones.zone_at(start)
        yield Day(
            date=date, start=start, end=end, zone=zone, vitals=felt[at], ill=fate.ill[at], away=at in fate.away, worn=worn,
            ring=rng.random() < 0.55, pulse=pulses[at], night=nights[at], next_night=nights[at + 1], weight=weight,
            works=_works(rng, date, zone, felt[at], at / days) if worn and fate.ill[at] < 0.2 else [],
        )  # fmt: skip


def _pulses(dates: list[dt.date], felt: list[Vitals], fate: _Fate) -> list[int]:
    """Resting pulses in whole beats; the last nights lie just outside what is usual by then."""
    pulses = [round(one.pulse) for one in felt[: len(dates)]]
    for place in range(max(len(dates) - ODD_NIGHTS, 0), len(dates)):
        known = [(dates[at], float(pulses[at])) for at in range(len(dates) - ODD_NIGHTS) if at not in fate.bare and at not in fate.gap]
        own = usual("resting_heart_rate", known, dates[place])
        if own.centre is not None and own.scale is not None:
            pulses[place] = math.ceil(own.centre + 3.1 * own.scale)
    return pulses


def _night(rng: Random, date: dt.date, zones: ZoneHistory, ill: float) -> list[Span]:
    """The night that ends on this date; none in the air."""
    start, end = zones.bounds(date)
    zone = zones.zone_at(start)
    weekend = date.weekday() >= 5
    wake = _at(date, 6.7 + (0.8 if weekend else 0.0) + rng.gauss(0, 0.35), zone)
    spans = night(rng, wake // MINUTE * MINUTE, rng.gauss(428 + (25 if weekend else 0) + 45 * ill, 32))
    return spans if start <= wake < end and zones.zone_at(spans[0].start) == zone else []


def _works(rng: Random, date: dt.date, zone: str, felt: Vitals, fitness: float) -> list[Effort]:
    if rng.random() >= (0.5 if date.weekday() in (1, 3, 5) else 0.2):
        return []
    weekend = date.weekday() >= 5
    start = _at(date, rng.uniform(9.5, 11) if weekend else rng.uniform(17, 18.5), zone)
    return [effort(rng, start // (10 * MINUTE) * 10 * MINUTE, felt.pulse, weekend, fitness)]
