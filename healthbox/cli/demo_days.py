"""The waking hours of the synthetic year: steps that two devices count, the pulse, energy, and what stands on the bathroom shelf."""

import datetime as dt
from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

import msgspec

from healthbox.cli.demo_nights import MINUTE, Span, Vitals, retold
from healthbox.cli.demo_workouts import Effort, wire
from healthbox.domain.clock import zone_of

WATCH = {"name": "Demo’s Apple Watch", "bundle": "com.apple.health.DEMO-WATCH", "product": "Watch7,5"}
PHONE = {"name": "Demo’s iPhone", "bundle": "com.apple.health.DEMO-PHONE", "product": "iPhone16,1"}
RING = {"name": "Oura", "bundle": "com.ouraring.oura"}
SCALE = {"name": "Withings Body Scan"}
CUFF = {"name": "OMRON connect", "bundle": "com.omronhealthcare.connect"}

SLOT = 10 * MINUTE
KM_A_STEP = 0.00074
QUANTITY, CATEGORY = "HKQuantityTypeIdentifier", "HKCategoryTypeIdentifier"
STAGES = {"in_bed": "InBed", "awake": "Awake", "core": "AsleepCore", "deep": "AsleepDeep", "rem": "AsleepREM"}
Wire = tuple[int, str, dict[str, Any]]
"""(end in ms, the list of the sync body it belongs to, the record)."""


class Day(msgspec.Struct, frozen=True, kw_only=True):
    """What is decided about a date before its records are made. Instants in ms; ``zone`` is where the person is."""

    date: dt.date
    start: int
    end: int
    zone: str
    vitals: Vitals
    ill: float = 0.0
    away: bool = False
    worn: bool = True
    ring: bool = False
    pulse: int = 0
    night: Sequence[Span] = ()
    next_night: Sequence[Span] = ()
    works: Sequence[Effort] = ()
    weight: float = 0.0


