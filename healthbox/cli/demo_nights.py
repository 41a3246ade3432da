"""The nights of the synthetic year: what the body does while it sleeps, and how a watch and a ring tell it.

Each vital is the person's usual plus its own slow noise (AR(1), 0.45), a part shared by all five, a yearly wave, a late
evening now and then, and an illness: ten nights that rise in three and fade in seven.
"""

import datetime as dt
import math
from collections.abc import Collection, Sequence
from random import Random

import msgspec

MINUTE = 60_000
ILLNESS = (0.3, 0.7, 1.0, 1.0, 1.0, 0.8, 0.6, 0.4, 0.25, 0.1)

# (usual, spread, share of the common factor, full illness, late evening, lowest that makes sense); hrv as a logarithm
_PULSE = (56.0, 1.7, 0.6, 6.0, 2.5, 40.0)
_HRV = (math.log(52), 0.15, -0.6, -0.25, -0.15, math.log(12))
_BREATHS = (14.6, 0.5, 0.3, 1.5, 0.2, 9.0)
_TEMPERATURE = (35.3, 0.15, 0.3, 0.4, 0.08, 33.0)
_OXYGEN = (96.6, 0.5, -0.1, -0.8, -0.2, 85.0)


class Vitals(msgspec.Struct, frozen=True):
    """Of one night: pulse in bpm, hrv (SDNN) in ms, breaths a minute, wrist temperature in °C, oxygen in percent."""

    pulse: float
    hrv: float
    breaths: float
    temperature: float
    oxygen: float


class Span(msgspec.Struct, frozen=True):
    """Instants in ms."""

    start: int
    end: int
    stage: str


def vitals(rng: Random, dates: Sequence[dt.date], ill: Sequence[float], away: Collection[int]) -> list[Vitals]:
    """One a date. ``ill`` is 0 to 1 a date, ``away`` the places of the nights of a trip."""
    noise = [0.0] * 5
    made = []
    for at, date in enumerate(dates):
        shared = rng.gauss(0, 1)
        late = rng.random() < (0.18 if date.weekday() in (5, 6) else 0.04)
        wave = math.sin(2 * math.pi * date.timetuple().tm_yday / 365.25)
        values = []
        for number, (usual, spread, share, illness, evening, least) in enumerate((_PULSE, _HRV, _BREATHS, _TEMPERATURE, _OXYGEN)):
            own = math.sqrt(1 - share * share) * rng.gauss(0, 1)
            noise[number] = 0.45 * noise[number] + math.sqrt(1 - 0.45**2) * spread * (share * shared + own)
            trip = 0.4 * evening if at in away else 0.0
            values.append(max(usual + noise[number] + 0.3 * spread * wave + illness * ill[at] + evening * late + trip, least))
        pulse, hrv, breaths, temperature, oxygen = values
        made.append(Vitals(pulse - 1.5 * at / max(len(dates), 1), math.exp(hrv), breaths, temperature, min(oxygen, 99.5)))
    return made


def night(rng: Random, wake: int, minutes: float) -> list[Span]:
    """The stages that a watch tells of a sleep of about ``minutes`` that ends at ``wake``: cycles of an hour and a half, deep first,
    dreams last, now and then awake; the time in bed around it."""
    lengths: list[tuple[str, float]] = []
    slept, cycle = 0.0, 0
    while slept < minutes - 10:
        deep = max(rng.gauss(34 - 11 * cycle, 5), 0.0)
        dream = max(rng.gauss(8 + 7 * cycle, 4), 3.0)
        parts = [("core", rng.uniform(12, 26)), ("deep", deep), ("core", rng.uniform(14, 30)), ("rem", dream)]
        for stage, length in parts:
            length = min(round(length * 2) / 2, minutes - slept)
            if length >= 1.5:
                lengths.append((stage, length))
                slept += length
        if rng.random() < 0.45 and slept < minutes - 10:
            lengths.append(("awake", rng.choice((1.0, 1.5, 2.0, 3.0, 5.0, 9.0))))
        cycle += 1
    at = wake - int(sum(length for _, length in lengths) * MINUTE)
    spans = [Span(at - rng.randrange(3, 16) * MINUTE, wake + rng.randrange(1, 12) * MINUTE, "in_bed")]
    for stage, length in lengths:
        spans.append(Span(at, at + int(length * MINUTE), stage))
        at = spans[-1].end
    return spans


def retold(rng: Random, spans: Sequence[Span]) -> list[Span]:
    """The same night as a second device sees it: edges a little off, short wakings missed."""
    told: list[Span] = []
    for span in spans:
        if span.stage == "in_bed" or (span.stage == "awake" and span.end - span.start < 3 * MINUTE):
            continue
        start = told[-1].end if told else span.start + rng.randrange(-6, 9) * MINUTE
        end = span.end + rng.randrange(-3, 4) * MINUTE
        if end - start >= 2 * MINUTE:
            told.append(Span(start, end, span.stage))
    return told
