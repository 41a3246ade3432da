"""A made-up Apple Health export, the same for the same number of records: what the reading benchmark reads.

1,500 records a day of 22 types, grouped by type and ascending in time as the phone writes them: a watch and a phone that count
the same steps, a scale, escaped device texts, a no-break space and a curly quote in names, motion contexts, HRV with its beats,
sleep with its zone, workouts with statistics, events and routes, day summaries, two clock changes a year.
"""

import datetime as dt
from collections.abc import Iterator
from pathlib import Path
from random import Random
from zoneinfo import ZoneInfo

PER_DAY = 1_500
ZONE = ZoneInfo("Europe/Berlin")
FIRST_DAY = dt.datetime(2024, 2, 1, tzinfo=dt.UTC)
_DEVICE = (
    "&lt;&lt;HKDevice: 0x{pointer}&gt;, name:{name}, manufacturer:Apple Inc., model:{model}, hardware:{hardware}, software:{version}&gt;"
)
WATCH = 'sourceName="Bob’s Apple\u00a0Watch" sourceVersion="11.2" device="{}"'.format(
    _DEVICE.format(pointer="3033c2a80", name="Apple Watch", model="Watch", hardware="Watch7,5", version="11.2")
)
PHONE = 'sourceName="Bob’s iPhone" sourceVersion="18.2" device="{}"'.format(
    _DEVICE.format(pointer="3033c11d0", name="iPhone", model="iPhone", hardware="iPhone16,2", version="18.2")
)
SCALE = 'sourceName="Body &amp; Scale" sourceVersion="5.1"'

# type, unit, records of 1,500, seconds that one lasts, lowest and highest value, decimals, who writes
_QUANTITIES: tuple[tuple[str, str, int, int, float, float, int, tuple[str, ...]], ...] = (
    ("HeartRate", "count/min", 420, 0, 48, 165, 0, (WATCH,)),
    ("StepCount", "count", 230, 120, 3, 240, 0, (PHONE, WATCH)),
    ("DistanceWalkingRunning", "km", 170, 120, 0.002, 0.2, 6, (PHONE, WATCH)),
    ("ActiveEnergyBurned", "kcal", 330, 60, 0.05, 9, 3, (WATCH,)),
    ("BasalEnergyBurned", "kcal", 140, 600, 8, 14, 3, (WATCH,)),
    ("RespiratoryRate", "count/min", 30, 0, 11, 18, 1, (WATCH,)),
    ("OxygenSaturation", "%", 12, 0, 0.94, 1, 2, (WATCH,)),
    ("FlightsClimbed", "count", 10, 60, 1, 4, 0, (PHONE,)),
    ("AppleExerciseTime", "min", 30, 60, 1, 1, 0, (WATCH,)),
    ("AppleStandTime", "min", 30, 300, 1, 5, 0, (WATCH,)),
    ("EnvironmentalAudioExposure", "dBASPL", 24, 1800, 35, 85, 4, (WATCH,)),
    ("HeadphoneAudioExposure", "dBASPL", 8, 600, 50, 80, 4, (PHONE,)),
    ("WalkingSpeed", "km/hr", 16, 20, 3, 6, 2, (PHONE,)),
    ("WalkingStepLength", "cm", 16, 20, 55, 80, 0, (PHONE,)),
    ("WalkingDoubleSupportPercentage", "%", 10, 20, 0.25, 0.33, 3, (PHONE,)),
    ("RestingHeartRate", "count/min", 1, 80_000, 48, 62, 0, (WATCH,)),
    ("VO2Max", "mL/min·kg", 1, 0, 38, 47, 2, (WATCH,)),
    ("BodyMass", "kg", 1, 0, 70, 74, 2, (SCALE,)),
    ("BodyFatPercentage", "%", 1, 0, 0.15, 0.19, 3, (SCALE,)),
)
_STAGES = ("AsleepCore", "AsleepDeep", "AsleepREM", "Awake")