def text(ms: int) -> str:
    return dt.datetime.fromtimestamp(ms // 1000, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


class Teller:
    """Tells a day the way the phone's health store would hand it out."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng

    def tell(self, day: Day, fitness: float) -> Iterator[Wire]:
        if day.night:
            yield from self._night(day)
        yield from self._waking(day)
        for work in day.works:
            yield from self._work(work)
        yield from self._shelf(day, fitness)

    # -- asleep -------------------------------------------------------------------------------------------------------

    def _night(self, day: Day) -> Iterator[Wire]:
        """Both devices' stages and, by the watch, the vitals of the night."""
        rng, night, vitals = self._rng, day.night, day.vitals
        onset, wake = night[1].start, night[-1].end
        if day.ring:
            yield from self._stages(day, retold(rng, night), RING)
        if not day.worn:
            return
        yield from self._stages(day, night, WATCH)
        for at in range(onset + 5 * MINUTE, wake, 60 * MINUTE):
            yield self._quantity("RespiratoryRate", at, at + 15 * MINUTE, vitals.breaths + rng.gauss(0, 0.4), "count/min", WATCH)
            share = min(vitals.oxygen + rng.gauss(0, 0.7), 100.0) / 100
            yield self._quantity("OxygenSaturation", at, at, round(share, 2), "%", WATCH)
        for at in range(onset + 20 * MINUTE, wake, 100 * MINUTE):
            yield self._quantity("HeartRateVariabilitySDNN", at, at + MINUTE, vitals.hrv * rng.uniform(0.85, 1.18), "ms", WATCH)
        yield self._quantity("AppleSleepingWristTemperature", onset, wake, vitals.temperature, "degC", WATCH)
        yield self._quantity("RestingHeartRate", wake, wake + 10 * MINUTE, day.pulse, "count/min", WATCH)

    def _stages(self, day: Day, spans: Sequence[Span], source: dict[str, str]) -> Iterator[Wire]:
        for span in spans:
            stage = f"HKCategoryValueSleepAnalysis{STAGES[span.stage]}"
            yield self._sample(f"{CATEGORY}SleepAnalysis", span.start, span.end, stage, None, source, zone=day.zone)

    # -- awake --------------------------------------------------------------------------------------------------------

    def _waking(self, day: Day) -> Iterator[Wire]:
        """Ten minutes at a time, by the clock of the place; the phone lies about for two hours now and then."""
        rng = self._rng
        zone = zone_of(day.zone)
        carried = [rng.random() < 0.75 for _ in range(24)]
        charging = rng.choice((20, 21, 22))
        goal = (9600 if day.date.weekday() >= 5 else 8200) * (1 - 0.65 * day.ill) * (1.35 if day.away else 1.0) * rng.uniform(0.7, 1.3)
        for at in range(day.start, day.end, SLOT):
            hour = dt.datetime.fromtimestamp(at / 1000, zone).hour
            worn = day.worn and hour != charging
            asleep = any(spans and spans[0].start <= at < spans[0].end for spans in (day.night, day.next_night))
            work = next((one for one in day.works if one.start <= at < one.end), None)
            steps = 0 if asleep else self._steps(hour, goal, work)
            if worn:
                yield from self._beats(day, at, steps, asleep, work)
            if steps:
                yield from self._moved(at, steps, worn, carried[hour // 2])
            if worn and not asleep and (steps or at % (2 * SLOT) == 0):
                energy = work.energy * 10 if work else rng.uniform(3, 7) + steps * 0.034
                yield self._quantity("ActiveEnergyBurned", at, at + SLOT, energy, "kcal", WATCH)
            if worn and (work or steps > 420):
                yield self._quantity("AppleExerciseTime", at, at + SLOT, 10 if work else 6, "min", WATCH)
            if worn and not asleep and at % (6 * SLOT) == 0:
                stood = "Stood" if rng.random() < (0.86 - 0.4 * day.ill) else "Idle"
                name = f"HKCategoryValueAppleStandHour{stood}"
                yield self._sample(f"{CATEGORY}AppleStandHour", at, at + 6 * SLOT, name, None, WATCH)

    def _steps(self, hour: int, goal: float, work: Effort | None) -> int:
        rng = self._rng
        if work:
            return {"Running": 1620, "Hiking": 1040}.get(work.kind, 60) + rng.randrange(-40, 40)
        busy = 0.75 if hour in (7, 8, 12, 13, 17, 18) else 0.5 if 6 < hour < 22 else 0.06
        return round(rng.gammavariate(1.4, goal / 92)) if rng.random() < busy else 0

    def _moved(self, at: int, steps: int, worn: bool, carried: bool) -> Iterator[Wire]:
        rng = self._rng
        start = at + rng.randrange(0, 3 * 60) * 1000
        end = start + rng.randrange(60, 400) * 1000
        if worn:
            yield self._quantity("StepCount", start, end, steps, "count", WATCH)
            yield self._quantity("DistanceWalkingRunning", start, end, steps * KM_A_STEP, "km", WATCH)
        if carried:
            counted = max(round(steps * rng.uniform(0.86, 1.02)), 1)
            start, end = start - rng.randrange(0, 40) * 1000, end + rng.randrange(0, 60) * 1000
            yield self._quantity("StepCount", start, end, counted, "count", PHONE)
            yield self._quantity("DistanceWalkingRunning", start, end, counted * KM_A_STEP, "km", PHONE)

    def _beats(self, day: Day, at: int, steps: int, asleep: bool, work: Effort | None) -> Iterator[Wire]:
        rng = self._rng
        if work:
            for minute in range(at, at + SLOT, MINUTE):
                yield self._quantity("HeartRate", minute, minute, work.pulse_at(minute, rng), "count/min", WATCH)
            return
        rest = day.vitals.pulse
        beat = rest - 3 + rng.gauss(0, 2) if asleep else rest + 11 + 0.045 * min(steps, 900) + rng.gauss(0, 5)
        moment = at + rng.randrange(0, 590) * 1000
        yield self._quantity("HeartRate", moment, moment, max(round(beat), 38), "count/min", WATCH)

    def _work(self, work: Effort) -> Iterator[Wire]:
        yield work.end, "workouts", wire(self._rng, work, self._uuid(), WATCH, text)
        if work.kind == "Running":
            best = 44 + 130 / max(work.pulse - 100, 20)
            yield self._quantity("VO2Max", work.end, work.end, best, "mL/min·kg", WATCH)

    def _shelf(self, day: Day, fitness: float) -> Iterator[Wire]:
        """The scale some mornings, the blood pressure cuff now and then."""
        rng = self._rng
        at = (day.night[-1].end if day.night else day.start + 8 * 60 * MINUTE) + rng.randrange(8, 30) * MINUTE
        if not day.away and rng.random() < 0.45:
            yield self._quantity("BodyMass", at, at, round(day.weight, 1), "kg", SCALE)
        if not day.away and rng.random() < 0.12:
            for kind, usual in (("BloodPressureSystolic", 117 - 3 * fitness), ("BloodPressureDiastolic", 75 - 2 * fitness)):
                yield self._quantity(kind, at + 5 * MINUTE, at + 5 * MINUTE, round(rng.gauss(usual, 3)), "mmHg", CUFF)

    # -- the wire -----------------------------------------------------------------------------------------------------

    def _uuid(self) -> str:
        digits = f"{self._rng.getrandbits(128):032X}"
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:]}"

    def _sample(self, kind: str, start: int, end: int, value: float | str, unit: str | None, source: dict[str, str], **more: str) -> Wire:
        made: dict[str, Any] = {"uuid": self._uuid(), "type": kind, "start": text(start), "end": text(end), "value": value}
        if unit:
            made["unit"] = unit
        return end, "samples", {**made, "source": source, **more}

    def _quantity(self, kind: str, start: int, end: int, value: float, unit: str, source: dict[str, str]) -> Wire:
        return self._sample(QUANTITY + kind, start, end, round(value, 4), unit, source)
