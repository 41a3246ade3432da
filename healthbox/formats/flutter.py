"""Points of the Flutter plugin ``health``: ``HealthDataPoint.toJson()``, in a list or under ``data``.

Times are local without an offset: they are read in the body's ``zone`` (or ``timezone``, ``tz``), else the envelope's. On
Android ``uuid`` names the Health Connect record, which holds many points of a series: those records say ``parent``. An empty
uuid is none. HealthKit's percent is a fraction, Health Connect's is not.
"""

from collections.abc import Iterator
from typing import Any

from healthbox.domain.records import Clinical, Naming, Record, Sample, SleepStage, SourceRef, Workout
from healthbox.formats.contract import Envelope, Format
from healthbox.formats.flutter_words import FOODS, UNITS
from healthbox.formats.totals import Totals, canonical_unit
from healthbox.formats.wire import Unreadable, catalogue, each, metadata, naming_of, needed_number, number, span, stage, text, uuid, zone_of

_SERIES = {"HEART_RATE", "SPEED", "POWER", "STEPS_CADENCE", "CYCLING_CADENCE"}  # one Health Connect record, many points
_WHOLE = {"ElectrocardiogramHealthValue": "ecg", "AudiogramHealthValue": "audiogram"}
_WHOLE_TYPES = {"ELECTROCARDIOGRAM": "ecg", "AUDIOGRAM": "audiogram"}
_SAMPLED = 50  # so many points are looked at to tell the shape


def camel_points(items: Any) -> bool:
    """Whether a list holds this plugin's points: objects with ``dateFrom``."""
    return isinstance(items, list) and any(isinstance(item, dict) and "dateFrom" in item for item in items[:_SAMPLED])


def claims(body: Any, envelope: Envelope) -> bool:
    if isinstance(body, list):
        return not body or camel_points(body)
    return isinstance(body, dict) and camel_points(body.get("data"))


def records(body: Any, envelope: Envelope) -> Iterator[Record]:
    zone = envelope.zone
    if isinstance(body, dict):
        zone = zone_of(body.get("zone"), body.get("timezone"), body.get("tz")) or zone
    items, at = (body, "") if isinstance(body, list) else (body.get("data"), "data")
    detailed = _detailed_sessions(items)
    yield from each(items, at, lambda item, position: _point(item, position, zone, detailed))


def _detailed_sessions(items: Any) -> set[Any]:
    """The uuids of sleep sessions whose stages stand in this body too."""
    points = (item for item in items if isinstance(item, dict)) if isinstance(items, list) else ()
    return {
        item["uuid"]
        for item in points
        if isinstance(item.get("uuid"), str) and (text(item.get("type")) or "").startswith("SLEEP_") and item["type"] != "SLEEP_SESSION"
    }


def _point(item: dict[str, Any], at: str, zone: str, detailed: set[Any]) -> Iterator[Record]:
    kind = text(item.get("type"))
    if kind is None:
        raise Unreadable("no_type", "the point names no type")
    meta = metadata(item.get("metadata"))
    own_zone = zone_of((meta or {}).get("HKTimeZone"))
    start, end = span(item.get("dateFrom"), item.get("dateTo"), own_zone or zone)
    value = item.get("value")
    fields = value if isinstance(value, dict) else {"numericValue": value}
    android = item.get("sourcePlatform") == "googleHealthConnect"
    ident, source = uuid(item.get("uuid")), source_of(item)
    whole = _WHOLE.get(str(fields.get("__type"))) or _WHOLE_TYPES.get(kind)
    if kind.startswith("SLEEP_"):
        asleep = "SLEEP_IN_BED" if ident in detailed else "SLEEP_ASLEEP"
        found = stage("flutter", asleep if kind == "SLEEP_SESSION" else kind)
        yield SleepStage(
            position=at, start=start, end=end, stage=found, source=source, uuid=ident, parent=android and ident is not None,
            zone=own_zone, metadata=meta,
        )  # fmt: skip
    elif whole is not None:
        yield Clinical(position=at, kind=whole, data=item, start=start, end=end, uuid=ident, source=source)
    elif kind == "WORKOUT" or "workoutActivityType" in fields:
        totals, activity = _workout(item, fields)
        yield Workout(
            position=at, activity=activity, start=start, end=end, uuid=ident, source=source, zone=own_zone, totals=totals.found,
            metadata=((meta or {}) | totals.kept) or None,
        )  # fmt: skip
    else:
        for name, naming, amount, unit, extra in _amounts(kind, item, fields, android):
            yield Sample(
                position=at if kind != "NUTRITION" else f"{at}.{name}",
                metric=name,
                naming=naming,
                start=start,
                end=end,
                value=amount,
                unit=unit,
                source=source,
                uuid=ident,
                parent=android and ident is not None and kind in _SERIES,
                tag=text(fields.get("name")) or "" if kind == "NUTRITION" else "",
                zone=own_zone,
                metadata=((meta or {}) | extra) or None,
            )


