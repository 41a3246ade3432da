"""The workouts of the synthetic year: about two a week, each with its pulse, some with their route."""

import math
from collections.abc import Callable
from random import Random
from typing import Any

import msgspec

MINUTE = 60_000
KINDS = ("Running", "Running", "Cycling", "FunctionalStrengthTraining", "Yoga", "Hiking")
_OUTDOORS = {"Running": 10.2, "Cycling": 23.0, "Hiking": 4.6}  # km/h
_EFFORT = {"Running": 88, "Cycling": 72, "FunctionalStrengthTraining": 52, "Yoga": 24, "Hiking": 48}  # beats above rest
_START = (52.5145, 13.3501)  # a park
_METRES_OF_A_DEGREE = 111_320


class Effort(msgspec.Struct, frozen=True):
    """Instants in ms, ``speed`` in km/h (0 indoors), ``pulse`` what the heart settles at, ``energy`` in kcal a minute."""

    kind: str
    start: int
    end: int
    speed: float
    pulse: float
    energy: float
    mapped: bool

    def pulse_at(self, ms: int, rng: Random) -> int:
        warm = min((ms - self.start) / (8 * MINUTE), 1.0)
        return round(self.pulse * (0.72 + 0.28 * warm) + rng.gauss(0, 3))


def effort(rng: Random, start: int, rest: float, weekend: bool, fitness: float) -> Effort:
    """``fitness`` rises from 0 to 1 over the year."""
    kind = rng.choice(KINDS)
    minutes = rng.randrange(28, 62) + (rng.randrange(20, 60) if weekend and kind in ("Cycling", "Hiking") else 0)
    speed = _OUTDOORS.get(kind, 0.0) * rng.uniform(0.93, 1.05) * (1 + 0.06 * fitness)
    pulse = rest + _EFFORT[kind] * rng.uniform(0.9, 1.08)
    mapped = kind in _OUTDOORS and rng.random() < 0.3
    return Effort(kind, start, start + minutes * MINUTE, speed, pulse, (pulse - rest) * 0.105, mapped)


def wire(rng: Random, work: Effort, uuid: str, source: dict[str, str], text: Callable[[int], str]) -> dict[str, Any]:
    """The workout as the native sync sends it; ``text`` writes an instant."""
    beats = [(at, work.pulse_at(at, rng)) for at in range(work.start, work.end, 20_000)]
    minutes = (work.end - work.start) / MINUTE
    totals: dict[str, Any] = {
        "energy": {"value": round(work.energy * minutes, 1), "unit": "kcal"},
        "heart_rate_avg": {"value": round(sum(beat for _, beat in beats) / len(beats), 1), "unit": "count/min"},
        "heart_rate_max": {"value": max(beat for _, beat in beats), "unit": "count/min"},
    }
    if work.speed:
        totals["distance"] = {"value": round(work.speed * minutes / 60, 3), "unit": "km"}
    made: dict[str, Any] = {
        "uuid": uuid,
        "activity": f"HKWorkoutActivityType{work.kind}",
        "start": text(work.start),
        "end": text(work.end),
        "source": source,
        "totals": totals,
        "series": {"heart_rate": {"unit": "count/min", "points": [[text(at), beat] for at, beat in beats]}},
    }
    if work.mapped:
        made["route"] = _route(rng, work, text)
    return made


def _route(rng: Random, work: Effort, text: Callable[[int], str]) -> list[dict[str, Any]]:
    """A loop of the right length, uneven as streets are."""
    metres = work.speed / 3.6 * (work.end - work.start) / 1000
    radius = metres / (2 * math.pi)
    bend, turn = rng.uniform(0.1, 0.3), rng.uniform(0, 2 * math.pi)
    points = []
    for at in range(work.start, work.end + 1, 10_000):
        angle = 2 * math.pi * (at - work.start) / (work.end - work.start)
        reach = radius * (1 + bend * math.sin(3 * angle))
        north = reach * math.cos(angle + turn) - radius * math.cos(turn)
        east = reach * math.sin(angle + turn) - radius * math.sin(turn)
        latitude = _START[0] + north / _METRES_OF_A_DEGREE
        longitude = _START[1] + east / (_METRES_OF_A_DEGREE * math.cos(math.radians(_START[0])))
        points.append(
            {
                "time": text(at),
                "latitude": round(latitude, 6),
                "longitude": round(longitude, 6),
                "altitude": round(38 + 9 * math.sin(2 * angle), 1),
                "speed": round(work.speed / 3.6 * rng.uniform(0.9, 1.1), 2),
            }
        )
    return points