def write_export(path: Path, records: int) -> Path:
    """Write ``export.xml`` with about so many Record elements."""
    with path.open("w", encoding="utf-8", newline="\n") as out:
        out.writelines(export(records))
    return path


def export(records: int, seed: int = 1) -> Iterator[str]:
    """The text of an export, in pieces."""
    rng = Random(seed)
    days = max(1, round(records / PER_DAY))
    yield '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE HealthData [\n<!-- HealthKit Export Version: 14 -->\n'
    yield "<!ELEMENT HealthData (ExportDate,Me,(Record|Workout|ActivitySummary)*)>\n<!ATTLIST HealthData\n  locale CDATA #REQUIRED\n>\n]>\n"
    yield f'<HealthData locale="de_DE">\n <ExportDate value="{_stamp(FIRST_DAY + dt.timedelta(days=days, hours=8))}"/>\n'
    yield (
        ' <Me HKCharacteristicTypeIdentifierDateOfBirth="1980-01-01" HKCharacteristicTypeIdentifierBiologicalSex="HKBiologicalSexNotSet"'
        ' HKCharacteristicTypeIdentifierBloodType="HKBloodTypeNotSet" HKCharacteristicTypeIdentifierFitzpatrickSkinType='
        '"HKFitzpatrickSkinTypeNotSet" HKCharacteristicTypeIdentifierCardioFitnessMedicationsUse="None"/>\n'
    )
    for row in _QUANTITIES:
        for day in range(days):
            yield from _quantity(rng, FIRST_DAY + dt.timedelta(days=day), row)
    for kind in (_stood, _sleep, _variability, _workout, _summary):
        for day in range(days):
            yield from kind(rng, FIRST_DAY + dt.timedelta(days=day))
    yield "</HealthData>\n"


def _stamp(at: dt.datetime) -> str:
    return at.astimezone(ZONE).strftime("%Y-%m-%d %H:%M:%S %z")


def _open(kind: str, who: str, start: dt.datetime, end: dt.datetime, value: str, unit: str = "") -> str:
    said = f' unit="{unit}"' if unit else ""
    return (
        f' <Record type="{kind}" {who}{said} creationDate="{_stamp(end + dt.timedelta(seconds=40))}" startDate="{_stamp(start)}"'
        f' endDate="{_stamp(end)}" value="{value}"'
    )


def _quantity(rng: Random, day: dt.datetime, row: tuple[str, str, int, int, float, float, int, tuple[str, ...]]) -> Iterator[str]:
    name, unit, count, lasts, low, high, decimals, sources = row
    for number in range(count):
        who = sources[number % len(sources)]
        start = day + dt.timedelta(seconds=int(86_400 * number / count) + rng.randrange(30))
        value = f"{rng.uniform(low, high):.{decimals}f}"
        opened = _open(f"HKQuantityTypeIdentifier{name}", who, start, start + dt.timedelta(seconds=lasts), value, unit)
        if name == "HeartRate":
            context = rng.randrange(3)
            yield f'{opened}>\n  <MetadataEntry key="HKMetadataKeyHeartRateMotionContext" value="{context}"/>\n </Record>\n'
        elif who is SCALE:
            yield f'{opened}>\n  <MetadataEntry key="HKWasUserEntered" value="{int(rng.random() < 0.1)}"/>\n </Record>\n'
        else:
            yield f"{opened}/>\n"


def _stood(rng: Random, day: dt.datetime) -> Iterator[str]:
    for hour in range(7, 15):
        start = day + dt.timedelta(hours=hour)
        value = f"HKCategoryValueAppleStandHour{'Stood' if rng.random() < 0.8 else 'Idle'}"
        yield _open("HKCategoryTypeIdentifierAppleStandHour", WATCH, start, start + dt.timedelta(hours=1), value) + "/>\n"


