"""Health Bridge batches: ``{"schema_id": "health_bridge.batch.v1", "sources", "samples", "workouts", "sleep_sessions", ...}``.

As lines (NDJSON, decoded into a list) every object says its ``record_family``. ``source_key`` refers to a source of the same
body; ids are ``client_record_id``, a sleep session's being the parent of its stages. A type is HealthKit's where the batch gives
that alias, else one of the app's own names. A day's sum is a bucket of that day.
"""

from collections.abc import Iterator
from typing import Any, get_args

from healthbox.domain.records import Bucket, Naming, Record, Sample, SleepStage, SourceClass, SourceRef, Stage, Tombstone, Workout
from healthbox.formats.contract import Envelope, Format
from healthbox.formats.day_marks import date_of, whole_day
from healthbox.formats.foods import food_tag
from healthbox.formats.native import value_of
from healthbox.formats.shapes import marked
from healthbox.formats.totals import Totals
from healthbox.formats.wire import Unreadable, catalogue, each, metadata, one, span, stage, text, uuid

NAME = "health-bridge"
_KINDS: tuple[SourceClass, ...] = get_args(SourceClass)
_TOTALS = {
    "duration_seconds": ("duration", "s"),
    "energy_kcal": ("energy", "kcal"),
    "distance_meters": ("distance", "m"),
    "steps": ("steps", "count"),
    "average_heart_rate_bpm": ("heart_rate_avg", "bpm"),
    "max_heart_rate_bpm": ("heart_rate_max", "bpm"),
}
# section → the family that its records have among lines
FAMILIES = {"samples": "sample", "workouts": "workout", "sleep_sessions": "sleep_session", "deleted_records": "deleted_record"}
_OWN_NAMES: dict[str, tuple[Naming, str]] = {
    "body_mass": ("key", "weight"),
    "skin_temperature": ("key", "wrist_temperature"),  # the app's own word for Apple's wrist temperature
}


class _Batch:
    """What the records of one body refer to."""

    def __init__(self, sources: Any, types: Any, zone: str) -> None:
        self.zone = zone
        self.sources = dict(filter(None, map(_source, sources if isinstance(sources, list) else ())))
        self.types = dict(filter(None, map(_alias, types if isinstance(types, list) else ())))

    def source(self, item: dict[str, Any]) -> SourceRef:
        key = text(item.get("source_key"))
        return self.sources.get(key or "") or SourceRef(name=key)

    def name(self, item: dict[str, Any]) -> tuple[Naming, str]:
        code = text(item.get("type_code"))
        if code is None:
            raise Unreadable("no_type", "the sample names no type")
        if code in self.types:
            return "healthkit", self.types[code]
        return _OWN_NAMES.get(code) or (("healthkit" if code.startswith("HK") else "open_wearables"), code)


def claims(body: Any, envelope: Envelope) -> bool:
    return marked(body) == NAME


def records(body: Any, envelope: Envelope) -> Iterator[Record]:
    if isinstance(body, list):
        yield from _lines(body, envelope.zone)
        return
    batch = _Batch(body.get("sources"), body.get("health_types"), envelope.zone)
    for section, family in FAMILIES.items():

        def read(item: dict[str, Any], at: str, family: str = family) -> Iterator[Record]:
            yield from _READERS[family](item, at, batch)

        yield from each(body.get(section), section, read)


def _lines(items: list[Any], zone: str) -> Iterator[Record]:
    of_family = {name: [i for i in items if isinstance(i, dict) and i.get("record_family") == name] for name in ("source", "health_type")}
    batch = _Batch(of_family["source"], of_family["health_type"], zone)
    for index, item in enumerate(items):
        if isinstance(item, dict) and item.get("record_family") in ("source", "health_type", "batch", "sync"):
            continue

        def read(item: dict[str, Any], at: str) -> Iterator[Record]:
            family = _READERS.get(str(item.get("record_family")))
            if family is None:
                raise Unreadable("unknown_family", "the record is of no family that is known")
            yield from family(item, at, batch)

        yield from one(item, f"[{index}]", read)


def _source(said: Any) -> tuple[str, SourceRef] | None:
    key = text(said.get("source_key")) if isinstance(said, dict) else None
    if key is None:
        return None
    kind = next((known for known in _KINDS if known == text(said.get("kind"))), None)
    return key, SourceRef(text(said.get("name")) or key, text(said.get("bundle_id")), text(said.get("device_model")), kind)


