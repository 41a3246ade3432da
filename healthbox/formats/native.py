"""healthbox's own sync body: the chunks of ``POST /api/v1/sync``.

    {"batch", "index", "final", "anchor", "metric", "zone",
     "samples":  [{"uuid", "type", "start", "end", "value", "unit", "zone", "source": {"name","bundle","product"}, "metadata"}],
     "workouts": [{"uuid", "activity", "start", "end", "zone", "source", "metadata", "laps": [{}],
                   "totals": {name: {"value","unit"}}, "series": {name: {"unit", "points": [[time, value]]}},
                   "route": [{"time","latitude","longitude","altitude","speed"}]}],
     "clinical": [FHIR resource], "deleted": [uuid or {"uuid","type"}]}

``type`` is a catalogue key or a HealthKit identifier; with an identifier "%" is HealthKit's fraction. A category value is
a number or a name. Totals and series without a unit are in canonical units. The zone of a record is its own ``zone``, else
HealthKit's ``HKTimeZone``, else the body's; it also serves times without an offset.
"""

from collections.abc import Iterator
from typing import Any

from healthbox.domain.records import Clinical, Naming, Record, Sample, SleepStage, SourceClass, SourceRef, Tombstone, Workout
from healthbox.formats.contract import Envelope, Format
from healthbox.formats.foods import food_tag
from healthbox.formats.routes import instant, route
from healthbox.formats.totals import Totals, canonical, canonical_unit
from healthbox.formats.wire import (
    Unreadable,
    catalogue,
    each,
    is_name,
    metadata,
    naming_of,
    number,
    one,
    rejected,
    span,
    stage,
    text,
    uuid,
    zone_of,
)

SLEEP = ("sleep_analysis", "HKCategoryTypeIdentifierSleepAnalysis")
_FHIR_TIMES = (
    "effectiveDateTime", "onsetDateTime", "occurrenceDateTime", "performedDateTime", "authoredOn", "recordedDate", "issued", "date",
)  # fmt: skip


def claims(body: Any, envelope: Envelope) -> bool:
    return isinstance(body, dict) and "batch" in body and "index" in body


def records(body: Any, envelope: Envelope) -> Iterator[Record]:
    zone = zone_of(body.get("zone"))
    yield from each(body.get("samples"), "samples", lambda item, at: _sample(item, at, zone, envelope.zone))
    yield from each(body.get("workouts"), "workouts", lambda item, at: _workout(item, at, zone, envelope.zone))
    yield from each(body.get("clinical"), "clinical", lambda item, at: _clinical(item, at, zone or envelope.zone))
    yield from _deleted(body.get("deleted"))


def source_of(item: dict[str, Any]) -> SourceRef:
    """A source given as an object or as a bare name; what the person typed in is the class ``manual``."""
    said = item.get("source")
    typed = (metadata(item.get("metadata")) or {}).get("HKWasUserEntered")
    manual: SourceClass | None = "manual" if typed in (True, 1, "1", "true") else None
    if not isinstance(said, dict):
        return SourceRef(name=text(said), kind=manual)
    return SourceRef(text(said.get("name")), text(said.get("bundle")), text(said.get("product")), manual)


def value_of(value: Any, naming: Naming, kind: str) -> float | str:
    """A number, or the name of a category value; for a metric known to be a quantity text is refused."""
    word = text(value)
    metric = catalogue().find(naming, kind)
    try:
        found = number(value)
    except Unreadable:
        if word is None or not is_name(word) or (metric is not None and metric.kind == "quantity"):
            raise
        return word
    if found is None:
        raise Unreadable("no_value", "the record holds no value")
    return found


def _sample(item: dict[str, Any], at: str, body_zone: str | None, default: str) -> Iterator[Record]:
    kind = text(item.get("type"))
    if kind is None:
        raise Unreadable("no_type", "the sample names no type")
    meta = metadata(item.get("metadata"))
    zone = zone_of(item.get("zone"), (meta or {}).get("HKTimeZone"), body_zone)
    start, end = span(item.get("start"), item.get("end"), zone or default)
    ident, source = uuid(item.get("uuid")), source_of(item)
    naming = naming_of(kind)
    if kind in SLEEP:
        found = stage(naming, item.get("value"))
        yield SleepStage(position=at, start=start, end=end, stage=found, source=source, uuid=ident, zone=zone, metadata=meta)
        return
    unit = text(item.get("unit"))
    yield Sample(
        position=at,
        metric=kind,
        naming=naming,
        start=start,
        end=end,
        value=value_of(item.get("value"), naming, kind),
        unit="hk%" if unit == "%" and naming == "healthkit" else unit,
        source=source,
        uuid=ident,
        tag=food_tag(naming, kind, meta),
        zone=zone,
        metadata=meta,
    )


