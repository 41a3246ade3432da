"""The Open Wearables phone SDK: ``{"provider", "sdkVersion", "data": {"records": [], "sleep": [], "workouts": []}}``.

A type is a HealthKit identifier on an iPhone and a SCREAMING name elsewhere; "%" is HealthKit's fraction only with the first.
``zoneOffset`` is the zone of the record. ``id`` is the point's own; where only ``parentId`` is given, that names a set of points.
``metadata`` is an object or a list of pairs.
"""

import re
from collections.abc import Iterator
from typing import Any

from healthbox.domain.records import Clinical, Naming, Record, Sample, SleepStage, SourceRef, Workout
from healthbox.formats.contract import Envelope, Format
from healthbox.formats.device_kinds import kind_of
from healthbox.formats.foods import food_tag
from healthbox.formats.native import SLEEP, value_of
from healthbox.formats.sdk_workouts import route_of, series_of, totals_of
from healthbox.formats.shapes import marked
from healthbox.formats.wire import Unreadable, catalogue, each, metadata, span, stage, text, uuid, zone_of

NAME = "open-wearables"
_KEPT = ("title", "notes", "segments")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def claims(body: Any, envelope: Envelope) -> bool:
    return marked(body) == NAME


def records(body: Any, envelope: Envelope) -> Iterator[Record]:
    readers = {"records": _record, "sleep": _sleep, "workouts": _workout}
    for section, items in body["data"].items():
        read = readers.get(section, _whole)

        def one(item: dict[str, Any], at: str, section: str = section, read: Any = read) -> Iterator[Record]:
            yield from read(item, at, envelope.zone, section)

        yield from each(items, f"data.{section}", one)


def _record(item: dict[str, Any], at: str, zone: str, section: str) -> Iterator[Record]:
    kind = text(item.get("type"))
    if kind is None:
        raise Unreadable("no_type", "the record names no type")
    naming: Naming = "healthkit" if kind.startswith("HK") else "open_wearables"
    meta, own_zone = _metadata(item), _zone(item)
    start, end = span(item.get("startDate"), item.get("endDate"), own_zone or zone)
    ident, parent = _identity(item)
    if kind in SLEEP:
        found, source = stage(naming, item.get("value")), source_of(item)
        yield SleepStage(position=at, start=start, end=end, stage=found, source=source, uuid=ident, parent=parent, zone=own_zone)
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
        source=source_of(item),
        uuid=ident,
        parent=parent,
        tag=food_tag(naming, kind, meta),
        zone=own_zone,
        metadata=meta or None,
    )


def _sleep(item: dict[str, Any], at: str, zone: str, section: str) -> Iterator[Record]:
    own_zone = _zone(item)
    start, end = span(item.get("startDate"), item.get("endDate"), own_zone or zone)
    ident, parent = _identity(item)
    kept = _metadata(item) | totals_of(item.get("values")).kept
    yield SleepStage(
        position=at,
        start=start,
        end=end,
        stage=stage("open_wearables", item.get("stage")),
        source=source_of(item),
        uuid=ident,
        parent=parent,
        zone=own_zone,
        metadata=kept or None,
    )


def _workout(item: dict[str, Any], at: str, zone: str, section: str) -> Iterator[Record]:
    kind = text(item.get("type"))
    if kind is None:
        raise Unreadable("no_activity", "the workout names no activity")
    own_zone = _zone(item)
    start, end = span(item.get("startDate"), item.get("endDate"), own_zone or zone)
    totals, laps = totals_of(item.get("values")), item.get("laps")
    kept = {key: item[key] for key in _KEPT if item.get(key) not in (None, "", [])}
    yield Workout(
        position=at,
        activity=catalogue().activity("healthkit" if kind.startswith("HK") else "open_wearables", kind),
        start=start,
        end=end,
        uuid=_identity(item)[0],
        source=source_of(item),
        zone=own_zone,
        totals=totals.found,
        series=series_of(item.get("samples"), own_zone or zone),
        route=route_of(item.get("route"), own_zone or zone),
        laps=[lap for lap in laps if isinstance(lap, dict)] if isinstance(laps, list) else [],
        metadata=(_metadata(item) | kept | totals.kept) or None,
    )


def _whole(item: dict[str, Any], at: str, zone: str, section: str) -> Iterator[Record]:
    """A section that a later version added is kept as it is."""
    start, end = span(item.get("startDate"), item.get("endDate"), _zone(item) or zone)
    kind = _HUMP.sub("_", section).lower()[:100]
    yield Clinical(position=at, kind=kind, data=item, start=start, end=end, uuid=_identity(item)[0], source=source_of(item))


def source_of(item: dict[str, Any]) -> SourceRef:
    said = item.get("source")
    said = said if isinstance(said, dict) else {}
    typed = _metadata(item).get("HKWasUserEntered") in (True, 1, "1", "true")
    return SourceRef(
        text(said.get("name")) or text(said.get("deviceName")),
        text(said.get("bundleIdentifier")) or text(said.get("appId")),
        text(said.get("productType")) or text(said.get("deviceModel")),
        "manual" if typed else kind_of(said.get("deviceType"), said.get("recordingMethod")),
    )


def _identity(item: dict[str, Any]) -> tuple[str | None, bool]:
    """(uuid, whether it names a parent of many points)."""
    own = uuid(_as_text(item.get("id")))
    parent = uuid(_as_text(item.get("parentId"))) if own is None else None
    return own or parent, parent is not None


def _as_text(ident: Any) -> Any:
    """Some stores number their records."""
    return str(ident) if type(ident) is int else ident


def _zone(item: dict[str, Any]) -> str | None:
    return zone_of(item.get("zoneOffset"), _metadata(item).get("HKTimeZone"))


def _metadata(item: dict[str, Any]) -> dict[str, Any]:
    said = item.get("metadata")
    if not isinstance(said, list):
        return dict(metadata(said) or {})
    pairs = [(text(entry.get("key", entry.get("name"))), entry.get("value")) for entry in said if isinstance(entry, dict)]
    return {name: value for name, value in pairs if name}


FORMAT = Format(name=NAME, looks_for='"provider" and "sdkVersion", with "data" as an object', claims=claims, records=records)