def _alias(said: Any) -> tuple[str, str] | None:
    """A type's HealthKit identifier, where the batch gives one that is known."""
    code = text(said.get("type_code")) if isinstance(said, dict) else None
    names = said.get("aliases") if code is not None else None
    known = [name for name in names if isinstance(name, str) and name.startswith("HK")] if isinstance(names, list) else []
    return (code, known[0][:200]) if code is not None and known else None


def _sample(item: dict[str, Any], at: str, batch: _Batch) -> Iterator[Record]:
    naming, name = batch.name(item)
    start, end = span(item.get("start_time"), item.get("end_time"), batch.zone)
    source, ident, meta = batch.source(item), uuid(item.get("client_record_id")), metadata(item.get("metadata"))
    metric = catalogue().find(naming, name)
    if metric is not None and metric.key == "sleep_analysis":
        found = stage(naming, item.get("value"))
        yield SleepStage(position=at, start=start, end=end, stage=found, source=source, uuid=ident, metadata=meta)
        return
    value, unit = value_of(item.get("value"), naming, name), text(item.get("unit"))
    unit = "hk%" if unit == "%" else unit  # HealthKit's quantities, whatever they are called
    date = whole_day(start, end, batch.zone)
    if date is None and (meta or {}).get("aggregation") in ("daily_sum", "daily_average"):
        date = date_of(start, batch.zone)
    if date is not None and isinstance(value, float):
        yield Bucket(
            position=at, metric=name, naming=naming, app=NAME, width="day", start=start, date=date, value=value, unit=unit,
            source=source.name or "", uuid=ident,
        )  # fmt: skip
        return
    yield Sample(
        position=at, metric=name, naming=naming, start=start, end=end, value=value, unit=unit, source=source, uuid=ident,
        tag=food_tag(naming, name, meta), metadata=meta,
    )  # fmt: skip


def _workout(item: dict[str, Any], at: str, batch: _Batch) -> Iterator[Record]:
    kind = text(item.get("workout_type"))
    if kind is None:
        raise Unreadable("no_activity", "the workout names no activity")
    start, end = span(item.get("start_time"), item.get("end_time"), batch.zone)
    totals = Totals()
    for wire_name, (name, unit) in _TOTALS.items():
        totals.add(name, item.get(wire_name), unit, wire_name=wire_name, wire_value=item.get(wire_name))
    yield Workout(
        position=at,
        activity=catalogue().activity("healthkit" if kind.startswith("HK") else "open_wearables", kind),
        start=start,
        end=end,
        uuid=uuid(item.get("client_record_id")),
        source=batch.source(item),
        totals=totals.found,
        metadata=((metadata(item.get("metadata")) or {}) | totals.kept) or None,
    )


def _session(item: dict[str, Any], at: str, batch: _Batch) -> Iterator[Record]:
    """A night's stages; a session without any is sleep of no known stage."""
    source, ident = batch.source(item), uuid(item.get("client_record_id"))

    def read(part: dict[str, Any], position: str) -> Iterator[Record]:
        start, end = span(part.get("start_time"), part.get("end_time"), batch.zone)
        found = _stage(part.get("stage"))
        yield SleepStage(position=position, start=start, end=end, stage=found, source=source, uuid=ident, parent=ident is not None)

    if item.get("stage_intervals"):
        yield from each(item["stage_intervals"], f"{at}.stage_intervals", read)
    else:
        yield from read({**item, "stage": "asleep_unspecified"}, at)


def _stage(value: Any) -> Stage:
    word = text(value)
    found = catalogue().stage("key", word) or catalogue().stage("open_wearables", word) if word else None
    return found or stage("healthkit", value)


def _deleted(item: dict[str, Any], at: str, batch: _Batch) -> Iterator[Record]:
    """A deletion names the family and the source of what is gone, but not its metric."""
    ident = uuid(item.get("client_record_id"))
    if ident is None:
        raise Unreadable("no_uuid", "the deletion names no id")
    yield Tombstone(position=at, uuid=ident)


_READERS = {"sample": _sample, "workout": _workout, "sleep_session": _session, "deleted_record": _deleted}
FORMAT = Format(name=NAME, looks_for='"schema_id": "health_bridge.batch.v1", or lines with "record_family"', claims=claims, records=records)