def _workout(item: dict[str, Any], at: str, body_zone: str | None, default: str) -> Iterator[Record]:
    meta = dict(metadata(item.get("metadata")) or {})
    zone = zone_of(item.get("zone"), meta.get("HKTimeZone"), body_zone)
    start, end = span(item.get("start"), item.get("end"), zone or default)
    activity = item.get("activity", item.get("type"))
    if not isinstance(activity, str | int) or isinstance(activity, bool) or activity == "":
        raise Unreadable("no_activity", "the workout names no activity")
    totals = Totals()
    said = item.get("totals") if isinstance(item.get("totals"), dict) else {}
    for name, stated in said.items() if isinstance(said, dict) else ():
        value, unit = (stated.get("value"), text(stated.get("unit"))) if isinstance(stated, dict) else (stated, None)
        totals.add(name, value, unit or canonical_unit(name), wire_name=name, wire_value=stated)
    laps = item.get("laps")
    yield Workout(
        position=at,
        activity=catalogue().activity("healthkit" if not isinstance(activity, str) or activity.startswith("HK") else "key", activity),
        start=start,
        end=end,
        uuid=uuid(item.get("uuid")),
        source=source_of(item),
        zone=zone,
        totals=totals.found,
        series=dict(_series(item.get("series"), zone or default)),
        route=route(item.get("route"), zone or default),
        laps=[lap for lap in laps if isinstance(lap, dict)] if isinstance(laps, list) else [],
        metadata=(meta | totals.kept) or None,
    )


def _series(said: Any, zone: str) -> Iterator[tuple[str, list[list[float]]]]:
    for name, stated in said.items() if isinstance(said, dict) else ():
        unit = text(stated.get("unit")) if isinstance(stated, dict) else None
        points = stated.get("points") if isinstance(stated, dict) else stated
        made: list[list[float]] = []
        for point in points if isinstance(points, list) else ():
            if not isinstance(point, list) or len(point) != 2:
                continue
            value = canonical(name, point[1], unit or canonical_unit(name))
            at = instant(point[0], zone)
            if value is not None and at is not None:
                made.append([at, value])
        if made:
            yield name, made


def _clinical(item: dict[str, Any], at: str, zone: str) -> Iterator[Record]:
    period = next((p for k in ("effectivePeriod", "onsetPeriod", "performedPeriod", "period") if isinstance(p := item.get(k), dict)), {})
    start = instant(next((item[k] for k in _FHIR_TIMES if item.get(k)), period.get("start", item.get("start"))), zone)
    resource, ident = text(item.get("resourceType")), uuid(item.get("uuid")) or uuid(item.get("id"))
    yield Clinical(
        position=at,
        kind="fhir",
        data=item,
        start=start,
        end=instant(period.get("end", item.get("end")), zone),
        uuid=f"{resource}/{ident}" if resource and ident and not item.get("uuid") else ident,
        source=source_of(item),
    )


def _deleted(items: Any) -> Iterator[Record]:
    if items is not None and not isinstance(items, list):
        yield rejected("deleted", "not_a_list", "a list was expected here", items)
        return
    for index, item in enumerate(items or []):
        yield from one({"uuid": item} if isinstance(item, str) else item, f"deleted[{index}]", _tombstone)


def _tombstone(item: dict[str, Any], at: str) -> Iterator[Record]:
    ident, kind = uuid(item.get("uuid")), text(item.get("type"))
    if ident is None:
        raise Unreadable("no_uuid", "the deletion names no id")
    yield Tombstone(position=at, uuid=ident, metric=kind, naming=naming_of(kind) if kind else "healthkit")


FORMAT = Format(
    name="native-sync",
    looks_for='"batch" and "index", with "samples", "workouts", "clinical" or "deleted"',
    claims=claims,
    records=records,
)