_Amount = tuple[str, Naming, float | str, str | None, dict[str, Any]]


def _amounts(kind: str, item: dict[str, Any], fields: dict[str, Any], android: bool) -> Iterator[_Amount]:
    """What a point measures: usually one amount, for a meal one for each nutrient."""
    unit = unit_of(item.get("unit"), percent="%" if android else "hk%")
    if kind == "NUTRITION":
        yield from _meal(fields)
    elif kind.startswith("HEADACHE_"):
        yield "symptom_headache", "key", kind.removeprefix("HEADACHE_").lower(), None, {}
    elif kind == "MINDFULNESS":  # the value is the length in minutes again; HealthKit's own value is always 0
        yield kind, "flutter", 0.0, None, {}
    elif kind == "BASAL_ENERGY_BURNED" and android:
        yield "basal_metabolic_rate", "key", needed_number(fields.get("numericValue")), "kcal/day" if unit == "kcal" else unit, {}
    elif "units" in fields:
        yield kind, "flutter", needed_number(fields["units"]), "IU", {"reason": fields.get("reason")}
    elif "flow" in fields or kind == "MENSTRUATION_FLOW":
        flow = text(fields.get("flow"))
        if flow is None:
            raise Unreadable("no_value", "the point holds no value")
        yield kind, "flutter", flow, None, {"isStartOfCycle": fields.get("isStartOfCycle")}
    else:
        yield kind, naming_of(kind), needed_number(fields.get("numericValue", fields.get("numeric_value"))), unit, {}


def _meal(fields: dict[str, Any]) -> Iterator[_Amount]:
    extra = {key: fields[key] for key in ("name", "meal_type") if text(fields.get(key))}
    stated = [(metric, number(fields.get(name))) for name, metric in FOODS.items()]
    found = [(metric, amount) for metric, amount in stated if amount is not None]
    if not found:
        raise Unreadable("no_value", "the meal states no nutrient")
    for metric, amount in found:
        unit = "kcal" if metric == "dietary_energy" else "mL" if metric == "dietary_water" else "g"
        yield metric, "key", amount, unit, extra


def _workout(item: dict[str, Any], fields: dict[str, Any]) -> tuple[Totals, str]:
    summary = item.get("workoutSummary")
    summary = summary if isinstance(summary, dict) else {}
    totals = Totals()
    for wire_name, name in (("totalEnergyBurned", "energy"), ("totalDistance", "distance"), ("totalSteps", "steps")):
        stated, unit = fields.get(wire_name), text(fields.get(f"{wire_name}Unit"))
        if stated is None:
            stated, unit = summary.get(wire_name) or None, None  # the summary writes 0 for what was not measured
        totals.add(name, stated, UNITS.get(unit, unit) if unit else canonical_unit(name), wire_name=wire_name, wire_value=stated)
    activity = text(fields.get("workoutActivityType")) or text(summary.get("workoutType"))
    return totals, catalogue().activity("flutter", activity or "OTHER")


def unit_of(value: Any, *, percent: str) -> str | None:
    """The plugin's unit name in the catalogue's spelling; an unknown one stays as it is. ``percent``: "hk%" or "%"."""
    unit = text(value)
    if unit in ("PERCENT", "%"):
        return percent
    return UNITS.get(unit, unit) if unit else None


def source_of(item: dict[str, Any]) -> SourceRef:
    manual = item.get("recordingMethod") == "manual" or item.get("is_manual_entry") is True
    return SourceRef(text(item.get("sourceName")), text(item.get("sourceId")), text(item.get("deviceModel")), "manual" if manual else None)


FORMAT = Format(
    name="flutter-health",
    looks_for='a list (or "data" as a list) of points with "dateFrom", "dateTo", "type" and "value"',
    claims=claims,
    records=records,
)