def _sleep(rng: Random, day: dt.datetime) -> Iterator[str]:
    at = day + dt.timedelta(hours=22, minutes=rng.randrange(50))
    for _ in range(9):
        end = at + dt.timedelta(minutes=rng.randrange(15, 70))
        value = f"HKCategoryValueSleepAnalysis{rng.choice(_STAGES)}"
        opened = _open("HKCategoryTypeIdentifierSleepAnalysis", WATCH, at, end, value)
        yield f'{opened}>\n  <MetadataEntry key="HKTimeZone" value="Europe/Berlin"/>\n </Record>\n'
        at = end


def _variability(rng: Random, day: dt.datetime) -> Iterator[str]:
    for hour in (2, 9, 16):
        start = day + dt.timedelta(hours=hour, seconds=rng.randrange(900))
        end, value = start + dt.timedelta(seconds=60), f"{rng.uniform(20, 90):.4f}"
        opened = _open("HKQuantityTypeIdentifierHeartRateVariabilitySDNN", WATCH, start, end, value, "ms")
        yield f'{opened}>\n  <MetadataEntry key="HKAlgorithmVersion" value="2"/>\n  <HeartRateVariabilityMetadataList>\n'
        second = 0.0
        for _ in range(rng.randrange(40, 75)):
            second += rng.uniform(0.6, 1.1)
            said = f"{hour:02d}:{15 + int(second // 60):02d}:{second % 60:05.2f}".replace(".", ",")
            yield f'   <InstantaneousBeatsPerMinute bpm="{rng.randrange(48, 90)}" time="{said}"/>\n'
        yield "  </HeartRateVariabilityMetadataList>\n </Record>\n"


def _workout(rng: Random, day: dt.datetime) -> Iterator[str]:
    if rng.random() > 0.4:
        return
    start = day + dt.timedelta(hours=16, seconds=rng.randrange(3600))
    end = start + dt.timedelta(minutes=rng.randrange(20, 80))
    span = f'startDate="{_stamp(start)}" endDate="{_stamp(end)}"'
    yield (
        f' <Workout workoutActivityType="HKWorkoutActivityTypeRunning" duration="{(end - start).total_seconds() / 60}" durationUnit="min" '
        f'{WATCH} creationDate="{_stamp(end)}" {span}>\n  <MetadataEntry key="HKTimeZone" value="Europe/Berlin"/>\n'
        '  <MetadataEntry key="HKAverageMETs" value="9.9 kcal/hr·kg"/>\n  <MetadataEntry key="HKElevationAscended" value="5900 cm"/>\n'
    )
    for number in range(12):
        at = _stamp(start + dt.timedelta(minutes=number))
        yield f'  <WorkoutEvent type="HKWorkoutEventTypeSegment" date="{at}" duration="1" durationUnit="min"/>\n'
    for kind, said in (
        ("ActiveEnergyBurned", 'sum="431.5" unit="kcal"'),
        ("DistanceWalkingRunning", 'sum="7.2" unit="km"'),
        ("HeartRate", 'average="141" minimum="92" maximum="171" unit="count/min"'),
    ):
        yield f'  <WorkoutStatistics type="HKQuantityTypeIdentifier{kind}" {span} {said}/>\n'
    yield f'  <WorkoutRoute {WATCH} creationDate="{_stamp(end)}" {span}>\n'
    yield '   <FileReference path="/workout-routes/route.gpx"/>\n  </WorkoutRoute>\n </Workout>\n'


def _summary(rng: Random, day: dt.datetime) -> Iterator[str]:
    yield (
        f' <ActivitySummary dateComponents="{day:%Y-%m-%d}" activeEnergyBurned="{rng.uniform(200, 900):.3f}" activeEnergyBurnedGoal="500"'
        f' activeEnergyBurnedUnit="kcal" appleMoveTime="0" appleMoveTimeGoal="0" appleExerciseTime="{rng.randrange(90)}"'
        f' appleExerciseTimeGoal="30" appleStandHours="{rng.randrange(16)}" appleStandHoursGoal="12"/>\n'
    )
