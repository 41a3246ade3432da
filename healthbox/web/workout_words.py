"""Workouts in words: sports, distances, pace, totals. By the person's units and locale."""

from typing import cast

from healthbox.domain.catalogue import Catalogue, Metric
from healthbox.formats.totals import METRICS
from healthbox.render import Quantity, duration, number, quantity
from healthbox.store.workouts import WorkoutRow
from healthbox.web.wallclock import Reader

PLAIN = Catalogue.load()
MILE = 1609.344
ON_FOOT = ("running", "walking", "hiking", "jogging", "treadmill", "trail")
FACTS = (
    ("energy", "Active energy"), ("total_energy", "Energy, in all"), ("heart_rate_avg", "Mean pulse"), ("heart_rate_max", "Highest pulse"),
    ("elevation_up", "Up"), ("elevation_down", "Down"), ("steps", "Steps"), ("speed_max", "Top speed"), ("power_avg", "Mean power"),
    ("cadence", "Cadence"), ("step_cadence", "Cadence"), ("swim_cadence", "Stroke rate"), ("swim_strokes", "Strokes"),
    ("lap_length", "Pool length"), ("flights", "Flights"), ("heart_rate_recovery", "Pulse recovery"), ("intensity", "Intensity"),
    ("temperature", "Air"), ("humidity", "Humidity"),
)  # fmt: skip


def sport(activity: str) -> str:
    """'functional_strength_training' → 'Functional strength training'."""
    vocabulary, _, code = activity.rpartition("_")
    if activity in ("", "other"):
        return "Workout"
    if vocabulary in ("healthkit", "health_connect") and code.isdigit():
        return f"Workout of type {code}"
    plain = activity.replace("_", " ").strip()
    return plain[:1].upper() + plain[1:]


def seconds(workout: WorkoutRow) -> float:
    """How long it was active: as stated, else from start to end."""
    return workout.totals.get("duration") or (workout.end - workout.start) / 1000


def lasted(workout: WorkoutRow) -> Quantity:
    number_, _, unit = duration(seconds(workout) / 60).rpartition(" ")
    return Quantity(number_, unit)


def total(name: str, value: float | None, who: Reader, missing: str = "not measured") -> Quantity:
    """A workout's total by our name for it, in the words of its metric."""
    if value is None:
        return Quantity(missing, known=False)
    if name == "swim_cadence":
        return Quantity(number(value, 0, who.locale), "/min")
    if name == "lap_length":
        return _length(value, who)
    said = quantity(cast(Metric, PLAIN.get(METRICS[name])), value, who.units, who.locale)
    return Quantity(said.number) if name in ("steps", "flights", "swim_strokes") else said  # the label is the unit


def distance(metres: float | None, activity: str, who: Reader) -> Quantity:
    """Swimming in metres or yards, all else in kilometres or miles."""
    if metres is None:
        return Quantity("not measured", known=False)
    if "swim" in activity:
        return _length(metres, who)
    shown, unit = (metres / MILE, "mi") if who.units == "imperial" else (metres / 1000, "km")
    return Quantity(number(shown, 2 if shown < 10 else 1 if shown < 100 else 0, who.locale), unit)


def _length(metres: float, who: Reader) -> Quantity:
    yards = who.units == "imperial"
    return Quantity(number(metres / 0.9144 if yards else metres, 0, who.locale), "yd" if yards else "m")


def split_length(activity: str, who: Reader) -> float:
    """A kilometre or a mile; a hundred metres or yards in the water."""
    if "swim" in activity:
        return 91.44 if who.units == "imperial" else 100.0
    return MILE if who.units == "imperial" else 1000.0


def has_pace(activity: str) -> bool:
    return "swim" in activity or any(word in activity for word in ON_FOOT)


def tempo(metres: float | None, active_s: float, activity: str, who: Reader) -> tuple[str, Quantity] | None:
    """('Pace', 5:12 /km) for who runs, walks or swims, ('Speed', 24.1 km/h) for who rides; None without a distance."""
    if not metres or metres < 10 or active_s <= 0:
        return None
    if has_pace(activity):
        piece = split_length(activity, who)
        unit = {100.0: "/100 m", 91.44: "/100 yd", MILE: "/mi"}.get(piece, "/km")
        return "Pace", Quantity(stopwatch(active_s * piece / metres), unit)
    speed = cast(Metric, PLAIN.get("speed"))
    metres_per_second = metres / active_s
    factor, _ = speed.accepted.get("m/s", (1.0, 0.0))
    return "Speed", quantity(speed, metres_per_second * factor, who.units, who.locale)


def stopwatch(seconds_: float) -> str:
    """312.4 → '5:12'; 3,912 → '1:05:12'."""
    minutes, rest = divmod(round(seconds_), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def facts(workout: WorkoutRow, who: Reader) -> list[tuple[str, Quantity, str]]:
    """Every total that was stated, in a fixed order; what nobody measured is not listed."""
    totals, made = workout.totals, list[tuple[str, Quantity, str]]()
    paused = (workout.end - workout.start) / 1000 - seconds(workout)
    made.append(("Time", lasted(workout), f"{duration(paused / 60)} paused" if paused >= 60 else ""))
    if "distance" in totals:
        made.append(("Distance", distance(totals["distance"], workout.activity, who), ""))
    speed = tempo(totals.get("distance"), seconds(workout), workout.activity, who)
    if speed:
        made.append((*speed, ""))
    seen: set[str] = set()
    for name, label in FACTS:
        if name in totals and label not in seen:
            seen.add(label)
            made.append((label, total(name, totals[name], who), ""))
    return made


def in_short(workout: WorkoutRow, who: Reader) -> str:
    """'42 min · 8.20 km · 148 bpm': what is known of it in one line."""
    said = [str(lasted(workout))]
    if "distance" in workout.totals:
        said.append(str(distance(workout.totals["distance"], workout.activity, who)))
    if "heart_rate_avg" in workout.totals:
        said.append(str(total("heart_rate_avg", workout.totals["heart_rate_avg"], who)))
    return " · ".join(said)


def told_again(source: str) -> str:
    """Of a workout that counts as another source told it, in a list below that one."""
    return f"Also recorded by {source or 'another source'}, not counted again"


def told_elsewhere(source: str) -> str:
    """The same on its own page; ``source`` is the one that counts."""
    return f"Also recorded by {source or 'another source'}, and counted there: this one is not counted again."
