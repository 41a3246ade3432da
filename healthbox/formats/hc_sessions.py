"""What HC Webhook sends that is more than one number: nights, workouts and meals."""

from collections.abc import Iterator
from typing import Any

from healthbox.domain.records import Record, Sample, SleepStage, SourceRef, Workout
from healthbox.formats.routes import instant
from healthbox.formats.totals import Totals
from healthbox.formats.wire import Unreadable, catalogue, each, moment, needed_number, number, span, stage, text

_NUTRIENTS = {
    "calories": ("dietary_energy", "kcal"),
    "protein_grams": ("dietary_protein", "g"),
    "carbs_grams": ("dietary_carbohydrates", "g"),
    "fat_grams": ("dietary_fat_total", "g"),
    "sugar_grams": ("dietary_sugar", "g"),
    "sodium_grams": ("dietary_sodium", "g"),
    "dietary_fiber_grams": ("dietary_fiber", "g"),
}
_TOTALS = {
    "duration_seconds": ("duration", "s"),
    "distance_meters": ("distance", "m"),
    "steps": ("steps", "count"),
    "avg_cadence_spm": ("step_cadence", "spm"),
    "max_cadence_spm": ("max_cadence_spm", None),  # no total of ours: kept as it is
    "stride_length_m": ("stride_length_m", None),
}


def sleep(item: dict[str, Any], at: str, source: SourceRef) -> Iterator[Record]:
    """The stages of a session; a session without any is sleep of no known stage, from its end back by its duration. Its end, which
    alone is always said, is its name: what is sent of it later, with stages perhaps, takes the place of what was sent before."""
    ended = instant(item.get("session_end_time", item.get("end_time")), "UTC")
    session = None if ended is None else f"{ended} {source.bundle or source.name}"
    if item.get("stages"):
        yield from each(item["stages"], f"{at}.stages", lambda part, position: _stage(part, position, source, session))
        return
    end = moment(item.get("session_end_time", item.get("end_time")), "UTC").ms
    start = end - int(needed_number(item.get("duration_seconds")) * 1000)
    if start > end or end - start > 48 * 3_600_000:
        raise Unreadable("absurd_duration", "the night's duration lies outside 0 to 48 hours")
    yield SleepStage(position=at, start=start, end=end, stage="asleep_unspecified", source=source, uuid=session, parent=True)


def _stage(item: dict[str, Any], at: str, source: SourceRef, session: str | None) -> Iterator[Record]:
    start, end = span(item.get("start_time"), item.get("end_time"), "UTC")
    known = stage("health_connect", item.get("stage"))
    yield SleepStage(position=at, start=start, end=end, stage=known, source=source, uuid=session, parent=session is not None)


def exercise(item: dict[str, Any], at: str, source: SourceRef) -> Workout:
    """``type`` is Health Connect's number, mostly as text, or a name."""
    start, end = span(item.get("start_time"), item.get("end_time"), "UTC")
    kind = text(item.get("type")) or number(item.get("type"))
    if kind is None:
        raise Unreadable("no_activity", "the workout names no activity")
    totals = Totals()
    for wire_name, (name, unit) in _TOTALS.items():
        totals.add(name, item.get(wire_name), unit, wire_name=wire_name, wire_value=item.get(wire_name))
    return Workout(
        position=at,
        activity=catalogue().activity("health_connect", kind),
        start=start,
        end=end,
        source=source,
        totals=totals.found,
        metadata=totals.kept or None,
    )


def nutrition(item: dict[str, Any], at: str, source: SourceRef) -> Iterator[Record]:
    start, end = span(item.get("start_time", item.get("time")), item.get("end_time"), "UTC")
    found = [(name, amount) for name in _NUTRIENTS if (amount := number(item.get(name))) is not None]
    if not found:
        raise Unreadable("no_value", "the meal states no nutrient")
    food = text(item.get("name"))
    for name, amount in found:
        metric, unit = _NUTRIENTS[name]
        yield Sample(
            position=f"{at}.{name}",
            metric=metric,
            naming="key",
            start=start,
            end=end,
            value=amount,
            unit=unit,
            source=source,
            tag=food or "",
            metadata={"name": food} if food else None,
        )
