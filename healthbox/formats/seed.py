"""The plain chunk: ``{"anchor_token", "is_final_chunk", "data": [{"uuid","type","value","unit","date_from","date_to","source"}]}``.

``type`` is a HealthKit identifier, a Flutter name or a catalogue key. When the points in ``data`` are the Flutter plugin's own
(``dateFrom``), that format claims the body, with or without this envelope.
"""

from collections.abc import Iterator
from typing import Any

from healthbox.domain.records import Record, Sample, SleepStage
from healthbox.formats.contract import Envelope, Format
from healthbox.formats.flutter import camel_points, unit_of
from healthbox.formats.native import SLEEP, source_of, value_of
from healthbox.formats.wire import Unreadable, each, metadata, naming_of, span, stage, text, uuid, zone_of


def claims(body: Any, envelope: Envelope) -> bool:
    if not isinstance(body, dict) or not isinstance(body.get("data"), list):
        return False
    return ("anchor_token" in body or "is_final_chunk" in body) and not camel_points(body["data"])


def records(body: Any, envelope: Envelope) -> Iterator[Record]:
    zone = zone_of(body.get("zone"), body.get("timezone"), body.get("tz")) or envelope.zone
    yield from each(body["data"], "data", lambda item, at: _point(item, at, zone))


def _point(item: dict[str, Any], at: str, zone: str) -> Iterator[Record]:
    kind = text(item.get("type"))
    if kind is None:
        raise Unreadable("no_type", "the point names no type")
    meta = metadata(item.get("metadata"))
    own_zone = zone_of((meta or {}).get("HKTimeZone"))
    start, end = span(item.get("date_from"), item.get("date_to"), own_zone or zone)
    naming, ident, source = naming_of(kind), uuid(item.get("uuid")), source_of(item)
    if kind in SLEEP or kind.startswith("SLEEP_"):
        found = stage(naming, item.get("value")) if kind in SLEEP else stage("flutter", kind.replace("_SESSION", "_ASLEEP"))
        yield SleepStage(position=at, start=start, end=end, stage=found, source=source, uuid=ident, zone=own_zone, metadata=meta)
        return
    yield Sample(
        position=at,
        metric=kind,
        naming=naming,
        start=start,
        end=end,
        value=value_of(item.get("value"), naming, kind),
        unit=unit_of(item.get("unit"), percent="%" if naming == "key" else "hk%"),
        source=source,
        uuid=ident,
        zone=own_zone,
        metadata=meta,
    )


FORMAT = Format(
    name="seed-sync",
    looks_for='"anchor_token" or "is_final_chunk", with "data" as a list of points with "date_from"',
    claims=claims,
    records=records,
)
